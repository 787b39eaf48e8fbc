//! The OpenAPI document, and its pages. Both are for everybody.

use std::sync::Arc;

use axum::Router;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use utoipa::openapi::request_body::RequestBody;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, RefOr, Required, Response as Documented, Schema, SecurityRequirement, ServerBuilder,
};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::Api;
use super::cookies::{Baker, Kind};
use crate::version::VERSION;

const DOCUMENT: &str = "/api/openapi.json";
const PAGES: &str = "/api/docs";

/// Swagger's pages are scripts and styles of our own, and style themselves.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=300");

const ABOUT: &str = "Run communities: everything that the dashboard can do, for scripts too.

Truth lives in users' own repositories: what is changed here is written there, with the caller's own authority, and read back from \
the index at once. Sign in with `POST /api/auth/login` (an app password) or in a browser at `/oauth/login?handle=…`. Errors are \
`{\"error\": \"<Name>\", \"message\": \"<a sentence>\"}`. What is done at the caller's server and can't be read back yet is \
answered with 202; what was left half done there is listed in an error's `remains`. Lists have a `cursor` while there is more.";

/// The document without its paths.
pub(super) fn description(baker: Baker) -> OpenApi {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("An access token of ours; or, for reading, a service-auth token of the user's server for `net.atrarium.dashboard.read`"));
    let cookie = ApiKeyValue::with_description(baker.name(Kind::Access), "A browser's; what changes something then needs the header `x-csrf-token`");
    OpenApiBuilder::new()
        .info(InfoBuilder::new().title("Atrarium").version(VERSION).description(Some(ABOUT)).build())
        // Wherever the document was read: its pages can be tried at each address that leads here.
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .components(Some(
            ComponentsBuilder::new()
                .security_scheme("bearer", SecurityScheme::Http(bearer.build()))
                .security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)))
                .build(),
        ))
        .security(Some([SecurityRequirement::new("bearer", Vec::<String>::new()), SecurityRequirement::new("cookie", Vec::<String>::new())]))
        .build()
}

/// The document with what is so of many operations and stands over none of them.
fn completed(mut document: OpenApi) -> OpenApi {
    let schemas = document.components.as_ref().map(|components| components.schemas.clone()).unwrap_or_default();
    // As `Body` has it: without a field that is needed, a body need not be sent.
    let may_be_left_out = |body: &RequestBody| {
        body.content.iter().all(|(kind, content)| {
            let RefOr::T(Content { schema: Some(RefOr::Ref(schema)), .. }) = content else { return false };
            let name = schema.ref_location.rsplit('/').next().unwrap_or_default();
            kind == "application/json" && matches!(schemas.get(name), Some(RefOr::T(Schema::Object(object))) if object.required.is_empty())
        })
    };
    for (path, item) in &mut document.paths.paths {
        let operations = [("get", &mut item.get), ("put", &mut item.put), ("post", &mut item.post), ("delete", &mut item.delete)];
        for (method, operation) in operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?))) {
            // Functions of different modules have the same name, and no two operations may.
            operation.operation_id = Some(called(method, path));
            // The listener's answer, before any route is asked.
            operation.responses.responses.insert("431".to_owned(), Documented::new("The URL or the headers are too large").into());
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && may_be_left_out(body)
            {
                body.required = Some(Required::False);
            }
        }
    }
    document
}

/// What an operation is called: `getCommunitiesIdMembers` for `GET /api/communities/{id}/members`.
fn called(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/api").split(|sign: char| !sign.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |mut name, word| {
        name.push_str(&word[..1].to_ascii_uppercase());
        name.push_str(&word[1..]);
        name
    })
}

pub(super) fn routes(document: OpenApi) -> Router<Api> {
    let text: Arc<str> = completed(document).to_json().unwrap_or_default().into();
    let pages: Router<Api> = SwaggerUi::new(PAGES).config(Config::from(DOCUMENT).try_it_out_enabled(true)).into();
    let pages = pages.layer(from_fn(async |request: axum::extract::Request, next: Next| {
        let mut response = next.run(request).await;
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, POLICY);
        response
    }));
    pages.route(
        DOCUMENT,
        get(move || {
            let text = Arc::clone(&text);
            async move { serve(&text) }
        }),
    )
}

fn serve(text: &str) -> Response {
    let mut response = text.to_owned().into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    response
}

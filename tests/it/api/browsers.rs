//! What pages, other sites and whoever writes a link can do in somebody's browser (2.4: S18).

use atrarium_tests::World;
use atrarium_tests::api::{Caller, Site};
use atrarium_tests::http::{self, Answer};
use atrarium_tests::network::did;
use atrarium_tests::plc::{PASSWORD, Plc};
use atrarium_tests::signer::Signer;
use serde_json::{Value, json};

/// S18: tokens lay where every script of the page could read them, and third parties were told what was looked at.
#[tokio::test(flavor = "multi_thread")]
async fn no_script_reads_a_browsers_tokens_and_no_other_host_is_told_of_anything() {
    let mut plain = World::new().await;
    let mut tls = World::with_flags(&["--public-url", "https://feeds.example.org"]).await;
    for (world, is_secure) in [(&plain, false), (&tls, true)] {
        let tokens = world.tokens(&did("ann"));
        // A page has its tokens in cookies, and never in what a script reads; not even if it has shown one itself.
        let host = if is_secure { "feeds.example.org" } else { "127.0.0.1" };
        let mut page = Caller::browser(world.address, host);
        for body in [json!({ "refreshToken": tokens.refresh }), json!({}), Value::Null] {
            let renewed = page.post("/api/auth/refresh", &body).await;
            assert_eq!((renewed.status, &renewed.json()["did"]), (200, &json!(did("ann"))), "{body}: {renewed:?}");
            assert!(renewed.json()["accessToken"].is_null() && renewed.json()["refreshToken"].is_null(), "{body}: {renewed:?}");
            for name in ["atrarium_access", "atrarium_refresh"] {
                let token = page.jar().and_then(|jar| jar.value(name)).unwrap_or_else(|| panic!("{name}: {renewed:?}"));
                assert!(!renewed.body.contains(token), "{name} {renewed:?}");
            }
        }
        assert_eq!(page.reads("/api/auth/me").await["did"], json!(did("ann")));
        let renewed = page.post("/api/auth/refresh", &Value::Null).await;
        let cookies = renewed.headers("set-cookie");
        let prefix = if is_secure { "__Host-" } else { "" };
        let cookie = |name: &str| {
            let name = format!("{prefix}{name}=");
            *cookies.iter().find(|cookie| cookie.starts_with(&name)).unwrap_or_else(|| panic!("{name}: {renewed:?}"))
        };
        let has = |name: &str, attribute: &str| cookie(name).split(';').any(|part| part.trim().eq_ignore_ascii_case(attribute));
        for name in ["atrarium_access", "atrarium_refresh"] {
            assert!(has(name, "HttpOnly"), "{}", cookie(name));
        }
        assert!(has("atrarium_access", "SameSite=Lax") && has("atrarium_refresh", "SameSite=Strict") && has("atrarium_csrf", "SameSite=Strict"), "{cookies:?}");
        assert!(has("atrarium_refresh", if is_secure { "Path=/" } else { "Path=/api/auth" }), "{cookies:?}");
        for cookie in ["atrarium_access", "atrarium_refresh", "atrarium_csrf"] {
            assert_eq!(has(cookie, "Secure"), is_secure, "{cookies:?}");
        }
        assert_eq!(renewed.header("cache-control"), Some("no-store"));
        // A script has its tokens in the answer, and no cookies.
        let script = Caller::nobody(world.address).post("/api/auth/refresh", &json!({ "refreshToken": world.tokens(&did("ben")).refresh })).await;
        assert!(script.json()["accessToken"].is_string() && script.json()["refreshToken"].is_string() && script.headers("set-cookie").is_empty(), "{script:?}");

        // What is changed needs more than the cookies that a browser adds by itself.
        let [access, csrf] = ["atrarium_access", "atrarium_csrf"].map(|name| cookie(name).split(';').next().unwrap_or_default().to_owned());
        let both = format!("{access}; {csrf}");
        let token = csrf.split_once('=').map_or("", |(_, token)| token);
        let foreign = world.tokens(&did("eve"));
        let status = async |headers: &[(&str, &str)]| Caller::nobody(world.address).call_with("POST", "/api/communities", headers, &json!({})).await.status;
        assert_eq!(status(&[("cookie", &both)]).await, 403);
        assert_eq!(status(&[("cookie", &both), ("x-csrf-token", "")]).await, 403);
        assert_eq!(status(&[("cookie", &both), ("x-csrf-token", "x")]).await, 403);
        assert_eq!(status(&[("cookie", &both), ("x-csrf-token", &foreign.csrf)]).await, 403, "another session's");
        assert_eq!(status(&[("cookie", &both), ("x-csrf-token", token)]).await, 422, "only the name is missing");
        let elsewhere = [("origin", "https://evil.example"), ("cookie", &both)];
        let answer = Caller::nobody(world.address).call_with("GET", "/api/auth/me", &elsewhere, &Value::Null).await;
        assert!(answer.header("access-control-allow-origin").is_none(), "{answer:?}");

        // The pages of the documentation bring all that they need.
        let page = Caller::nobody(world.address).get("/api/docs/").await;
        let policy = page.header("content-security-policy").unwrap_or_default();
        assert!(page.status == 200 && policy.contains("default-src 'self'") && !policy.contains("http"), "{page:?}");
        for outside in ["src=\"http", "href=\"http", "src=\"//", "href=\"//"] {
            assert!(!page.body.contains(outside), "{}", page.body);
        }
    }
    plain.stop().await;
    tls.stop().await;
}

/// A world in which Ann has an account, whose server knows no OAuth.
async fn with_ann() -> (World, Plc) {
    let plc = Plc::start().await;
    let resolver = ["--handle-resolver".to_owned(), format!("http://{}", plc.address)];
    let flags = [plc.flags().as_slice(), &resolver].concat();
    let world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let key = Signer::k256(7).public();
    plc.open_account(&did("ann"), "ann.test", (key.0, &key.1));
    (world, plc)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_signs_in_by_password_never_sees_a_token() {
    let (mut world, _plc) = with_ann().await;
    let body = json!({ "identifier": "ann.test", "password": PASSWORD });
    let mut page = Caller::browser(world.address, "127.0.0.1");
    let signed = page.post("/api/auth/login", &body).await;
    assert_eq!((signed.status, &signed.json()["did"], &signed.json()["handle"]), (200, &json!(did("ann")), &json!("ann.test")), "{signed:?}");
    assert!(signed.json()["accessToken"].is_null() && signed.json()["refreshToken"].is_null() && signed.json()["csrfToken"].is_string(), "{signed:?}");
    assert_eq!(page.reads("/api/auth/me").await["did"], json!(did("ann")));
    // A browser that says less of itself names the page all the same.
    let old = Caller::nobody(world.address).call_with("POST", "/api/auth/login", &[("origin", "http://127.0.0.1")], &body).await;
    assert!(old.status == 200 && old.json()["accessToken"].is_null() && old.headers("set-cookie").len() == 3, "{old:?}");
    let landed = page.visit(&format!("http://127.0.0.1:{}/oauth/done", world.address.port()), Site::CrossSite).await;
    assert!(landed.status == 200 && landed.body.contains("You are signed in as <strong>ann.test</strong>"), "{landed:?}");
    page.done("POST", "/api/auth/logout", &Value::Null, 200).await;
    let landed = page.visit(&format!("http://127.0.0.1:{}/oauth/done", world.address.port()), Site::SameOrigin).await;
    assert!(landed.status == 401 && landed.body.contains("not signed in"), "{landed:?}");
    world.stop().await;
}

/// Whether the answer is the page that asks, by which nothing has begun.
fn asks(answer: &Answer) -> bool {
    answer.status == 200 && answer.body.contains("<form method=\"post\" action=\"/oauth/login?handle=") && answer.headers("set-cookie").is_empty()
}

/// Any page could sign its readers in as whom it liked, by a link to us and a server of its author's.
#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_begins_where_somebody_means_it_and_never_at_another_sites_word() {
    let (mut world, plc) = with_ann().await;
    let path = "/oauth/login?handle=ann.test&return=%2Fcommunities";
    let by = async |method: &str, headers: &[(&str, &str)]| {
        let host = format!("127.0.0.1:{}", world.address.port());
        let headers = [&[("host", host.as_str())], headers].concat();
        http::call(world.address, method, path, &headers, &Value::Null).await.expect("an answer")
    };
    let host = format!("http://127.0.0.1:{}", world.address.port());
    for (method, headers) in [
        ("GET", vec![("sec-fetch-site", "cross-site")]),
        ("GET", vec![("sec-fetch-site", "same-site")]),
        ("POST", vec![("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]),
        ("GET", vec![("referer", "https://evil.example/")]),
        ("POST", vec![("origin", "null")]),
    ] {
        let answer = by(method, &headers).await;
        assert!(asks(&answer), "{method} {headers:?}: {answer:?}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !answer.body.contains("<script"), "{answer:?}");
    }
    assert_eq!(plc.asked(&did("ann")), 0, "nobody was looked up");
    // Ann's server knows no OAuth, so whoever gets there hears of that.
    for (method, headers) in [
        ("GET", vec![("sec-fetch-site", "none")]),
        ("GET", vec![("sec-fetch-site", "same-origin"), ("referer", host.as_str())]),
        ("POST", vec![("sec-fetch-site", "same-origin"), ("origin", "null")]),
        ("POST", vec![("origin", host.as_str())]),
        ("GET", vec![]),
    ] {
        let answer = by(method, &headers).await;
        assert!(answer.status == 502 && answer.body.contains("Not signed in"), "{method} {headers:?}: {answer:?}");
    }
    // The button is pressed by who is signed in already as well, and the name in it is no more than a name.
    let tokens = world.tokens(&did("ben"));
    let signed_in = [("sec-fetch-site", "same-origin"), ("cookie", &format!("atrarium_access={}", tokens.access))];
    assert_eq!(by("POST", &signed_in).await.status, 502);
    let name = "\"><script>alert(1)</script>";
    let mut browser = Caller::browser(world.address, "127.0.0.1");
    let asked = browser.visit(&format!("{host}/oauth/login?handle={}", http::encode(name)), Site::CrossSite).await;
    assert!(asks(&asked) && !asked.body.contains("<script") && asked.body.contains("&quot;&gt;&lt;script&gt;"), "{asked:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_at_localhost_is_sent_where_its_cookies_will_be() {
    let mut world = World::with_flags(&["--allow-private-network", "--handle-resolver", "http://127.0.0.1:9"]).await;
    let port = world.address.port();
    let mut browser = Caller::browser(world.address, "localhost");
    let sent = browser.visit(&format!("http://localhost:{port}/oauth/login?handle=ann.test&return=%2Fx"), Site::None).await;
    assert_eq!(sent.status, 307, "{sent:?}");
    assert_eq!(sent.header("location"), Some(format!("http://127.0.0.1:{port}/oauth/login?handle=ann.test&return=%2Fx").as_str()));
    assert!(sent.headers("set-cookie").is_empty(), "a cookie here would be no use there: {sent:?}");
    // What is set there is sent there alone, and opens what it should.
    let mut browser = Caller::browser(world.address, "127.0.0.1");
    let refresh = json!({ "refreshToken": world.tokens(&did("ann")).refresh });
    browser.done("POST", "/api/auth/refresh", &refresh, 200).await;
    let done = |host: &str| format!("http://{host}:{port}/oauth/done");
    assert_eq!(browser.visit(&done("localhost"), Site::None).await.status, 401);
    assert_eq!(browser.visit(&done("127.0.0.1"), Site::None).await.status, 200);
    // Only localhost is: whoever can say what a host is called leads nobody away by it.
    let elsewhere = [("host", "localhost.evil.example"), ("sec-fetch-site", "none")];
    let answer = http::call(world.address, "GET", "/oauth/login?handle=ann.test", &elsewhere, &Value::Null).await.expect("an answer");
    assert_eq!(answer.header("location"), None, "{answer:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_world_servers_learn_from_us_who_we_are() {
    let mut world = World::with_flags(&["--public-url", "https://feeds.example.org"]).await;
    let read = async |path: &str| {
        let answer = world.get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{answer:?}");
        answer.json()
    };
    let metadata = read("/oauth/client-metadata.json").await;
    let expected = json!({
        "client_id": "https://feeds.example.org/oauth/client-metadata.json",
        "redirect_uris": ["https://feeds.example.org/oauth/callback"],
        "jwks_uri": "https://feeds.example.org/oauth/jwks.json",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "dpop_bound_access_tokens": true,
        "token_endpoint_auth_method": "private_key_jwt",
        "token_endpoint_auth_signing_alg": "ES256",
    });
    for (name, value) in expected.as_object().into_iter().flatten() {
        assert_eq!(&metadata[name], value, "{name}: {metadata}");
    }
    assert!(metadata["scope"].as_str().is_some_and(|scope| scope.split(' ').any(|one| one == "atproto")), "{metadata}");
    let keys = read("/oauth/jwks.json").await;
    let key = &keys["keys"][0];
    assert_eq!((&key["kty"], &key["crv"], keys["keys"].as_array().map(Vec::len)), (&json!("EC"), &json!("P-256"), Some(1)), "{keys}");
    assert!(key["x"].is_string() && key["y"].is_string() && key["kid"].is_string() && key["d"].is_null(), "the half that is for everybody: {keys}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_app_passwords_are_off_nobodys_server_hears_one() {
    let plc = Plc::start().await;
    let flags = plc.flags();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).chain(["--no-app-passwords"]).collect::<Vec<_>>()).await;
    let key = Signer::k256(7).public();
    plc.open_account(&did("ann"), "ann.test", (key.0, &key.1));
    let answer = Caller::nobody(world.address).post("/api/auth/login", &json!({ "identifier": did("ann"), "password": PASSWORD })).await;
    assert_eq!((answer.status, answer.error().as_str()), (403, "Forbidden"), "{answer:?}");
    assert!(answer.json()["message"].as_str().is_some_and(|message| message.contains("OAuth")) && answer.headers("set-cookie").is_empty(), "{answer:?}");
    assert_eq!(plc.connections(), 0);
    world.stop().await;
}

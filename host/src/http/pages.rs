//! The dashboard: the files that were built into the program, and the one page to which they all belong.
//!
//! ```text
//! /assets/…, /icon.svg …       a file, compressed if the browser takes it so; under assets/ a name is one content for ever
//! any other path that a browser opens as a page     index.html, whose scripts find out what the path means
//! ```
//!
//! The page's policy lets nothing run, be shown or be asked but what is ours, the AppView that the operator names, and its pictures. What
//! libraries add to its style they add with a word (nonce) that is another for each answer. A program that was built without the dashboard
//! serves a page that says how to build it. Nothing here reads the disk, and nothing can fail.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, VARY,
};
use hyper::{Response, StatusCode};
use include_dir::{Dir, include_dir};

use super::payload::Payload;
use super::reply::{self, NO_STORE, Reply};

/// What `make dashboard` has built, in the folder `app`; else nothing but a note for git.
static BUILT: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/dashboard/dist");

const APP: &str = "app/";
const PAGE: &str = "index.html";

/// What stands in the page for the word of its policy.
const NONCE: &str = "__NONCE__";

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The name has a digest of the content.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Asked for again whenever a page is loaded, and not sent again while it is the same.
const LOOKED_AT: HeaderValue = HeaderValue::from_static("no-cache");

/// Pictures and films' pictures, as the public AppView names them.
const PICTURES: &str = "https://cdn.bsky.app https://video.bsky.app";

const NOT_BUILT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Atrarium</title>\
    <h1>Atrarium runs, without its dashboard</h1>\
    <p>This program was built by cargo alone, and the dashboard is built with Node. With Node 20 or newer, run</p>\
    <pre>make dashboard</pre>\
    <p>in the source's folder and build the program again; <code>make build</code> and <code>make run</code> do both.</p>\
    <p>Everything else works: the feeds, and <a href=\"/api/docs/\">the API</a>.</p></html>";

const NOT_BUILT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");

/// A file, in all the forms in which it was built.
struct File {
    content_type: HeaderValue,
    cache: HeaderValue,
    etag: HeaderValue,
    plain: Bytes,
    brotli: Option<Bytes>,
    gzip: Option<Bytes>,
}

/// The dashboard as it is served.
pub(super) struct Pages {
    /// By path.
    files: HashMap<String, File>,
    /// The page, before and behind each of the words.
    page: Option<Vec<&'static str>>,
    /// The origin of an AppView.
    appview: Option<String>,
    secure: bool,
}

impl Pages {
    pub(super) fn new(appview: Option<String>, secure: bool) -> Self {
        Self::of(&BUILT, appview, secure)
    }

    fn of(built: &'static Dir<'static>, appview: Option<String>, secure: bool) -> Self {
        let mut files = HashMap::new();
        let mut page = None;
        for (path, bytes) in all(built) {
            if path == PAGE {
                page = std::str::from_utf8(bytes).ok().map(|html| html.split(NONCE).collect());
                continue;
            }
            let Some(content_type) = content_type(path) else { continue };
            let other = |ending: &str| built.get_file(format!("{APP}{path}{ending}")).map(|file| Bytes::from_static(file.contents()));
            let cache = if path.starts_with("assets/") { FOR_EVER } else { LOOKED_AT };
            let (brotli, gzip) = (other(".br"), other(".gz"));
            files.insert(format!("/{path}"), File { content_type, cache, etag: etag(bytes), plain: Bytes::from_static(bytes), brotli, gzip });
        }
        Self { files, page, appview, secure }
    }

    /// The answer to a GET for this path, if a file or a page is what is meant by it.
    pub(super) fn answer(&self, path: &str, headers: &HeaderMap) -> Option<Reply> {
        let mut reply = match self.files.get(path) {
            Some(file) => file.answer(headers),
            None if opens_a_page(headers) => self.page(path),
            None => return None,
        };
        let headers = reply.headers_mut();
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
        headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
        if self.secure {
            headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
        }
        Some(reply)
    }

    fn page(&self, path: &str) -> Reply {
        let Some(parts) = &self.page else {
            let status = if path == "/" { StatusCode::OK } else { StatusCode::NOT_FOUND };
            let mut reply = reply::reply(status, HTML, NO_STORE, Bytes::from_static(NOT_BUILT.as_bytes()));
            reply.headers_mut().insert(CONTENT_SECURITY_POLICY, NOT_BUILT_POLICY);
            return reply;
        };
        let nonce = URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>());
        let mut reply = reply::ok(HTML, NO_STORE, parts.join(&nonce).into());
        if let Ok(policy) = HeaderValue::from_str(&self.policy(&nonce)) {
            reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        reply
    }

    fn policy(&self, nonce: &str) -> String {
        let appview = self.appview.as_deref().unwrap_or_default();
        let pictures = if self.appview.is_some() { PICTURES } else { "" };
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: {pictures} {appview}; connect-src 'self' {appview}; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    }
}

impl File {
    fn answer(&self, headers: &HeaderMap) -> Reply {
        let known = headers.get_all(IF_NONE_MATCH).iter().any(|given| given == self.etag);
        let (encoding, body) = match (&self.brotli, &self.gzip) {
            (Some(brotli), _) if accepts(headers, "br") => (Some("br"), brotli),
            (_, Some(gzip)) if accepts(headers, "gzip") => (Some("gzip"), gzip),
            _ => (None, &self.plain),
        };
        let mut reply = match known {
            true => {
                let mut reply = Response::new(Payload::from(Bytes::new()));
                *reply.status_mut() = StatusCode::NOT_MODIFIED;
                reply
            }
            false => reply::ok(self.content_type.clone(), self.cache.clone(), body.clone()),
        };
        let headers = reply.headers_mut();
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(ETAG, self.etag.clone());
        if let Some(encoding) = encoding.filter(|_| !known) {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        reply
    }
}

/// All files of the dashboard but the compressed forms of others, by their paths in it.
fn all(built: &'static Dir<'static>) -> Vec<(&'static str, &'static [u8])> {
    let (mut folders, mut files) = (vec![built], Vec::new());
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        let paths = folder.files().filter_map(|file| Some((file.path().to_str()?.strip_prefix(APP)?, file.contents())));
        files.extend(paths.filter(|(path, _)| !path.ends_with(".br") && !path.ends_with(".gz")));
    }
    files
}

/// What a file is, by its name; `None` for what the dashboard doesn't have.
fn content_type(path: &str) -> Option<HeaderValue> {
    let (_, ending) = path.rsplit_once('.')?;
    Some(HeaderValue::from_static(match ending {
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "webmanifest" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        _ => return None,
    }))
}

/// The same for the same content, as long as the program isn't another.
fn etag(bytes: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    HeaderValue::from_str(&format!("\"{:016x}\"", hasher.finish())).unwrap_or(HeaderValue::from_static("\"\""))
}

/// Whether a browser wants to show what comes. Programs that take anything get what they got before there were pages.
fn opens_a_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).iter().any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

/// Whether the browser takes this encoding. Browsers don't weigh them.
fn accepts(headers: &HeaderMap, encoding: &str) -> bool {
    let named = |accept: &HeaderValue| {
        accept.to_str().is_ok_and(|accept| {
            accept.split(',').any(|one| {
                let (name, weight) = one.split_once(';').unwrap_or((one, ""));
                name.trim() == encoding && !matches!(weight.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
            })
        })
    };
    headers.get_all(ACCEPT_ENCODING).iter().any(named)
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use include_dir::{DirEntry, File as Included};

    use super::*;

    const SCRIPT: &[u8] = b"console.log('a script')";
    static SITE: Dir<'_> = Dir::new(
        "",
        &[
            DirEntry::File(Included::new(".gitignore", b"*")),
            DirEntry::Dir(Dir::new(
                "app",
                &[
                    DirEntry::File(Included::new("app/index.html", b"<meta content=\"__NONCE__\"><script src=\"/assets/a-1.js\">")),
                    DirEntry::File(Included::new("app/icon.svg", b"<svg/>")),
                    DirEntry::Dir(Dir::new(
                        "app/assets",
                        &[
                            DirEntry::File(Included::new("app/assets/a-1.js", SCRIPT)),
                            DirEntry::File(Included::new("app/assets/a-1.js.br", b"small")),
                            DirEntry::File(Included::new("app/assets/a-1.js.gz", b"smaller")),
                        ],
                    )),
                ],
            )),
        ],
    );
    static NOTHING: Dir<'_> = Dir::new("", &[DirEntry::File(Included::new(".gitignore", b"*"))]);

    const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

    fn pages(site: &'static Dir<'static>) -> Pages {
        Pages::of(site, Some("https://appview.example.org".to_owned()), true)
    }

    fn headers(given: &[(HeaderName, &'static str)]) -> HeaderMap {
        given.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    async fn body(reply: Reply) -> String {
        let bytes = reply.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn header(reply: &Reply, name: HeaderName) -> &str {
        reply.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[tokio::test]
    async fn a_page_is_for_browsers_and_its_word_is_another_each_time() {
        let pages = pages(&SITE);
        let mut words = Vec::new();
        for path in ["/", "/communities/moths/members", "/index.html"] {
            let page = pages.answer(path, &headers(&[(ACCEPT, BROWSER)])).expect("a page");
            assert_eq!((page.status(), header(&page, hyper::header::CACHE_CONTROL)), (StatusCode::OK, "no-store"), "{path}");
            let policy = header(&page, CONTENT_SECURITY_POLICY).to_owned();
            let word = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split_once('\'')).map(|(word, _)| word.to_owned()).expect("a word");
            assert!(policy.contains("script-src 'self';") && policy.contains("connect-src 'self' https://appview.example.org;"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
            let html = body(page).await;
            assert!(html.contains(&format!("content=\"{word}\"")) && !html.contains(NONCE), "{html}");
            assert!(word.len() >= 22 && !words.contains(&word), "{word}");
            words.push(word);
        }
        for accept in ["*/*", "application/json", "image/avif,image/webp,*/*"] {
            assert!(pages.answer("/", &headers(&[(ACCEPT, accept)])).is_none(), "{accept}");
            assert!(pages.answer("/communities/moths", &headers(&[(ACCEPT, accept)])).is_none(), "{accept}");
        }
        assert!(pages.answer("/", &HeaderMap::new()).is_none());
    }

    #[tokio::test]
    async fn without_an_appview_nothing_but_ours_is_asked_or_shown() {
        let page = Pages::of(&SITE, None, false).answer("/", &headers(&[(ACCEPT, BROWSER)])).expect("a page");
        assert!(!header(&page, CONTENT_SECURITY_POLICY).contains("https:"), "{page:?}", page = header(&page, CONTENT_SECURITY_POLICY));
        assert_eq!(header(&page, STRICT_TRANSPORT_SECURITY), "");
    }

    #[tokio::test]
    async fn a_file_comes_as_small_as_the_browser_takes_it() {
        let pages = pages(&SITE);
        let check = async |accepted: &'static str, encoding: &str, expected: &str| {
            let file = pages.answer("/assets/a-1.js", &headers(&[(ACCEPT, "*/*"), (ACCEPT_ENCODING, accepted)])).expect("a file");
            assert_eq!((header(&file, CONTENT_ENCODING), header(&file, VARY)), (encoding, "accept-encoding"), "{accepted}");
            assert_eq!(header(&file, hyper::header::CONTENT_TYPE), "text/javascript; charset=utf-8");
            assert_eq!(header(&file, hyper::header::CACHE_CONTROL), "public, max-age=31536000, immutable");
            assert_eq!(body(file).await, expected, "{accepted}");
        };
        let plain = std::str::from_utf8(SCRIPT).expect("text");
        check("gzip, deflate, br, zstd", "br", "small").await;
        check("gzip, br;q=0", "gzip", "smaller").await;
        check("gzip", "gzip", "smaller").await;
        check("identity", "", plain).await;
        check("brotli, gzipped", "", plain).await;
        let other = pages.answer("/assets/a-1.js.br", &headers(&[(ACCEPT, "*/*")]));
        assert!(other.is_none(), "a compressed form is no file of its own");
    }

    #[tokio::test]
    async fn what_a_browser_has_is_not_sent_again() {
        let pages = pages(&SITE);
        let icon = pages.answer("/icon.svg", &HeaderMap::new()).expect("a file");
        assert_eq!(header(&icon, hyper::header::CACHE_CONTROL), "no-cache");
        let mut again = HeaderMap::new();
        again.insert(IF_NONE_MATCH, icon.headers()[ETAG].clone());
        let same = pages.answer("/icon.svg", &again).expect("a file");
        assert_eq!((same.status(), body(same).await), (StatusCode::NOT_MODIFIED, String::new()));
        let other = pages.answer("/icon.svg", &headers(&[(IF_NONE_MATCH, "\"other\"")])).expect("a file");
        assert_eq!(other.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn without_the_dashboard_a_page_says_how_to_build_it() {
        let pages = pages(&NOTHING);
        for (path, status) in [("/", StatusCode::OK), ("/communities/moths", StatusCode::NOT_FOUND)] {
            let page = pages.answer(path, &headers(&[(ACCEPT, BROWSER)])).expect("a page");
            assert_eq!(page.status(), status);
            assert!(body(page).await.contains("make dashboard"));
        }
        assert!(pages.answer("/.gitignore", &headers(&[(ACCEPT, "*/*")])).is_none());
    }
}

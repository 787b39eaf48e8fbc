//! The whole program, with its log at its loudest: no secret that anybody sends it is there, whether it was right, wrong, used up, or
//! stood where it doesn't belong.

use atrarium_tests::browser::{self, Consent};
use atrarium_tests::http::{self, Answer};
use atrarium_tests::peers::Peers;
use atrarium_tests::repo::PASSWORD;
use serde_json::{Value, json};
use url::Url;

use super::House;

/// Somebody who talks to the program, and remembers every secret that they have sent or been given.
struct Talker {
    house: House,
    secrets: Vec<String>,
}

impl Talker {
    fn secret(&mut self, text: &str) -> String {
        assert!(text.len() >= 8, "{text:?} may be in a log by chance");
        self.secrets.push(text.to_owned());
        text.to_owned()
    }

    async fn call(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let answer = http::call(self.house.address(), method, path, headers, body).await.expect("the program answers");
        for cookie in answer.headers("set-cookie") {
            let value = cookie.split(';').next().and_then(|pair| pair.split_once('=')).map(|(_, value)| value.to_owned()).unwrap_or_default();
            self.secrets.extend(Some(value).filter(|value| !value.is_empty()));
        }
        for field in ["accessToken", "refreshToken", "csrfToken"] {
            self.secrets.extend(answer.json()[field].as_str().map(str::to_owned));
        }
        answer
    }

    /// What is answered must have this status.
    async fn says(&mut self, status: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
        let answer = self.call(method, path, headers, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        answer.json()
    }

    async fn log_in(&mut self, identifier: &str, password: &str, status: u16) -> Value {
        self.says(status, "POST", "/api/auth/login", &[], &json!({ "identifier": identifier, "password": password })).await
    }
}

fn text(answer: &Value, field: &str) -> String {
    answer[field].as_str().unwrap_or_else(|| panic!("no {field} in {answer}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_of_the_whole_program() {
    let mut peers = Peers::without_appview().await;
    let ann = peers.person("ann").await;
    let house = House::with(&peers, &["--log-level", "trace"]).await;
    let mut talker = Talker { house, secrets: vec![PASSWORD.to_owned()] };
    let nothing = Value::Null;

    // An app password: right, wrong, and where none belongs.
    let made = ann.does("com.atproto.server.createAppPassword", &json!({ "name": "a script" })).await;
    let password = talker.secret(made["password"].as_str().expect("a password is made"));
    let wrong = talker.secret("a wrong password, 7f3a");
    talker.log_in(&ann.handle, &wrong, 401).await;
    talker.log_in("nobody.test", &wrong, 404).await;
    talker.says(422, "POST", "/api/auth/login", &[], &json!({ "identifier": 5, "password": wrong })).await;
    talker.says(422, "POST", "/api/auth/login", &[], &json!({ "identifier": ann.handle, "password": wrong, wrong.as_str(): 1 })).await;
    let signed = talker.log_in(&ann.handle, &password, 200).await;

    // Access tokens: good, changed, in another scheme, in the query.
    let good = format!("Bearer {}", text(&signed, "accessToken"));
    talker.says(200, "GET", "/api/auth/me", &[("authorization", &good)], &nothing).await;
    talker.says(201, "POST", "/api/communities", &[("authorization", &good)], &json!({ "name": "Night moths" })).await;
    let changed = talker.secret(&format!("{}AAAA", text(&signed, "accessToken")));
    for header in [format!("Bearer {changed}"), format!("Basic {changed}"), format!("DPoP {changed}")] {
        talker.says(401, "GET", "/api/auth/me", &[("authorization", &header)], &nothing).await;
    }
    talker.call("GET", &format!("/api/auth/me?access_token={changed}"), &[], &nothing).await;

    // Tokens of the PDS: for this, for something else, and signed by nobody.
    let service = format!("did:web:localhost%253A{}", talker.house.port);
    for (method, status) in [("net.atrarium.dashboard.read", 200), ("app.bsky.feed.getFeedSkeleton", 401)] {
        let asked = format!("/xrpc/com.atproto.server.getServiceAuth?aud={service}&lxm={method}");
        let answer = http::get_with(peers.pds(), &asked, &[("authorization", &format!("Bearer {}", ann.token))]).await.expect("the PDS answers");
        let token = talker.secret(&text(&answer.json(), "token"));
        talker.says(status, "GET", "/api/communities", &[("authorization", &format!("Bearer {token}"))], &nothing).await;
        let unsigned = talker.secret(&format!("{}AAAA", &token[..token.len() - 4]));
        talker.says(401, "GET", "/api/communities", &[("authorization", &format!("Bearer {unsigned}"))], &nothing).await;
    }

    // Refresh tokens: used, unknown, and used again, which ends the session.
    let mut refresh = async |token: &str, status: u16| talker.says(status, "POST", "/api/auth/refresh", &[], &json!({ "refreshToken": token })).await;
    let second = refresh(&text(&signed, "refreshToken"), 200).await;
    refresh(&text(&second, "refreshToken"), 200).await;
    refresh("not.a.token-of-ours", 401).await;
    refresh(&text(&signed, "refreshToken"), 401).await;

    // A browser with its cookies; codes and states that are wrong, and one that is right.
    let host = format!("127.0.0.1:{}", talker.house.port);
    let callback = |query: &str| format!("/oauth/callback?{query}");
    let (code, state) = (talker.secret("a-code-that-is-none"), talker.secret("a-state-that-is-none"));
    talker.says(401, "GET", &callback(&format!("code={code}&state={state}&iss=http://localhost")), &[("host", &host)], &nothing).await;
    let mut browser = String::new();
    for code in [Some(code), None] {
        let begun = talker.call("GET", &format!("/oauth/login?handle={}", ann.handle), &[("host", &host)], &nothing).await;
        let cookies = begun.headers("set-cookie").into_iter().filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ");
        let page = begun.header("location").unwrap_or_else(|| panic!("{begun:?}")).to_owned();
        let back = Url::parse(&browser::sign_in(&page, &ann.handle, PASSWORD, Consent::Allow).await).expect("a URL");
        for (name, value) in back.query_pairs().filter(|(name, _)| matches!(&**name, "code" | "state")) {
            talker.secret(&value);
            assert!(!page.contains(&*value), "{name} isn't known before");
        }
        let mut query = back.query().unwrap_or_default().to_owned();
        if let Some(code) = &code {
            let right = back.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned()).expect("there is a code");
            query = query.replace(&right, code);
        }
        let answer = talker.call("GET", &callback(&query), &[("host", &host), ("cookie", &cookies)], &nothing).await;
        assert_eq!(answer.status, if code.is_some() { 502 } else { 303 }, "{answer:?}");
        browser = answer.headers("set-cookie").into_iter().filter_map(|cookie| cookie.split(';').next()).collect::<Vec<_>>().join("; ");
    }
    let cookies = [("host", host.as_str()), ("cookie", browser.as_str())];
    let me = talker.says(200, "GET", "/api/auth/me", &cookies, &nothing).await;
    let csrf = [cookies.as_slice(), &[("x-csrf-token", me["csrfToken"].as_str().unwrap_or_default())]].concat();
    let forged = talker.secret("a-forged-proof");
    talker.says(403, "POST", "/api/communities", &[cookies.as_slice(), &[("x-csrf-token", &forged)]].concat(), &json!({ "name": "Moths" })).await;
    talker.says(201, "POST", "/api/communities", &csrf, &json!({ "name": "Day moths" })).await;

    // A server that is gone: every request that is made in somebody's name fails, and so does their signing out there.
    peers.kill_pds().await;
    talker.says(502, "POST", "/api/communities", &csrf, &json!({ "name": "Moths" })).await;
    talker.log_in(&ann.did, &password, 502).await;
    talker.says(200, "POST", "/api/auth/logout", &csrf, &json!({})).await;

    let Talker { mut house, mut secrets } = talker;
    let mut program = house.program.take().expect("the program runs");
    program.terminate();
    assert!(program.ended().await.success(), "{}", program.log());
    let log = program.log();
    for said in ["DEBUG atrarium", "a refresh token was used twice", "a user's server was not told of the end of a sign-in"] {
        assert!(log.contains(said), "{said:?} is not in the log, so it isn't the whole of it:\n{log}");
    }
    // All JWTs begin like this: those of the PDS, ours, and proofs.
    secrets.push("eyJ".to_owned());
    assert!(secrets.len() > 20, "{} secrets", secrets.len());
    for secret in secrets {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

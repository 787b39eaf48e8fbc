//! The holes of the first implementation, each by what must not happen (section 2.4 of `research/atrarium-original.md`). Those that
//! need no API are in `faults_of_others/`.

use std::os::unix::fs::PermissionsExt;

use atrarium_tests::World;
use atrarium_tests::api::Caller;
use atrarium_tests::http;
use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did};
use atrarium_tests::plc::Plc;
use atrarium_tests::records::{self, with};
use atrarium_tests::scene::{OTHER_TAG, TAG};
use atrarium_tests::signer::Signer;
use atrarium_tests::world::NOW;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{SERVICE, Town};

/// Somebody for whom others would like to be taken.
const VICTIM: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

fn jwt(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let tag = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

async fn is_nobody(address: std::net::SocketAddr, token: &str) {
    for (method, path) in [("GET", "/api/auth/me"), ("GET", "/api/communities"), ("POST", "/api/communities")] {
        let answer = Caller::bearer(address, token).call(method, path, &Value::Null).await;
        assert_eq!((answer.status, answer.error().as_str()), (401, "AuthenticationRequired"), "{method} {path} with {token}: {answer:?}");
    }
}

/// S1, S16: a garbage token of a PDS, and a secret that stood in the repository, opened every account.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_becomes_somebody_by_saying_so() {
    let mut world = World::new().await;
    let seconds = NOW / 1_000;
    let claims = json!({ "iss": SERVICE, "aud": SERVICE, "sub": VICTIM, "type": "access", "jti": "1", "sid": "1", "iat": seconds, "exp": seconds + 900 });
    let header = json!({ "typ": "JWT", "alg": "HS256" });
    for secret in ["", "secret", "dev-secret", "development", "your-secret-key", "atrarium"] {
        is_nobody(world.address, &jwt(&header, &claims, secret.as_bytes())).await;
    }
    is_nobody(world.address, &jwt(&json!({ "typ": "JWT", "alg": "none" }), &claims, b"x")).await;
    let unsigned = jwt(&json!({ "typ": "JWT", "alg": "none" }), &claims, b"x");
    is_nobody(world.address, unsigned.rsplit_once('.').map_or("", |(signed, _)| signed)).await;
    is_nobody(world.address, &format!("{}.", unsigned.rsplit_once('.').map_or("", |(signed, _)| signed))).await;
    for garbage in ["garbage", "a.b.c", VICTIM, "null", "undefined", "Bearer", ".."] {
        is_nobody(world.address, garbage).await;
    }
    // Nor does anything in the request say who asks, but for the token.
    let claim = [("x-user-did", VICTIM), ("x-forwarded-user", VICTIM), ("cookie", "did=did:plc:ewvi7nxzyoun6zhxrhs64oiz; atrarium_access=x")];
    let answer = Caller::nobody(world.address).call_with("GET", &format!("/api/auth/me?did={VICTIM}"), &claim, &Value::Null).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    world.stop().await;
}

/// S2: every handle got tokens. Here the account's own server must agree, and where there is none nobody can.
#[tokio::test(flavor = "multi_thread")]
async fn no_handle_and_no_did_gets_tokens_without_its_server() {
    let plc = Plc::start().await;
    let nowhere = ["--handle-resolver".to_owned(), format!("http://{}", plc.address)];
    let flags = [plc.flags().as_slice(), &nowhere].concat();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (method_type, key) = Signer::k256(7).public();
    plc.register(VICTIM, (method_type, &key));
    for identifier in [VICTIM, "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "alice.test", "did:web:localhost%3A1", "a", "", "https://127.0.0.1/"] {
        for body in [
            json!({ "identifier": identifier, "password": "x" }),
            json!({ "identifier": identifier, "password": "" }),
            json!({ "handle": identifier }),
            json!({ "identifier": identifier, "did": VICTIM, "accessJwt": "garbage" }),
        ] {
            let answer = Caller::nobody(world.address).post("/api/auth/login", &body).await;
            assert!((400..505).contains(&answer.status) && answer.status != 500, "{body}: {answer:?}");
            assert!(answer.headers("set-cookie").is_empty() && answer.json()["accessToken"].is_null(), "{body}: {answer:?}");
        }
    }
    world.stop().await;
}

/// S3: the refresh token was good as an access token for sixty days and the other way round; nothing rotated, nothing could be revoked.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_good_for_one_thing_for_a_short_time_and_until_it_is_revoked() {
    let mut world = World::new().await;
    let tokens = world.tokens(&did("ann"));
    is_nobody(world.address, &tokens.refresh).await;
    let refresh = async |world: &World, token: &str| Caller::nobody(world.address).post("/api/auth/refresh", &json!({ "refreshToken": token })).await;
    assert_eq!(refresh(&world, &tokens.access).await.status, 401, "an access token renews nothing");

    // A quarter of an hour, and not a minute longer.
    let me = async |world: &World, token: &str| Caller::bearer(world.address, token).get("/api/auth/me").await.status;
    assert_eq!(me(&world, &tokens.access).await, 200);
    world.clock.set(NOW + 16 * 60_000);
    assert_eq!(me(&world, &tokens.access).await, 401);

    // Each refresh token is good once; the second use, if it isn't the same page in two tabs, ends all that came of it.
    let renewed = refresh(&world, &tokens.refresh).await;
    assert_eq!(renewed.status, 200, "{renewed:?}");
    let text = |field: &str| renewed.json()[field].as_str().unwrap_or_default().to_owned();
    let (access, next) = (text("accessToken"), text("refreshToken"));
    assert_eq!(me(&world, &access).await, 200);
    assert!(next != tokens.refresh && access != tokens.access, "a new pair");
    let tab = refresh(&world, &tokens.refresh).await;
    assert_eq!((tab.status, &tab.json()["refreshToken"]), (200, &json!(next)), "there is but one successor: {tab:?}");
    world.clock.set(NOW + 17 * 60_000);
    let reused = refresh(&world, &tokens.refresh).await;
    assert_eq!(reused.status, 401, "{reused:?}");
    assert_eq!(me(&world, &access).await, 401, "the thief's, or the owner's, has ended as well");
    assert_eq!(refresh(&world, &next).await.status, 401);

    // Signing out ends a token that would have been good for longer, and nobody else's.
    let (one, other) = (world.tokens(&did("ann")), world.tokens(&did("ann")));
    let strangers = world.tokens(&did("ben"));
    Caller::bearer(world.address, &one.access).done("POST", "/api/auth/logout", &Value::Null, 200).await;
    assert_eq!((me(&world, &one.access).await, refresh(&world, &one.refresh).await.status), (401, 401));
    assert_eq!(me(&world, &other.access).await, 200);
    let foreign = Caller::bearer(world.address, &strangers.access).delete(&format!("/api/auth/sessions/{}", other.session)).await;
    assert_eq!((foreign.status, me(&world, &other.access).await), (404, 200), "{foreign:?}");
    Caller::bearer(world.address, &other.access).done("DELETE", "/api/auth/sessions", &Value::Null, 200).await;
    assert_eq!((me(&world, &other.access).await, me(&world, &strangers.access).await), (401, 200));

    // What was ended stays ended, what wasn't goes on.
    world.stop().await;
    world.start_again().await;
    assert_eq!((me(&world, &other.access).await, me(&world, &strangers.access).await), (401, 200));
    world.stop().await;
}

/// S4: no DID was ever looked up.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_somebodys_server_counts_only_by_the_key_in_their_document() {
    let plc = Plc::start().await;
    let flags = plc.flags();
    let mut world = World::with_flags(&flags.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let (ann, key) = (did("ann"), Signer::k256(7));
    let (method_type, public) = key.public();
    plc.register(&ann, (method_type, &public));
    let claims = |issuer: &str| with(Signer::claims(issuer, SERVICE, NOW), json!({ "lxm": "net.atrarium.dashboard.read" }));
    let me = Caller::bearer(world.address, &key.token(&claims(&ann))).reads("/api/auth/me").await;
    assert_eq!(me["did"], json!(ann));
    is_nobody(world.address, &Signer::k256(9).token(&claims(&ann))).await;
    is_nobody(world.address, &key.token(&claims(&did("unknown")))).await;
    for wrong in [
        json!({ "aud": "did:web:elsewhere.example" }),
        json!({ "lxm": "com.atproto.server.getSession" }),
        json!({ "lxm": null }),
        json!({ "exp": NOW / 1_000 - 60 }),
        json!({ "iss": format!("{ann}#other") }),
    ] {
        is_nobody(world.address, &key.token(&with(claims(&ann), wrong))).await;
    }
    world.stop().await;
}

/// S5, S6, S8: a role was what one's own record said, and what one's own request said of the community.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gives_themself_a_role() {
    let mut town = Town::new().await;
    let (community, eve) = (town.community.clone(), did("eve"));
    town.world.create(&eve, MEMBERSHIP, "m", with(records::membership(&community, true, NOW - 40_000), json!({ "role": "owner" })));
    town.world.create(&eve, CONFIG, "child", with(records::config("Child", OTHER_TAG, NOW), json!({ "parentCommunity": community, "moderators": [eve] })));
    town.world.settled().await;
    let mut caller = town.signed_in("eve");
    let members = caller.reads("/api/communities/main/members").await;
    let role = |did: &str| members["members"].as_array().into_iter().flatten().find(|member| member["did"] == did).map(|member| member["role"].clone());
    assert_eq!(role(&eve), Some(json!("member")), "{members}");
    assert_eq!(role(&did("mia")), Some(json!("moderator")));
    assert_eq!(caller.reads("/api/communities/main").await["role"], json!("member"));
    let act = json!({ "community": "main", "action": "hide_post", "target": town.post });
    for (method, path, body) in [
        ("PUT", "/api/communities/main", json!({ "name": "Mine" })),
        ("PUT", &format!("/api/communities/main/members/{eve}"), json!({ "role": "moderator" })),
        ("POST", "/api/moderation/actions", act.clone()),
    ] {
        assert_eq!(caller.call(method, path, &body).await.status, 403, "{method} {path}");
    }
    // A request says what shall be done, never who may do it, or for whom.
    for (path, body) in [
        ("/api/moderation/actions", with(act, json!({ "parentGroupConfig": { "moderators": [eve] } }))),
        ("/api/communities/main/members", json!({ "did": did("ben"), "role": "moderator" })),
        ("/api/communities/main/members", json!({ "accessType": "open", "status": "active" })),
    ] {
        let answer = caller.post(path, &body).await;
        assert_eq!(answer.status, 422, "{path} {body}: {answer:?}");
    }
    // The parent's moderators have no say in the child, nor the child's in the parent.
    let child = json!({ "community": "child", "action": "block_user", "target": did("ann") });
    assert_eq!(town.signed_in("mia").post("/api/moderation/actions", &child).await.status, 403);
    // Who was a moderator is none, from the very record on that says so.
    town.world.update(&did("olga"), CONFIG, "main", records::config("Night moths", TAG, NOW - 50_000));
    town.world.settled().await;
    let act = json!({ "community": "main", "action": "hide_post", "target": town.post });
    assert_eq!(town.signed_in("mia").post("/api/moderation/actions", &act).await.status, 403);
    assert_eq!(town.signed_in("mia").get("/api/communities/main/posts?hidden=true").await.status, 403);
    town.end().await;
}

/// S7: an action took no actor.
#[tokio::test(flavor = "multi_thread")]
async fn an_action_without_a_say_is_shown_as_one_and_decides_nothing() {
    let mut town = Town::new().await;
    let community = town.community.clone();
    town.world.act(&did("eve"), "e1", "hide_post", &town.post.clone(), &community);
    town.world.act(&did("ann"), "e2", "unhide_post", &town.hidden.clone(), &community);
    town.world.settled().await;
    let actions = town.signed_in("eve").list("/api/moderation/actions?community=main", "actions", 1).await;
    let of = |name: &str| {
        actions.iter().find(|action| action["author"] == json!(did(name))).map(|action| (action["authorHasSay"].clone(), action["decides"].clone()))
    };
    assert_eq!((of("eve"), of("ann"), of("mia")), (Some((json!(false), json!(false))), Some((json!(false), json!(false))), Some((json!(true), json!(true)))));
    let shown = town.feed().await;
    assert!(shown.contains(&town.post) && !shown.contains(&town.hidden), "{shown:?}");
    town.end().await;
}

/// S9: a block had no effect.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_nowhere_and_cannot_come_back_by_joining() {
    let mut town = Town::new().await;
    let (community, ann) = (town.community.clone(), did("ann"));
    town.world.act(&did("olga"), "b1", "block_user", &ann, &community);
    town.world.delete(&ann, MEMBERSHIP, "in-main");
    town.world.settled().await;
    assert!(!town.feed().await.contains(&town.post));
    let joining = town.signed_in("ann").post("/api/communities/main/members", &json!({})).await;
    assert_eq!((joining.status, joining.error().as_str()), (403, "Forbidden"), "{joining:?}");
    assert_eq!(town.signed_in("ann").reads("/api/communities/main").await["blocked"], json!(true));
    // Whoever writes the record by hand wins nothing by it.
    town.world.create(&ann, MEMBERSHIP, "again", records::membership(&community, true, NOW));
    town.world.create(&ann, POST, "p9", records::post(&format!("again {TAG}"), NOW - 1_000));
    town.world.settled().await;
    let posts = town.signed_in("eve").list("/api/communities/main/posts", "posts", 100).await;
    assert!(!town.feed().await.iter().any(|post| post.contains(&ann)) && !posts.iter().any(|post| post["author"] == json!(ann)), "{posts:?}");
    let explained = town.signed_in("ann").reads(&format!("/api/communities/main/explain?post={}", http::encode(&town.post))).await;
    assert_eq!(explained["visible"], json!(false), "{explained}");
    town.end().await;
}

/// S11: who took another's hashtag or record key took the community.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_two_communities_have_is_nobodys_alone() {
    let mut town = Town::new().await;
    let eve = did("eve");
    town.world.create(&eve, CONFIG, "main", records::config("Night moths", TAG, NOW - 40_000));
    town.world.settled().await;
    let mut caller = town.signed_in("ann");
    let bare = caller.get("/api/communities/main").await;
    assert_eq!((bare.status, bare.error().as_str()), (409, "Ambiguous"), "{bare:?}");
    let both = caller.list("/api/communities?q=moths", "communities", 1).await;
    assert_eq!(both.len(), 2, "{both:?}");
    for community in &both {
        let id = community["id"].as_str().unwrap_or_default();
        assert!(id.starts_with("main~") && bare.json()["message"].as_str().is_some_and(|message| message.contains(id)), "{id} {bare:?}");
        assert_eq!((&caller.reads(&format!("/api/communities/{id}")).await["uri"], &community["sharedHashtag"]), (&community["uri"], &json!(true)));
        let mine = community["owner"] == json!(eve);
        let closing = town.signed_in("eve").delete(&format!("/api/communities/{id}")).await;
        assert_eq!(closing.status, if mine { 502 } else { 403 }, "{closing:?}");
    }
    assert_eq!(town.feed().await.len(), 3, "each has its own members' posts");
    town.end().await;
}

/// S13: a hundred strangers, who had to say nothing of themselves, shut everybody out of a community's events.
#[tokio::test(flavor = "multi_thread")]
async fn who_listens_too_often_shuts_out_nobody_else() {
    let mut town = Town::new().await;
    let refused = town.nobody().events("main", None).await.map(drop).expect_err("nobody listens");
    assert_eq!(refused.status, 401, "{refused:?}");
    let (mut open, mut eve) = (Vec::new(), town.signed_in("eve"));
    let refused = loop {
        match eve.events("main", None).await {
            Ok(stream) => open.push(stream),
            Err(answer) => break answer,
        }
        assert!(open.len() < 100, "one listener may have {} streams", open.len());
    };
    assert!(matches!(refused.status, 429 | 503), "{refused:?}");
    let mut anns = town.signed_in("ann").events("main", None).await.expect("another is heard");
    town.world.post(&did("ann"), "p7", TAG, NOW - 5_000);
    assert_eq!(anns.until("post").await.name, "post");
    // A place that was left is free again, as soon as the program sees that it was.
    drop(open);
    let began = std::time::Instant::now();
    while let Err(answer) = eve.events("main", None).await {
        assert!(began.elapsed() < std::time::Duration::from_secs(30), "the places are never free again: {answer:?}");
        town.world.post(&did("ann"), "p8", TAG, NOW - 4_000);
        town.world.settled().await;
    }
    town.end().await;
}

/// S14: nobody could see what was hidden, moderators neither; and it is theirs alone.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_is_seen_by_who_moderates_and_by_nobody_else() {
    let town = Town::new().await;
    for name in ["mia", "olga"] {
        let posts = town.signed_in(name).list("/api/communities/main/posts?hidden=true", "posts", 1).await;
        let hidden = posts.iter().find(|post| post["uri"] == json!(town.hidden)).expect("the hidden post");
        assert_eq!((&hidden["shown"], &hidden["hiddenBecause"]), (&json!(false), &json!(["hidden"])));
        assert_eq!(posts.len(), 4);
    }
    for name in ["ann", "ben", "eve", "otto", "oscar"] {
        assert_eq!(town.signed_in(name).get("/api/communities/main/posts?hidden=true").await.status, 403, "{name}");
        let posts = town.signed_in(name).list("/api/communities/main/posts", "posts", 1).await;
        assert!(posts.len() == 3 && !posts.iter().any(|post| post["uri"] == json!(town.hidden)), "{name}: {posts:?}");
    }
    town.end().await;
}

/// S15: limits were written down and never asked.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_asks_more_often_than_the_limit_and_nobody_uses_up_anothers() {
    let town = Town::with_flags(&["--api-requests-per-hour", "3"]).await;
    let (mut ann, mut anns_script) = (town.signed_in("ann"), town.signed_in("ann"));
    for remaining in ["2", "1", "0"] {
        let answer = ann.get("/api/auth/me").await;
        assert_eq!((answer.status, answer.header("ratelimit-limit"), answer.header("ratelimit-remaining")), (200, Some("3"), Some(remaining)), "{answer:?}");
    }
    let refused = anns_script.get("/api/communities").await;
    assert_eq!((refused.status, refused.error().as_str()), (429, "RateLimitExceeded"), "sessions share what a DID has: {refused:?}");
    let seconds = refused.header("retry-after").and_then(|seconds| seconds.parse::<u32>().ok());
    assert!(seconds.is_some_and(|seconds| (1..=1_200).contains(&seconds)), "{refused:?}");
    assert_eq!(town.signed_in("ben").get("/api/auth/me").await.status, 200, "another's is another's");
    // Without a DID it is the address, whatever a header says of it.
    for attempt in 0..5 {
        let claimed = format!("203.0.113.{attempt}");
        let answer = town.nobody().call_with("GET", "/api/communities", &[("x-forwarded-for", &claimed)], &Value::Null).await;
        assert_eq!(answer.status, if attempt < 3 { 401 } else { 429 }, "{answer:?}");
    }
    assert_eq!(town.feed().await.len(), 3, "feeds for readers without a name have no such limit");
    town.end().await;
}

/// S16: tokens were issued in the name of a developer's machine, signed with a secret that everybody knew.
#[tokio::test(flavor = "multi_thread")]
async fn no_two_hosts_take_each_others_tokens() {
    let (mut one, mut other) = (World::new().await, World::new().await);
    let tokens = one.tokens(&did("ann"));
    is_nobody(other.address, &tokens.access).await;
    let claims = tokens.access.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok()).unwrap_or_default();
    let claims: Value = serde_json::from_slice(&claims).expect("a JWT has claims");
    assert_eq!((&claims["iss"], &claims["aud"], &claims["sub"], &claims["type"]), (&json!(SERVICE), &json!(SERVICE), &json!(did("ann")), &json!("access")));
    let secret = std::fs::metadata(one.directory.join("secret")).expect("the secret is made where there is none");
    assert_eq!(secret.permissions().mode() & 0o777, 0o600);
    let [mine, yours] = [&one, &other].map(|world| std::fs::read(world.directory.join("secret")).expect("the test's own"));
    assert!(mine != yours && mine.len() > 32, "each its own");
    one.stop().await;
    other.stop().await;
}

/// S17: one malformed record made a user's lists fail, and only the first hundred were read.
#[tokio::test(flavor = "multi_thread")]
async fn malformed_records_spoil_no_list_and_a_list_goes_on_to_its_end() {
    let mut town = Town::new().await;
    let (community, ann) = (town.community.clone(), did("ann"));
    for (rkey, broken) in
        [("x1", json!({ "community": community })), ("x2", json!([])), ("x3", with(records::membership(&community, true, NOW), json!({ "joinedAt": "then" })))]
    {
        town.world.create(&ann, MEMBERSHIP, rkey, broken);
    }
    town.world.create(&did("mia"), ACTION, "x1", json!({ "community": community, "action": "explode" }));
    let crowd: Vec<String> = (0..150).map(|n| did(&format!("crowd{}{}", char::from(b'a' + n / 26), char::from(b'a' + n % 26)))).collect();
    town.world.join(&community, &crowd.iter().map(String::as_str).collect::<Vec<_>>());
    town.world.settled().await;
    let mut caller = town.signed_in("ann");
    // Owner, two moderators, Ann and Ben.
    assert_eq!(caller.reads("/api/communities/main/members?limit=1").await["total"], json!(155));
    for limit in [7, 100] {
        let mut dids: Vec<String> = caller
            .list("/api/communities/main/members", "members", limit)
            .await
            .iter()
            .map(|member| member["did"].as_str().unwrap_or_default().to_owned())
            .collect();
        dids.sort();
        let all = dids.len();
        dids.dedup();
        assert_eq!((dids.len(), all), (155, 155), "each once, in pages of {limit}");
    }
    assert_eq!(caller.list("/api/communities?role=member", "communities", 1).await.len(), 1);
    assert_eq!(caller.list("/api/moderation/actions?community=main", "actions", 1).await.len(), 1);
    town.end().await;
}

/// S18: tokens lay where every script of the page could read them, and third parties were told what was looked at.
#[tokio::test(flavor = "multi_thread")]
async fn no_script_reads_a_browsers_tokens_and_no_other_host_is_told_of_anything() {
    let mut plain = World::new().await;
    let mut tls = World::with_flags(&["--public-url", "https://feeds.example.org"]).await;
    for (world, is_secure) in [(&plain, false), (&tls, true)] {
        let tokens = world.tokens(&did("ann"));
        let renewed = Caller::nobody(world.address).post("/api/auth/refresh", &json!({ "refreshToken": tokens.refresh })).await;
        let cookies = renewed.headers("set-cookie");
        let cookie = |name: &str| *cookies.iter().find(|cookie| cookie.starts_with(&format!("{name}="))).unwrap_or_else(|| panic!("{name}: {renewed:?}"));
        let has = |name: &str, attribute: &str| cookie(name).split(';').any(|part| part.trim().eq_ignore_ascii_case(attribute));
        for name in ["atrarium_access", "atrarium_refresh"] {
            assert!(has(name, "HttpOnly"), "{}", cookie(name));
        }
        assert!(
            has("atrarium_access", "SameSite=Lax") && has("atrarium_refresh", "SameSite=Strict") && has("atrarium_refresh", "Path=/api/auth"),
            "{cookies:?}"
        );
        for cookie in ["atrarium_access", "atrarium_refresh", "atrarium_csrf"] {
            assert_eq!(has(cookie, "Secure"), is_secure, "{cookies:?}");
        }
        assert_eq!(renewed.header("cache-control"), Some("no-store"));

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

/// S19: an error told what went wrong inside.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_tells_nothing_of_the_inside() {
    let town = Town::new().await;
    let mut owner = town.signed_in("olga");
    let secrets = [town.world.directory.to_string_lossy().into_owned(), "ATRARIUM_".to_owned(), ".rs".to_owned(), "panicked".to_owned(), "redb".to_owned()];
    let long = "x".repeat(100_000);
    for (method, path, body) in [
        ("GET", "/api/communities/%00", Value::Null),
        ("GET", "/api/communities/%ff", Value::Null),
        ("GET", "/api/communities/..%2f..%2fetc%2fpasswd", Value::Null),
        ("GET", "/api/communities?limit=abc", Value::Null),
        ("GET", "/api/communities?limit=0", Value::Null),
        ("GET", "/api/communities?cursor=forged", Value::Null),
        ("GET", "/api/communities/main/members?cursor=AAAA", Value::Null),
        ("GET", "/api/communities/main/explain", Value::Null),
        ("GET", "/api/communities/main/explain?post=nonsense", Value::Null),
        ("GET", "/api/moderation/actions", Value::Null),
        ("POST", "/api/communities", json!({ "name": "" })),
        ("POST", "/api/communities", json!({ "name": 7 })),
        ("POST", "/api/communities", json!([])),
        ("POST", "/api/communities", json!({ "name": long })),
        ("POST", "/api/communities", json!({ "name": "Moths" })),
        ("PUT", "/api/communities/main", json!({ "feedMix": { "own": 0.5, "parent": 0, "global": 0 } })),
        ("PUT", "/api/communities/main", json!({ "parent": "main" })),
        ("PUT", "/api/communities/nothing", json!({ "name": "x" })),
        ("PUT", "/api/communities/main/members/nobody", json!({ "role": "moderator" })),
        ("PUT", "/api/communities/main/members/nobody", json!({ "role": "owner" })),
        ("POST", "/api/moderation/actions", json!({ "community": "main", "action": "hide_post", "target": "nonsense" })),
        ("DELETE", "/api/moderation/actions/%20", Value::Null),
        ("DELETE", "/api/communities/main", Value::Null),
        ("PATCH", "/api/communities/main", json!({})),
        ("GET", "/api/nothing", Value::Null),
    ] {
        let answer = owner.call(method, path, &body).await;
        assert!((400..505).contains(&answer.status) && answer.status != 500, "{method} {path}: {answer:?}");
        let (error, message) = (answer.error(), answer.json()["message"].as_str().unwrap_or_default().to_owned());
        assert!(!error.is_empty() && !message.is_empty() && message.len() < 1_000, "{method} {path}: {answer:?}");
        for secret in &secrets {
            assert!(!answer.body.contains(secret.as_str()) && !answer.head.contains(secret.as_str()), "{method} {path} tells {secret}: {answer:?}");
        }
    }
    town.end().await;
}

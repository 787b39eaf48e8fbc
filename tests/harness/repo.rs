//! Somebody with an account at a real PDS, and what they do in their repo.

use std::net::SocketAddr;

use atrarium::event::Rev;
use serde_json::{Value, json};

use crate::http::{self, Answer};

/// Everybody's.
pub const PASSWORD: &str = "correct horse";

/// A record key such as posts have: a PDS takes none that is not a TID.
pub fn tid(number: u64) -> String {
    // In 2024; the times of posts are told by `createdAt` alone.
    Rev::last_of(1_704_067_200_000_000 + number).as_str().to_owned()
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub struct Person {
    pub did: String,
    pub handle: String,
    /// Of the session; good for two hours, also after the PDS was started again.
    pub token: String,
    pds: SocketAddr,
}

impl Person {
    pub async fn sign_up(pds: SocketAddr, name: &str) -> Self {
        let handle = format!("{name}.test");
        let input = json!({ "handle": handle, "email": format!("{name}@example.com"), "password": PASSWORD });
        let answer = http::post(pds, "/xrpc/com.atproto.server.createAccount", &[], &input).await.expect("the PDS answers");
        assert_eq!(answer.status, 200, "{name} can't sign up: {answer:?}");
        let text = |field: &str| answer.json()[field].as_str().expect("the PDS tells of the account").to_owned();
        Self { did: text("did"), handle, token: text("accessJwt"), pds }
    }

    /// Calls a procedure of the PDS, whatever it says.
    pub async fn call(&self, method: &str, input: &Value) -> std::io::Result<Answer> {
        http::post(self.pds, &format!("/xrpc/{method}"), &[("authorization", &format!("Bearer {}", self.token))], input).await
    }

    /// Tries a procedure that the PDS can't object to; answers whether it said that it was done.
    pub async fn tries(&self, method: &str, input: &Value) -> bool {
        match self.call(method, input).await {
            Ok(answer) => {
                assert!(!(400..500).contains(&answer.status), "{} {method} {input}: {answer:?}", self.handle);
                answer.status == 200
            }
            Err(_) => false,
        }
    }

    /// Calls a procedure that must succeed.
    pub async fn does(&self, method: &str, input: &Value) -> Value {
        let answer = self.call(method, input).await.expect("the PDS answers");
        assert_eq!(answer.status, 200, "{} {method} {input}: {answer:?}", self.handle);
        answer.json()
    }

    /// Creates a record, or writes over it; answers its AT-URI.
    pub async fn put(&self, collection: &str, rkey: &str, record: Value) -> String {
        self.does("com.atproto.repo.putRecord", &self.writing(collection, rkey, &record)).await;
        self.uri(collection, rkey)
    }

    pub async fn delete(&self, collection: &str, rkey: &str) {
        self.does("com.atproto.repo.deleteRecord", &self.naming(collection, rkey)).await;
    }

    pub async fn deactivate(&self) {
        self.does("com.atproto.server.deactivateAccount", &json!({})).await;
    }

    pub async fn activate(&self) {
        self.does("com.atproto.server.activateAccount", &Value::Null).await;
    }

    pub fn uri(&self, collection: &str, rkey: &str) -> String {
        crate::network::uri(&self.did, collection, rkey)
    }

    /// The input of `putRecord`.
    pub fn writing(&self, collection: &str, rkey: &str, record: &Value) -> Value {
        json!({ "repo": self.did, "collection": collection, "rkey": rkey, "record": record })
    }

    /// The input of `deleteRecord`.
    pub fn naming(&self, collection: &str, rkey: &str) -> Value {
        json!({ "repo": self.did, "collection": collection, "rkey": rkey })
    }

    /// Every record of a collection with its rkey, as the PDS has it.
    pub async fn records(&self, collection: &str) -> Vec<(String, Value)> {
        let (mut records, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/xrpc/com.atproto.repo.listRecords?repo={}&collection={collection}&limit=100{cursor}", self.did);
            let answer = http::get(self.pds, &path).await.expect("the PDS answers");
            assert_eq!(answer.status, 200, "{answer:?}");
            let page = answer.json();
            for record in page["records"].as_array().into_iter().flatten() {
                let uri = record["uri"].as_str().expect("a record has a URI");
                records.push((crate::network::rkey(uri).to_owned(), record["value"].clone()));
            }
            match page["cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={}", http::encode(next)),
                None => return records,
            }
        }
    }
}

//! The keys of the object's storage. Everything that the object knows is under one of these.
//!
//! ```text
//! config:<rkey>                     the community's config                        fact
//! member:<did> <rkey>               present: this membership record is active     fact
//! account:<did>                     present: the account is inactive              fact
//! moderation:<uri>                  the action in this record                     fact
//! target:<target> <uri>             the same action, found by its target          fact
//! post:<ms, 16 digits>:<rkey> <did> a member's post of the last week              fact
//! author:<did> <rkey>               the same post's time, found by its author     fact
//! admitted:<did>                    the member, as the host was told              derived
//! denied:<target>                   present: hidden or blocked                    derived
//! waiting:<ms, 16 digits> <target>  when an action will count; may be outdated    derived
//! signer:<did>                      up to where what they signed is judged anew   derived
//! ```
//!
//! No DID, URI or rkey holds a space, and it sorts below every character that they hold: so all keys of one DID or target
//! are neighbours. Posts have the DID in their key since authors choose their rkeys.

pub const MEMBERS: &str = "member:";
pub const POSTS: &str = "post:";
pub const WAITING: &str = "waiting:";
pub const SIGNERS: &str = "signer:";

/// The longest key that the host takes, in bytes.
pub const MAX_BYTES: usize = 1_024;

/// Times beyond have more digits than the keys give them. This one is in the year 318,857.
pub const END_OF_TIME: i64 = 9_999_999_999_999_999;

pub fn config(rkey: &str) -> String {
    format!("config:{rkey}")
}

pub fn member(did: &str, rkey: &str) -> String {
    format!("{MEMBERS}{did} {rkey}")
}

pub fn account(did: &str) -> String {
    format!("account:{did}")
}

pub fn moderation(uri: &str) -> String {
    format!("moderation:{uri}")
}

/// With which the keys of all actions begin that this DID has signed: an AT-URI says it itself.
pub fn signed_by(did: &str) -> String {
    moderation(&repo(did))
}

pub fn target(target: &str, uri: &str) -> String {
    format!("target:{target} {uri}")
}

/// With which the keys of the actions on a target begin that this DID has signed.
pub fn target_by(on: &str, did: &str) -> String {
    target(on, &repo(did))
}

pub fn post(sort_time: i64, rkey: &str, did: &str) -> String {
    format!("{POSTS}{sort_time:016}:{rkey} {did}")
}

pub fn author(did: &str, rkey: &str) -> String {
    format!("author:{did} {rkey}")
}

pub fn admitted(did: &str) -> String {
    format!("admitted:{did}")
}

pub fn denied(target: &str) -> String {
    format!("denied:{target}")
}

pub fn waiting(at: i64, target: &str) -> String {
    format!("{WAITING}{at:016} {target}")
}

pub fn signer(did: &str) -> String {
    format!("{SIGNERS}{did}")
}

fn repo(did: &str) -> String {
    format!("at://{did}/")
}

/// The post's sort time, rkey and author.
pub fn parse_post(key: &str) -> Option<(i64, &str, &str)> {
    let (time, rest) = key.strip_prefix(POSTS)?.split_once(':')?;
    let (rkey, did) = rest.split_once(' ')?;
    Some((time.parse().ok()?, rkey, did))
}

/// When the target is to be judged again, and the target.
pub fn parse_waiting(key: &str) -> Option<(i64, &str)> {
    let (at, target) = key.strip_prefix(WAITING)?.split_once(' ')?;
    Some((at.parse().ok()?, target))
}

/// What stands between the prefix and the first space.
pub fn subject<'a>(key: &'a str, prefix: &str) -> &'a str {
    let rest = key.strip_prefix(prefix).unwrap_or_default();
    rest.split_once(' ').map_or(rest, |(subject, _)| subject)
}

/// What stands behind the first space.
pub fn rest(key: &str) -> &str {
    key.split_once(' ').map_or("", |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let did = "did:web:example.com%3A80";
        for rkey in ["3jzfcijpj2z2a", ":", "a:b:c", "~", "-"] {
            assert_eq!(parse_post(&post(7, rkey, did)), Some((7, rkey, did)));
            assert_eq!(subject(&member(did, rkey), MEMBERS), did);
            assert_eq!(rest(&author(did, rkey)), rkey);
            let uri = format!("at://{did}/net.atrarium.moderation.action/{rkey}");
            assert!(moderation(&uri).starts_with(&signed_by(did)) && !moderation(&uri).starts_with(&signed_by("did:web:example.com")));
            assert!(target(did, &uri).starts_with(&target_by(did, did)) && !target(did, &uri).starts_with(&target_by(did, "did:web:example.com")));
            assert_eq!(rest(&target(did, &uri)), uri);
        }
        assert_eq!(subject(&signer(did), SIGNERS), did);
        assert_eq!(parse_waiting(&waiting(END_OF_TIME, did)), Some((END_OF_TIME, did)));
    }

    #[test]
    fn posts_are_sorted_by_time_then_rkey_then_author() {
        let mut sorted = [
            post(0, "z", "did:plc:z"),
            post(9, "a", "did:plc:a"),
            post(10, "a", "did:plc:a"),
            post(10, "a", "did:plc:b"),
            post(10, "a-", "did:plc:a"),
            post(END_OF_TIME, "-", "did:plc:a"),
        ];
        let expected = sorted.clone();
        sorted.reverse();
        sorted.sort();
        assert_eq!(sorted, expected);
    }
}

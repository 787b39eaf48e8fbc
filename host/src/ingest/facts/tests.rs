use super::*;
use crate::record::{Action, ActionKind, Membership, Shares, Stage};
use crate::sandbox::object::Role;
use crate::store::{Options, Store};

const NOW: i64 = 1_795_176_000_000;
const OWNER: &str = "did:plc:owner";
const MODERATOR: &str = "did:plc:mod";

fn commit(rkey: &str, rev: u64, operation: Operation) -> Commit {
    Commit { rev: Rev::last_of(rev), collection: Collection::Action, rkey: rkey.to_owned(), operation, record: None }
}

fn hides(community: &str) -> Record {
    let target = "at://did:plc:ann/app.bsky.feed.post/p".to_owned();
    Record::Action(Action { kind: ActionKind::HidePost, target, community: community.to_owned(), reason: None, via: None, created_at: NOW })
}

#[test]
fn a_crowd_of_strangers_fills_no_community_and_leaves_room_for_who_moderates() {
    let directory = tempfile::tempdir().expect("tests need a temporary directory");
    let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
    let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
    let (mut agenda, rules) = (Agenda::default(), Rules::default());
    let bounds = Bounds { actions_per_stranger: 2, actions_of_strangers: 3, ..Bounds::default() };
    let key = RecordKey { did: OWNER.to_owned(), collection: Collection::Config, rkey: "moths".to_owned() };
    let config = Config {
        name: "Moths".to_owned(),
        description: None,
        hashtag: Hashtag::parse("#atrarium_0123abcd").expect("a hashtag"),
        stage: Stage::Theme,
        parent: None,
        shares: Shares { own: 100, parent: 0, global: 0 },
        moderators: vec![MODERATOR.to_owned()],
        created_at: NOW,
    };
    let uri = key.uri();
    Facts { view: &mut view, agenda: &mut agenda, bounds: &bounds, rules: &rules, now: NOW }.config(&key, Some(&config)).expect("there is room");
    let id = directory::number(&view, &uri).expect("it can be read").expect("it is open");
    view.write(Table::Members, Key::community(id).rest(MODERATOR).build(), &Role::Moderator);

    let mut facts = Facts { view: &mut view, agenda: &mut agenda, bounds: &bounds, rules: &rules, now: NOW };
    let mut signs = |did: &str, rkey: &str, rev: u64, community: &str| {
        facts.commit(did, &commit(rkey, rev, Operation::Create), Some(hides(community))).expect("it can be written");
        let key = RecordKey { did: did.to_owned(), collection: Collection::Action, rkey: rkey.to_owned() };
        let stored: Option<Stored> = facts.view.read(Table::Records, schema::record(&key).as_ref()).expect("it can be read");
        stored.is_some_and(|stored| stored.record.is_some())
    };
    let other = "at://did:plc:else/net.atrarium.community.config/main";
    assert!(signs("did:plc:s1", "a", 1, &uri) && signs("did:plc:s1", "b", 2, &uri) && !signs("did:plc:s1", "c", 3, &uri), "a stranger's own bound");
    assert!(signs("did:plc:s2", "a", 1, &uri) && !signs("did:plc:s3", "a", 1, &uri), "that of all strangers");
    assert!(signs("did:plc:s3", "b", 2, other), "of another community they know nothing");
    assert!((4..9).all(|n| signs(MODERATOR, &n.to_string(), n, &uri)), "who moderates finds room");

    // What goes makes room again, if it is strangers' to have.
    let mut facts = Facts { view: &mut view, agenda: &mut agenda, bounds: &bounds, rules: &rules, now: NOW };
    for (did, rkey) in [(MODERATOR, "4"), (MODERATOR, "5"), (MODERATOR, "6"), (MODERATOR, "7"), (MODERATOR, "8"), ("did:plc:s2", "a")] {
        facts.commit(did, &commit(rkey, 20, Operation::Delete), None).expect("it can be written");
    }
    facts.commit("did:plc:s4", &commit("a", 1, Operation::Create), Some(hides(&uri))).expect("it can be written");
    assert_eq!(view.count(count::naming(Collection::Action, &uri).as_ref()).expect("it can be read"), 3);
}

#[test]
fn a_crowd_that_joins_leaves_room_for_who_moderates_and_whoever_has_joined_may_leave() {
    let directory = tempfile::tempdir().expect("tests need a temporary directory");
    let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new file");
    let mut view = View::new(store.snapshot().expect("a healthy disk"), None);
    let (mut agenda, rules) = (Agenda::default(), Rules::default());
    let bounds = Bounds { memberships_per_author: 2, memberships_per_community: 3, ..Bounds::default() };
    let (uri, other) = ("at://did:plc:owner/net.atrarium.community.config/moths", "at://did:plc:owner/net.atrarium.community.config/bats");
    let mut facts = Facts { view: &mut view, agenda: &mut agenda, bounds: &bounds, rules: &rules, now: NOW };
    let mut says = |did: &str, rkey: &str, rev: u64, record: Option<(&str, bool)>| {
        let operation = if record.is_some() { Operation::Create } else { Operation::Delete };
        let commit = Commit { collection: Collection::Membership, ..commit(rkey, rev, operation) };
        let record = record.map(|(community, active)| Record::Membership(Membership { community: community.to_owned(), active, joined_at: NOW }));
        facts.commit(did, &commit, record).expect("it can be written");
        let key = RecordKey { did: did.to_owned(), collection: Collection::Membership, rkey: rkey.to_owned() };
        let stored: Option<Stored> = facts.view.read(Table::Records, schema::record(&key).as_ref()).expect("it can be read");
        stored.and_then(|stored| stored.record)
    };
    assert!(says("did:plc:a", "1", 1, Some((uri, true))).is_some() && says("did:plc:a", "2", 2, Some((uri, true))).is_some());
    assert!(says("did:plc:a", "3", 3, Some((uri, true))).is_none(), "an author's own bound");
    assert!(says("did:plc:b", "1", 1, Some((uri, true))).is_some() && says("did:plc:c", "1", 1, Some((uri, true))).is_none(), "the community's");
    assert!(says("did:plc:c", "2", 2, Some((other, true))).is_some(), "of another community they know nothing");
    assert!(matches!(says("did:plc:b", "1", 2, Some((uri, false))), Some(Record::Membership(Membership { active: false, .. }))), "whoever is in may change it");
    assert!(says("did:plc:b", "1", 3, None).is_none() && says("did:plc:c", "3", 3, Some((uri, true))).is_some(), "and who leaves makes room");
}

use futures_util::FutureExt;

use super::*;
use crate::community::showing;
use crate::sandbox::object::Role;
use crate::store::schema::count;
use crate::store::{Key, Options, Store, View};

const NOW: i64 = 1_795_176_000_000;
const COMMUNITY: CommunityId = 7;
const URI: &str = "at://did:plc:owner/net.atrarium.community.config/main";

/// A batch in which so many targets are denied.
fn batch(edition: Edition, id: CommunityId, targets: usize) -> Layer {
    let mut layer = Layer::default();
    layer.set(Table::Counts, count::editions().build(), Some(edition.to_be_bytes().to_vec()));
    for target in 0..targets {
        layer.set(Table::Denied, Key::community(id).rest(&format!("did:plc:{target:04}")).build(), Some(Vec::new()));
    }
    layer
}

fn changes() -> (Clock, Changes) {
    let clock = Clock::standing_at(NOW);
    (clock.clone(), Changes::new(clock, 10))
}

fn listen(changes: &Changes, last: Option<&str>) -> Subscription {
    changes.subscribe(COMMUNITY, URI, "did:plc:caller", last).expect("there is room")
}

/// All that can be told now, by id and kind.
fn told(subscription: &mut Subscription) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(change)) = subscription.next().now_or_never() {
        told.push(format!("{} {}", change.id, change.kind.name()));
    }
    told
}

#[test]
fn a_listener_is_told_what_comes_after_it_and_of_its_community_alone() {
    let (_, changes) = changes();
    changes.note(&batch(11, COMMUNITY, 1));
    let mut listener = listen(&changes, None);
    assert_eq!(told(&mut listener), Vec::<String>::new());
    changes.note(&batch(12, COMMUNITY, 2));
    changes.note(&batch(13, COMMUNITY + 1, 2));
    changes.note(&batch(14, COMMUNITY, 1));
    assert_eq!(told(&mut listener), ["12-0 moderation", "12-1 moderation", "14-0 moderation"]);
    assert_eq!(told(&mut listener), Vec::<String>::new(), "and once");
    assert_eq!((changes.changed(COMMUNITY), changes.changed(COMMUNITY + 1), changes.changed(1), changes.noted()), (14, 13, 10, 14));
}

#[test]
fn who_comes_back_goes_on_behind_what_it_was_told_last() {
    let (_, changes) = changes();
    let listener = listen(&changes, None);
    for edition in 11..15 {
        changes.note(&batch(edition, COMMUNITY, 2));
    }
    let began = listener.position().to_string();
    drop(listener);
    assert_eq!(told(&mut listen(&changes, Some("13-0"))), ["13-1 moderation", "14-0 moderation", "14-1 moderation"]);
    assert_eq!(told(&mut listen(&changes, Some("14-1"))), Vec::<String>::new());
    assert_eq!(told(&mut listen(&changes, Some(&began))).len(), 8);
    // Before the ring, from another index, and from nowhere.
    for last in ["9-3", "15-0", "", "x", "11", "-1-1", "99999999999999999999-0"] {
        let mut listener = listen(&changes, Some(last));
        assert_eq!(told(&mut listener), ["14-1 reset"], "{last}");
        changes.note(&batch(14, COMMUNITY, 0));
        assert_eq!(told(&mut listener), Vec::<String>::new(), "{last}");
    }
}

#[test]
fn who_is_too_far_behind_must_read_anew_and_goes_on_from_there() {
    let (_, changes) = changes();
    let mut listener = listen(&changes, None);
    let mut quick = listen(&changes, None);
    for edition in 11..11 + LAG as u64 {
        changes.note(&batch(edition, COMMUNITY, 1));
        assert_eq!(told(&mut quick).len(), 1);
    }
    changes.note(&batch(100, COMMUNITY, 1));
    assert_eq!(told(&mut listener), ["100-0 reset"], "{LAG} and one");
    changes.note(&batch(101, COMMUNITY, 1));
    assert_eq!(told(&mut listener), ["101-0 moderation"]);
    assert_eq!(told(&mut quick), ["100-0 moderation", "101-0 moderation"]);
    // One batch that changes more than anyone may be behind.
    changes.note(&batch(102, COMMUNITY, LAG + 1));
    assert_eq!(told(&mut quick), told(&mut listener));
    changes.note(&batch(103, COMMUNITY, 1));
    assert_eq!(told(&mut quick), ["103-0 moderation"]);
    // Who comes back may be told more than who was slow.
    for edition in 104..104 + 2 * RING as u64 {
        changes.note(&batch(edition, COMMUNITY, 1));
    }
    let last = 103 + 2 * RING as u64;
    assert_eq!(told(&mut listen(&changes, Some(&format!("{}-0", last - 200)))).len(), 200);
    assert_eq!(told(&mut listen(&changes, Some(&format!("{}-0", last - RING as u64)))).len(), RING);
    assert_eq!(told(&mut listen(&changes, Some(&format!("{}-0", last - RING as u64 - 1)))), [format!("{last}-0 reset")]);
}

#[test]
fn a_ring_is_kept_for_some_minutes_after_its_last_listener() {
    let (clock, changes) = changes();
    drop(listen(&changes, None));
    clock.set(NOW + IDLE_MS - 1);
    changes.note(&batch(11, COMMUNITY, 1));
    assert_eq!(told(&mut listen(&changes, Some("10-4294967295"))), ["11-0 moderation"]);
    clock.set(NOW + 2 * IDLE_MS);
    changes.note(&batch(12, COMMUNITY, 1));
    assert!(changes.state().rooms.is_empty());
    assert_eq!(told(&mut listen(&changes, Some("11-0"))), ["12-4294967295 reset"]);
}

#[test]
fn after_a_commit_of_unknown_outcome_everybody_reads_anew() {
    let (_, changes) = changes();
    let mut listener = listen(&changes, None);
    changes.note(&batch(11, COMMUNITY, 1));
    assert_eq!(told(&mut listener).len(), 1);
    changes.lost();
    assert_eq!(told(&mut listener), ["11-4294967295 reset"]);
    assert_eq!(changes.changed(COMMUNITY), 12, "the batch of that edition may be durable");
    let mut late = changes.subscribe(COMMUNITY + 1, URI, "did:plc:caller", None).expect("there is room");
    assert_eq!((changes.configs_after(11), changes.configs_after(12)), (None, Some(Vec::new())));
    changes.note(&batch(12, COMMUNITY, 1));
    assert_eq!(told(&mut listener), ["12-0 moderation"]);
    assert_eq!(told(&mut late), Vec::<String>::new());
    drop(late);
    changes.lost();
    let mut late = changes.subscribe(COMMUNITY + 1, URI, "did:plc:caller", None).expect("there is room");
    changes.note(&batch(13, COMMUNITY + 1, 1));
    assert_eq!(told(&mut late), ["13-0 moderation"], "the batch was made again, with the same number");
}

#[test]
fn listeners_are_bounded_by_caller_community_and_host_and_leave_room_when_they_go() {
    let (_, changes) = changes();
    let subscribe = |id: CommunityId, caller: usize| changes.subscribe(id, URI, &format!("did:plc:{caller}"), None);
    let mut of_one: Vec<_> = (0..PER_CALLER).map(|_| subscribe(1, 0).expect("there is room")).collect();
    assert_eq!(subscribe(1, 0).err(), Some(Full::Caller));
    assert_eq!(subscribe(2, 0).err(), Some(Full::Caller));
    of_one.pop();
    of_one.push(subscribe(2, 0).expect("one has gone"));
    let mut others: Vec<_> = (0..=PER_COMMUNITY - PER_CALLER).map(|n| subscribe(1, n + 1).expect("there is room")).collect();
    assert_eq!(subscribe(1, 999).err(), Some(Full::Community));
    others.extend((others.len() + of_one.len()..PER_HOST).map(|n| subscribe(1_000 + n as CommunityId, 10_000 + n).expect("there is room")));
    assert_eq!(subscribe(5, 999).err(), Some(Full::Host));
    drop((of_one, others));
    assert_eq!(changes.state().listeners, 0);
    assert!(changes.state().callers.is_empty());
    // Of the rooms that they have left only so many stay.
    for id in 0..3 * PER_HOST {
        drop(subscribe(id as CommunityId, id));
    }
    assert!(changes.state().rooms.len() <= PER_HOST);
}

#[test]
fn a_batch_is_told_in_the_words_of_its_rows() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let store = Store::open(Options { path: directory.path().join("index.redb"), cache: 1 << 20, backend: None }).expect("a new database");
    let entry = || showing::Entry { reply: false, languages: Vec::new(), labels: Vec::new() };
    let place = |rkey: &str| schema::place(NOW, rkey, "did:plc:ann").build();
    let changes = Changes::new(Clock::standing_at(NOW), 0);
    let mut listener = listen(&changes, None);
    let mut data = |change: &mut dyn FnMut(&mut View, Edition)| {
        let mut view = View::new(store.snapshot().expect("it can be read"), None);
        let edition = showing::begin_edition(&mut view).expect("it can be read");
        change(&mut view, edition);
        let layer = view.into_layer();
        store.commit(&layer).expect("it can be written");
        changes.note(&layer);
        let mut told = Vec::new();
        while let Some(Some(change)) = listener.next().now_or_never() {
            told.push(format!("{} {}", change.kind.name(), change.data));
        }
        told
    };
    let retract = |view: &mut View, edition, rkey: &str| showing::retract(view, COMMUNITY, &place(rkey), edition, Some(NOW)).expect("it can be read");
    let publish = |view: &mut View, edition, rkey: &str| showing::publish(view, COMMUNITY, &place(rkey), edition, entry()).expect("it can be read");
    let post = |rkey: &str, shown| {
        format!(r#"post {{"uri":"at://did:plc:ann/app.bsky.feed.post/{rkey}","author":"did:plc:ann","createdAt":"2026-11-20T12:00:00.000Z","shown":{shown}}}"#)
    };
    assert_eq!(data(&mut |view, edition| publish(view, edition, "a")), [post("a", true)]);
    assert_eq!(data(&mut |view, edition| publish(view, edition, "a")), Vec::<String>::new(), "it is shown already");
    let both = data(&mut |view, edition| {
        retract(view, edition, "a");
        publish(view, edition, "b");
    });
    assert_eq!(both, [post("a", false), post("b", true)]);
    let faded = data(&mut |view, _| {
        showing::fade(view, NOW, 10).expect("it can be read");
    });
    assert_eq!(faded, Vec::<String>::new(), "that it was there is forgotten, which changes nothing");
    let people = data(&mut |view, _| {
        view.write(Table::Members, Key::community(COMMUNITY).rest("did:plc:ann").build(), &Role::Moderator);
        view.delete(Table::Members, Key::community(COMMUNITY).rest("did:plc:ben").build());
        view.delete(Table::Denied, Key::community(COMMUNITY).rest("did:plc:ann").build());
        for key in schema::action_rows(URI, "did:plc:ann", NOW, "did:plc:owner", "a1") {
            view.put(Table::Actions, key.build(), Vec::new());
        }
        for key in schema::action_rows("at://did:plc:owner/net.atrarium.community.config/main2", "did:plc:ann", NOW, "did:plc:owner", "a2") {
            view.put(Table::Actions, key.build(), Vec::new());
        }
    });
    let expected = [
        r#"member {"did":"did:plc:ann","role":"moderator"}"#,
        r#"member {"did":"did:plc:ben","role":null}"#,
        r#"moderation {"target":"did:plc:ann","denied":false}"#,
        r#"moderation {"action":"at://did:plc:owner/net.atrarium.moderation.action/a1","exists":true}"#,
    ];
    assert_eq!(people, expected);
    let config = |view: &mut View, _: Edition| view.put(Table::Communities, Key::community(COMMUNITY).build(), Vec::new());
    assert_eq!(data(&mut |view, edition| config(view, edition)), [r#"community {"closed":false}"#]);
    assert_eq!(data(&mut |view, _| view.delete(Table::Communities, Key::community(COMMUNITY).build())), [r#"community {"closed":true}"#]);
    assert_eq!(listener.next().now_or_never(), Some(None), "that was the last");
}

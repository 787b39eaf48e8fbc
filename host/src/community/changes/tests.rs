use futures_util::FutureExt;

use super::*;
use crate::community::showing;
use crate::record::RETENTION_MS;
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

fn caller(caller: &str) -> Listener<'_> {
    Listener { caller, address: caller, seat: Seat::Member }
}

fn listen(changes: &Changes, last: Option<&str>) -> Subscription {
    changes.subscribe(COMMUNITY, URI, caller("did:plc:caller"), last).expect("there is room")
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
    assert_eq!(told(&mut listen(&changes, Some("10-4294967295-1795176000"))), ["11-0 moderation"]);
    clock.set(NOW + 2 * IDLE_MS);
    changes.note(&batch(12, COMMUNITY, 1));
    assert!(changes.state().rooms.is_empty());
    assert_eq!(told(&mut listen(&changes, Some("11-0"))), ["12-4294967295 reset"]);
}

/// The data of what is told now.
fn data(subscription: &mut Subscription) -> Vec<String> {
    std::iter::from_fn(|| subscription.next().now_or_never().flatten()).map(|change| format!("{} {} {}", change.id, change.kind.name(), change.data)).collect()
}

#[test]
fn that_a_community_has_another_mix_is_told_in_its_place_among_the_commits() {
    let (_, changes) = changes();
    let (mut listener, mut elsewhere) = (listen(&changes, None), changes.subscribe(8, "another", caller("did:plc:caller"), None).expect("there is room"));
    changes.note(&batch(11, COMMUNITY, 1));
    changes.mix_changed(URI, true, false);
    changes.mix_changed("another", true, false);
    changes.mix_changed(URI, false, true);
    changes.note(&batch(12, COMMUNITY, 1));
    let expected = [
        r#"11-0 moderation {"target":"did:plc:0000","denied":true}"#,
        r#"11-4294967295-1795176001 mix {"uploaded":true,"switchedOff":false}"#,
        r#"11-4294967295-1795176003 mix {"uploaded":false,"switchedOff":true}"#,
        r#"12-0 moderation {"target":"did:plc:0000","denied":true}"#,
    ];
    assert_eq!(data(&mut listener), expected);
    assert_eq!(data(&mut elsewhere), [r#"11-4294967295-1795176002 mix {"uploaded":true,"switchedOff":false}"#]);
    // Whoever was interrupted in between gets the rest.
    for told in 1..expected.len() {
        let last = expected[told - 1].split(' ').next();
        assert_eq!(data(&mut listen(&changes, last)), expected[told..], "{last:?}");
    }
}

#[test]
fn who_may_have_missed_that_a_mix_is_another_reads_anew() {
    let (clock, changes) = changes();
    let mut listener = listen(&changes, None);
    changes.mix_changed(URI, true, false);
    let last = told(&mut listener)[0].replace(" mix", "");
    drop(listener);
    // The ring has gone; then the program as well.
    clock.set(NOW + 2 * IDLE_MS);
    changes.note(&batch(11, COMMUNITY + 1, 1));
    assert!(changes.state().rooms.is_empty());
    changes.mix_changed(URI, false, false);
    let again = told(&mut listen(&changes, Some(&last)));
    assert!(again.len() == 1 && again[0].ends_with(" reset"), "{again:?}");
    let mut listener = listen(&changes, None);
    changes.mix_changed(URI, true, false);
    let last = told(&mut listener)[0].replace(" mix", "");
    let restarted = Changes::new(clock, 11);
    let again = told(&mut listen(&restarted, Some(&last)));
    assert!(again.len() == 1 && again[0].ends_with(" reset"), "{again:?}");
}

#[test]
fn after_a_commit_of_unknown_outcome_everybody_reads_anew() {
    let (_, changes) = changes();
    let mut listener = listen(&changes, None);
    changes.note(&batch(11, COMMUNITY, 1));
    assert_eq!(told(&mut listener).len(), 1);
    changes.lost();
    assert_eq!(told(&mut listener), ["11-4294967295-1795176000 reset"]);
    assert_eq!(changes.changed(COMMUNITY), 12, "the batch of that edition may be durable");
    let mut late = changes.subscribe(COMMUNITY + 1, URI, caller("did:plc:caller"), None).expect("there is room");
    assert_eq!((changes.configs_after(11), changes.configs_after(12)), (None, Some(Vec::new())));
    changes.note(&batch(12, COMMUNITY, 1));
    assert_eq!(told(&mut listener), ["12-0 moderation"]);
    assert_eq!(told(&mut late), Vec::<String>::new());
    drop(late);
    changes.lost();
    let mut late = changes.subscribe(COMMUNITY + 1, URI, caller("did:plc:caller"), None).expect("there is room");
    changes.note(&batch(13, COMMUNITY + 1, 1));
    assert_eq!(told(&mut late), ["13-0 moderation"], "the batch was made again, with the same number");
}

/// Somebody of this number, at this address, who wants to listen.
fn subscribe(changes: &Changes, id: CommunityId, who: usize, address: usize, seat: Seat) -> Result<Subscription, Full> {
    changes.subscribe(id, URI, Listener { caller: &format!("did:plc:{who}"), address: &address.to_string(), seat }, None)
}

/// As many as are let in, each another and at an address of their own.
fn crowd(changes: &Changes, id: CommunityId, first: usize, seat: Seat) -> (Vec<Subscription>, Full) {
    let mut crowd = Vec::new();
    loop {
        let number = first + crowd.len();
        match subscribe(changes, id, number, number, seat) {
            Ok(one) => crowd.push(one),
            Err(full) => return (crowd, full),
        }
    }
}

#[test]
fn no_crowd_keeps_out_who_belongs_here() {
    let (_, changes) = changes();
    let (mut strangers, full) = crowd(&changes, 1, 0, Seat::Stranger);
    assert_eq!((strangers.len(), full), (PER_COMMUNITY / 2, Full::Community));
    let (members, full) = crowd(&changes, 1, 1_000, Seat::Member);
    assert_eq!((members.len(), full), (PER_COMMUNITY * 4 / 10, Full::Community));
    let (moderators, full) = crowd(&changes, 1, 2_000, Seat::Moderator);
    assert_eq!((moderators.len(), full), (PER_COMMUNITY / 10, Full::Community));
    // Nor on the whole host.
    for community in 2.. {
        let (more, full) = crowd(&changes, community, 10_000 * community as usize, Seat::Stranger);
        strangers.extend(more);
        if full == Full::Host {
            break;
        }
    }
    assert_eq!(strangers.len(), PER_HOST / 2);
    assert!(subscribe(&changes, 500, 3, 3_000, Seat::Member).is_ok());
    drop((strangers, members, moderators));
    let state = changes.state();
    assert_eq!((state.seats.taken(), state.callers.len(), state.addresses.len()), (0, 0, 0));
    drop(state);
    // Of the rooms that they have left only so many stay.
    for id in 0..3 * PER_HOST {
        drop(subscribe(&changes, id as CommunityId, id, id, Seat::Stranger));
    }
    assert!(changes.state().rooms.len() <= PER_HOST);
}

#[test]
fn an_address_has_its_share_however_many_dids_it_has() {
    let (_, changes) = changes();
    let dids = |seat, first: usize| (first..first + 200).map_while(|who| subscribe(&changes, who as CommunityId, who, 0, seat).ok()).collect::<Vec<_>>();
    let (strangers, members) = (dids(Seat::Stranger, 0), dids(Seat::Member, 500));
    assert_eq!((strangers.len(), members.len()), (PER_ADDRESS / 2, PER_ADDRESS * 4 / 10));
    assert_eq!(subscribe(&changes, 1, 900, 0, Seat::Member).err(), Some(Full::Address));
    assert!(subscribe(&changes, 1, 900, 0, Seat::Moderator).is_ok() && subscribe(&changes, 1, 900, 1, Seat::Stranger).is_ok());
}

#[test]
fn a_callers_oldest_stream_gives_way_to_the_newest() {
    let (_, changes) = changes();
    let mut streams: Vec<_> = (0..=PER_CALLER).map(|n| subscribe(&changes, n as CommunityId % 3, 0, 0, Seat::Stranger).expect("there is room")).collect();
    let first = &mut streams[0];
    assert_eq!((first.next().now_or_never(), first.gave_way()), (Some(None), true));
    assert!(streams[1..].iter_mut().all(|stream| stream.next().now_or_never().is_none() && !stream.gave_way()));
    let taken = || {
        let state = changes.state();
        (state.seats.taken(), state.callers["did:plc:0"].len())
    };
    assert_eq!(taken(), (PER_CALLER, PER_CALLER));
    // What was left already isn't left once more.
    drop(streams.remove(0));
    assert_eq!(taken(), (PER_CALLER, PER_CALLER));
    // Who comes back to where no more are let in finds their own place, though nobody has seen them go.
    let (others, full) = crowd(&changes, 7, 100, Seat::Stranger);
    assert_eq!(full, Full::Community);
    assert_eq!(subscribe(&changes, 7, 99, 99, Seat::Stranger).err(), Some(Full::Community));
    assert!(subscribe(&changes, 7, 100, 100, Seat::Stranger).is_ok());
    assert_eq!(others.len(), PER_COMMUNITY / 2);
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
    let over = data(&mut |view, edition| {
        let place = schema::place(NOW - RETENTION_MS, "c", "did:plc:ann").build();
        showing::publish(view, COMMUNITY, &place, edition, entry()).expect("it can be read");
    });
    assert_eq!(over, Vec::<String>::new(), "it is kept, and no feed shows it");
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

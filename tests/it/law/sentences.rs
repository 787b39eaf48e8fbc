//! The law in single sentences, each a small story of one community. Each is told in several ways (at once, event by event, with
//! everything repeated backwards, with a start in the middle) and must come to the same end.

use atrarium_tests::network::{ACTION, CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::world::NOW;
use atrarium_tests::{Network, World, records};
use serde_json::{Value, json};

const MINUTE: i64 = 60_000;

/// The people of one telling, and what they have done so far.
struct Cast {
    network: Network,
    telling: usize,
    tag: String,
    community: String,
    frames: Vec<String>,
}

impl Cast {
    fn new(network: Network, telling: usize) -> Self {
        let mut cast = Self { network, telling, tag: format!("#atrarium_{telling:08x}"), community: String::new(), frames: Vec::new() };
        cast.community = uri(&cast.did("owner"), CONFIG, "main");
        cast
    }

    /// Every telling has its own.
    fn did(&self, who: &str) -> String {
        did(&format!("{who}{}", "z".repeat(self.telling)))
    }

    fn post_uri(&self, (who, rkey): (&str, &str)) -> String {
        uri(&self.did(who), POST, rkey)
    }

    /// Writes a record, for the first time or again.
    fn put(&mut self, who: &str, collection: &str, rkey: &str, record: Value) {
        let did = self.did(who);
        let parts = [format!(r#""did":"{did}","time_us""#), format!(r#""collection":"{collection}""#), format!(r#""rkey":"{rkey}""#)];
        let before = |frame: &&String| parts.iter().all(|part| frame.contains(part));
        let frame = match self.frames.iter().rfind(before) {
            Some(frame) if !frame.contains(r#""operation":"delete""#) => self.network.update(&did, collection, rkey, record),
            _ => self.network.create(&did, collection, rkey, record),
        };
        self.frames.push(frame);
    }

    fn delete(&mut self, who: &str, collection: &str, rkey: &str) {
        let frame = self.network.delete(&self.did(who), collection, rkey);
        self.frames.push(frame);
    }

    /// The community, whose moderator this is.
    fn found(&mut self, moderator: &str) {
        let record = records::with(records::config("Test", &self.tag, NOW - MINUTE), json!({ "moderators": [self.did(moderator)] }));
        self.put("owner", CONFIG, "main", record);
    }

    fn join(&mut self, who: &str) {
        self.put(who, MEMBERSHIP, "m", records::membership(&self.community, true, NOW - MINUTE));
    }

    fn leave(&mut self, who: &str) {
        self.put(who, MEMBERSHIP, "m", records::membership(&self.community, false, NOW - MINUTE));
    }

    fn post(&mut self, who: &str, rkey: &str) {
        let text = format!("hello {}", self.tag);
        self.put(who, POST, rkey, records::post(&text, NOW - MINUTE));
    }

    /// The act's record has the time that was `ago`.
    fn act(&mut self, who: &str, rkey: &str, kind: &str, target: &str, ago: i64) {
        let record = records::action(kind, target, &self.community, NOW - ago);
        self.put(who, ACTION, rkey, record);
    }

    fn hide(&mut self, who: &str, rkey: &str, post: (&str, &str), ago: i64) {
        self.act(who, rkey, "hide_post", &self.post_uri(post), ago);
    }

    fn unhide(&mut self, who: &str, rkey: &str, post: (&str, &str), ago: i64) {
        self.act(who, rkey, "unhide_post", &self.post_uri(post), ago);
    }

    /// `None` is an active account.
    fn account(&mut self, who: &str, status: Option<&str>) {
        let frame = self.network.account(&self.did(who), status);
        self.frames.push(frame);
    }

    /// More time than a program goes back when it starts: it does not hear again what was before.
    fn pass_time(&mut self) {
        self.network = Network::starting_at((self.network.time_us() / 1_000) as i64 + 10_000);
    }

    /// What was told from the start up to now comes again.
    fn replay(&mut self) {
        self.frames.extend(self.frames.clone());
    }
}

/// How a story is told.
#[derive(Debug, Clone, Copy)]
enum Telling {
    AtOnce,
    EventByEvent,
    /// In the end everything is repeated, the last first.
    Backwards,
    /// The program ends in the middle and hears the rest when it starts again.
    Interrupted,
}

async fn tell(world: &mut World, frames: &[String], telling: Telling) {
    match telling {
        Telling::AtOnce => frames.iter().for_each(|frame| world.publish(frame)),
        Telling::EventByEvent => {
            for frame in frames {
                world.publish(frame);
                world.settled().await;
            }
        }
        Telling::Backwards => frames.iter().chain(frames.iter().rev()).for_each(|frame| world.publish(frame)),
        Telling::Interrupted => {
            let (first, second) = frames.split_at(frames.len() / 2);
            first.iter().for_each(|frame| world.publish(frame));
            world.settled().await;
            world.stop().await;
            second.iter().for_each(|frame| world.publish(frame));
            world.start_again().await;
        }
    }
    world.settled().await;
}

/// Tells a story in every way; in the end just these posts are shown, in this order.
async fn check(story: impl Fn(&mut Cast), expected: &[(&str, &str)]) {
    let mut world = World::new().await;
    for (number, telling) in [Telling::AtOnce, Telling::EventByEvent, Telling::Backwards, Telling::Interrupted].into_iter().enumerate() {
        // Settling takes time of its own, and the program forgets none that has passed.
        let mut cast = Cast::new(world.network.clone(), number);
        story(&mut cast);
        world.network = cast.network.clone();
        tell(&mut world, &cast.frames, telling).await;
        let expected: Vec<String> = expected.iter().map(|post| cast.post_uri(*post)).collect();
        for limit in [1, 2, 50] {
            assert_eq!(world.walk(&cast.community, limit).await, expected, "{telling:?}, in pages of {limit}");
        }
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_that_came_before_its_authors_membership_is_shown() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        cast.post("ann", "1");
        cast.post("bob", "2");
        cast.join("ann");
    };
    check(story, &[("ann", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_is_hidden_by_what_came_before_it() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        cast.hide("mod", "a", ("ann", "1"), 0);
        cast.join("ann");
        cast.post("ann", "1");
        cast.post("ann", "2");
    };
    check(story, &[("ann", "2")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_may_come_before_the_config() {
    let story = |cast: &mut Cast| {
        for who in ["ann", "bob", "cat"] {
            cast.post(who, "1");
            cast.post(who, "2");
        }
        cast.join("ann");
        cast.join("bob");
        cast.act("owner", "a", "block_user", &cast.did("bob"), 0);
        cast.hide("mod", "b", ("ann", "1"), 0);
        cast.post("owner", "1");
        cast.found("mod");
    };
    check(story, &[("ann", "2"), ("owner", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_unhidden_is_shown_again() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        for rkey in ["1", "2", "3"] {
            cast.post("mod", rkey);
            cast.hide("owner", &format!("a{rkey}"), ("mod", rkey), 1_000);
        }
        cast.unhide("owner", "b1", ("mod", "1"), 0);
        cast.unhide("owner", "b2", ("mod", "2"), 2_000);
    };
    check(story, &[("mod", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleting_an_actions_record_undoes_it() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        for (who, rkey) in [("ann", "1"), ("ann", "2"), ("bob", "3")] {
            cast.join(who);
            cast.post(who, rkey);
        }
        cast.hide("mod", "a", ("ann", "1"), 3_000);
        cast.unhide("mod", "b", ("ann", "1"), 2_000);
        cast.hide("mod", "c", ("ann", "2"), 1_000);
        cast.act("mod", "d", "block_user", &cast.did("bob"), 0);
        cast.delete("mod", ACTION, "b");
        cast.delete("mod", ACTION, "c");
        cast.delete("mod", ACTION, "d");
    };
    check(story, &[("bob", "3"), ("ann", "2")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_actions_of_one_instant_the_one_with_the_greater_uri_counts() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        for rkey in ["1", "2"] {
            cast.join("ann");
            cast.post("ann", rkey);
        }
        cast.unhide("owner", "b", ("ann", "1"), 0);
        cast.hide("owner", "a", ("ann", "1"), 0);
        cast.unhide("owner", "c", ("ann", "2"), 0);
        cast.hide("owner", "d", ("ann", "2"), 0);
    };
    check(story, &[("ann", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dismissed_moderators_actions_no_longer_count_and_an_appointed_ones_do() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        cast.join("ann");
        cast.post("ann", "1");
        cast.post("ann", "2");
        cast.post("mod", "3");
        cast.hide("mod", "a", ("ann", "1"), 0);
        cast.hide("next", "a", ("ann", "2"), 0);
        cast.found("next");
    };
    check(story, &[("ann", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_unblocked_comes_back_with_their_posts() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        for who in ["ann", "bob", "cat"] {
            cast.join(who);
            cast.post(who, "1");
            cast.act("mod", &format!("a{who}"), "block_user", &cast.did(who), 2_000);
        }
        cast.act("owner", "b", "unblock_user", &cast.did("ann"), 1_000);
        // Nobody can free themself.
        cast.act("cat", "b", "unblock_user", &cast.did("cat"), 0);
    };
    check(story, &[("ann", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_takes_their_posts_along_and_brings_them_back_within_the_week() {
    let left = |cast: &mut Cast| {
        cast.found("mod");
        for who in ["ann", "bob"] {
            cast.join(who);
            cast.post(who, "1");
        }
        cast.leave("ann");
        cast.delete("bob", MEMBERSHIP, "m");
        cast.post("ann", "2");
    };
    check(left, &[]).await;
    let came_back = |cast: &mut Cast| {
        left(cast);
        cast.join("ann");
    };
    check(came_back, &[("ann", "2"), ("ann", "1")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_whose_tag_is_edited_away_leaves_and_comes_back_with_it() {
    let edited = |cast: &mut Cast| {
        cast.found("mod");
        for rkey in ["1", "2", "3"] {
            cast.post("mod", rkey);
        }
        for rkey in ["1", "2"] {
            cast.put("mod", POST, rkey, records::post("hello", NOW - MINUTE));
        }
        cast.put("mod", POST, "3", json!({ "text": cast.tag }));
    };
    check(edited, &[]).await;
    let edited_back = |cast: &mut Cast| {
        edited(cast);
        cast.post("mod", "2");
        cast.post("mod", "3");
    };
    check(edited_back, &[("mod", "3"), ("mod", "2")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_of_yesterday_brings_back_neither_a_deleted_post_nor_a_hidden_one() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        cast.join("ann");
        for rkey in ["1", "2", "3", "4"] {
            cast.post("ann", rkey);
        }
        // Yesterday ends here. It is repeated after what happened today.
        let yesterday = cast.frames.clone();
        cast.delete("ann", POST, "1");
        cast.hide("mod", "a", ("ann", "2"), 0);
        cast.put("ann", POST, "3", records::post("never mind", NOW - MINUTE));
        cast.frames.extend(yesterday);
        cast.replay();
    };
    check(story, &[("ann", "4")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_of_one_instant_are_all_shown_whatever_page_they_fall_on() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        for (who, rkey) in [("mod", "b"), ("owner", "a"), ("mod", "a"), ("mod", "a-"), ("owner", "c")] {
            cast.post(who, rkey);
        }
    };
    // The greater rkey first, then the greater DID.
    check(story, &[("owner", "c"), ("mod", "b"), ("mod", "a-"), ("owner", "a"), ("mod", "a")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_deletes_their_account_and_restores_it_starts_anew() {
    let story = |cast: &mut Cast| {
        cast.found("mod");
        cast.join("ann");
        cast.post("ann", "1");
        cast.account("ann", Some("deleted"));
        cast.pass_time();
        cast.account("ann", None);
        cast.post("mod", "1");
        cast.join("ann");
        cast.post("ann", "2");
    };
    check(story, &[("ann", "2"), ("mod", "1")]).await;
}

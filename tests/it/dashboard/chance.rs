//! Random histories of the law's own making: what the API says of a community is what its feed and the model of the law say.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use atrarium::dashboard::views::{ActionKind, ClauseCode, Explanation};
use atrarium::dashboard::{MembersQuery, Problem};
use atrarium_tests::network::POST;
use atrarium_tests::world::NOW;
use atrarium_tests::{Network, World};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{STRANGER, dashboard, walk};
use crate::law::events::{self, Story};
use crate::law::model::Model;

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
/// Of so many stories some end with blocked authors, and some with communities that have no share of their own; of half a dozen, often none.
const CASES: u32 = 24;

/// When everything is compared, from the present of the case.
const MOMENTS: [i64; 4] = [0, MINUTE, 3 * MINUTE, 3 * DAY];

/// How long an alarm may take to have its effect.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn what_the_api_says_agrees_with_the_feed_and_the_law_whatever_has_happened() {
    // Nobody answers there, so that no post is known but by the firehose.
    let mut world = World::with_flags(&["--allow-private-network", "--plc-url", "http://127.0.0.1:9"]).await;
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]));
    let (mut visible, mut reasons) = (0, BTreeSet::new());
    for salt in 1..=CASES {
        let now = NOW + i64::from(salt) * 9 * DAY;
        let case = events::case(0).new_tree(&mut runner).expect("a case").current();
        let story = case.tell(salt, now);
        let mut model = Model::default();
        world.clock.set(now);
        world.network = Network::starting_at(now - 60 * MINUTE);
        for event in &story.events {
            model.hear(&event.frame(0));
            let time_us = world.network.time_us() + 5_000;
            world.network = Network::starting_at(time_us as i64 / 1_000);
            world.publish(event.frame(time_us));
        }
        world.settled().await;
        for moment in MOMENTS {
            world.clock.set(now + moment);
            let began = Instant::now();
            let explanations = loop {
                match compare(&world, &model, &story, now + moment).await {
                    Ok(explanations) => break explanations,
                    // What is due is done at once when all was told; later on, alarms take their time.
                    Err(difference) => assert!(moment > 0 && began.elapsed() < PATIENCE, "case {salt}, {moment} ms on: {difference}"),
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            for explanation in explanations {
                visible += usize::from(explanation.visible);
                reasons.extend(failing(&explanation));
            }
        }
        for event in &story.end {
            let time_us = world.network.time_us() + 5_000;
            world.network = Network::starting_at(time_us as i64 / 1_000);
            world.publish(event.frame(time_us));
        }
        world.settled().await;
    }
    assert!(visible > 100, "{visible}");
    use ClauseCode::{AccountActive, AuthorMember, AuthorNotBlocked, Hashtag, NotHidden, OwnShare, TimeWindow};
    for code in [Hashtag, TimeWindow, AuthorMember, AuthorNotBlocked, AccountActive, NotHidden, OwnShare] {
        assert!(reasons.contains(&code), "nothing failed for {code:?}: {reasons:?}");
    }
    world.stop().await;
}

/// All clauses that fail.
fn failing(explanation: &Explanation) -> impl Iterator<Item = ClauseCode> {
    explanation.clauses.iter().filter(|clause| clause.holds == Some(false)).map(|clause| clause.code)
}

/// All posts of the story, by AT-URI.
fn posts(story: &Story) -> BTreeSet<String> {
    let frames = story.events.iter().map(|event| serde_json::from_str::<serde_json::Value>(&event.frame(0)).expect("a frame is JSON"));
    let post = |frame: serde_json::Value| {
        let (did, commit) = (frame["did"].as_str()?.to_owned(), &frame["commit"]);
        (commit["collection"] == POST).then(|| format!("at://{did}/{POST}/{}", commit["rkey"].as_str().unwrap_or_default()))
    };
    frames.filter_map(post).collect()
}

async fn compare(world: &World, model: &Model, story: &Story, now: i64) -> Result<Vec<Explanation>, String> {
    let mut explanations = Vec::new();
    for community in &story.communities {
        let Some(own) = model.own_feed(community, now) else {
            let gone = dashboard(world).community(STRANGER, community);
            if !matches!(gone, Err(Problem::NotFound { .. })) {
                return Err(format!("{community} should be closed: {gone:?}"));
            }
            continue;
        };
        let same = |what: &str, ours: &dyn std::fmt::Debug, theirs: &dyn std::fmt::Debug| {
            let (ours, theirs) = (format!("{ours:#?}"), format!("{theirs:#?}"));
            if ours == theirs { Ok(()) } else { Err(format!("{what} of {community}: {ours}, not {theirs}")) }
        };
        let view = dashboard(world).community(STRANGER, community).map_err(|problem| problem.to_string())?;
        let members = model.members(community);
        same("the counts", &(view.member_count, view.post_count), &(members.len() as u64, own.len() as u64))?;
        let listed = walk(3, |page| dashboard(world).members(community, &MembersQuery::default(), page).map(|found| (found.members, found.cursor)));
        same("the members", &listed.into_iter().map(|member| member.did).collect::<Vec<_>>(), &members)?;
        let shown = walk(4, |page| dashboard(world).posts(community, false, page).map(|found| (found.posts, found.cursor)));
        same("the posts", &shown.into_iter().map(|post| post.uri).collect::<Vec<_>>(), &own)?;
        let all = walk(7, |page| dashboard(world).posts(community, true, page).map(|found| (found.posts, found.cursor)));
        let of_all: Vec<String> = all.iter().filter(|post| post.shown).map(|post| post.uri.clone()).collect();
        same("of all posts, those that are shown", &of_all, &own)?;
        if let Some(post) = all.iter().find(|post| post.shown != post.hidden_because.is_empty()) {
            return Err(format!("of {community}: {post:?}"));
        }

        let actions = walk(9, |page| dashboard(world).actions(community, None, page).map(|found| (found.actions, found.cursor)));
        for target in actions.iter().map(|action| &action.target).collect::<BTreeSet<_>>() {
            let deciding: Vec<_> = actions.iter().filter(|action| action.decides && action.target == *target).map(|action| action.action).collect();
            let denies = matches!(deciding[..], [ActionKind::HidePost | ActionKind::BlockUser]);
            if deciding.len() > 1 || denies != model.denied(community, target, now) {
                return Err(format!("{target} in {community}: {deciding:?}"));
            }
        }

        let feed: BTreeSet<String> = world.feed(community).await.into_iter().collect();
        for post in posts(story) {
            // Of these the author's server would be looked for in the real network.
            if post.starts_with("at://did:web:") && !feed.contains(&post) && !all.iter().any(|known| known.uri == post) {
                continue;
            }
            let explanation = dashboard(world).explain(STRANGER, community, &post).await.map_err(|problem| problem.to_string())?;
            if explanation.visible != feed.contains(&post) {
                return Err(format!("the feed has it: {}; {explanation:#?}", feed.contains(&post)));
            }
            let doubts: Vec<_> = explanation.clauses.iter().filter(|clause| clause.code != ClauseCode::Shown && clause.holds != Some(true)).collect();
            if doubts.is_empty() && !explanation.visible {
                return Err(format!("nothing keeps it out: {explanation:#?}"));
            }
            // With no share of its own posts, the feed may take one of them from another community.
            if explanation.visible && own.contains(&post) && doubts.iter().any(|clause| clause.code != ClauseCode::OwnShare) {
                return Err(format!("something should keep it out: {explanation:#?}"));
            }
            explanations.push(explanation);
        }
    }
    Ok(explanations)
}

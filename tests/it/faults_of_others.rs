//! What went wrong in the first implementation and in other feed generators, each as a test that would notice it here.
//!
//! Sections 2.1 to 2.5 are those of `research/atrarium-original.md`; "peers" is the list at the end of section 1 of
//! `research/feedgen-peers.md`. Faults of the dashboard, its API and its logins are not here yet: neither are those parts of the program.
//! Where another test shows a fault already, [`SHOWN_ELSEWHERE`] names it.

mod roles;
mod upkeep;
mod wiring;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const WEEK_MS: i64 = 7 * DAY_MS;

const NO_POSTS: [String; 0] = [];

/// Section, fault, the file of the test that shows that it isn't ours, and the test.
const SHOWN_ELSEWHERE: &[(&str, &str, &str, &str)] = &[
    ("2.1 (1, 2)", "the receiver is never started, the consumer never registered", "journey.rs", "a_members_post_appears_and_a_strangers_does_not"),
    ("2.2", "integers and fractions in feedMix exclude each other", "../../components/filter/src/shares.rs", "every_mix_of_thousandths_sums_to_a_hundred"),
    ("2.3", "the server's records break the server's lexicons", "../../components/filter/tests/filter/lexicons.rs", "fn "),
    (
        "2.4 S5, S7, S8",
        "who says that they are a moderator is one",
        "../../components/moderation/src/judge.rs",
        "only_the_owner_and_moderators_act_and_not_on_their_like",
    ),
    ("2.4 S10", "a hashtag matches inside longer words", "../../components/filter/src/hashtag.rs", "what_only_looks_like_a_hashtag_is_none"),
    ("2.4 S17", "one malformed record spoils the others of its repo", "malformed.rs", "a_malformed_record_is_counted_by_its_reason_and_leaves_nothing_behind"),
    ("2.4 S19", "errors tell what is inside", "../../host/src/http/tests/requests.rs", "errors_carry_the_headers_that_callers_need"),
    ("2.5", "the cursor is stored before what it follows", "firehose.rs", "a_restart_asks_for_what_follows_the_stored_cursor"),
    (
        "2.5",
        "events that arrive during a flush are dropped; a failed flush is never tried again",
        "disk.rs",
        "whatever_the_disk_refuses_ingest_pauses_feeds_go_on_and_nothing_is_lost",
    ),
    (
        "2.5",
        "errors are swallowed, and the dead letters stay empty",
        "guests.rs",
        "an_event_that_a_guest_cant_take_ends_in_its_communitys_dead_letters_and_delays_no_other",
    ),
    ("2.5", "posts of the same millisecond are skipped", "paging.rs", "posts_of_the_same_millisecond_are_on_one_page_each"),
    ("2.5", "a page of hidden posts ends the feed", "paging.rs", "what_moderation_hides_ends_no_feed_and_leaves_no_empty_page"),
    ("2.5", "`limit=abc` is a 500", "requests.rs", "a_bad_request_gets_the_right_error_at_once"),
    ("peers", "an identity without a handle is an error", "firehose.rs", "an_identity_without_a_handle_is_read"),
    ("peers", "cursor and filter of a page count by different times", "walks.rs", "what_arrives_or_goes_during_a_walk_neither_repeats_nor_skips_a_post"),
];

#[test]
fn the_tests_that_show_a_fault_elsewhere_exist() {
    for (section, fault, file, test) in SHOWN_ELSEWHERE {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(file);
        let source = std::fs::read_to_string(&path).unwrap_or_else(|cause| panic!("{section}, {fault}: {}: {cause}", path.display()));
        let test = test.strip_prefix("fn ").map_or(format!("fn {test}("), |_| "#[test]".to_owned());
        assert!(source.contains(&test), "{section}, {fault}: {file} has no {test}");
    }
}

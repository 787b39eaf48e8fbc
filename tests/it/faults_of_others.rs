//! What went wrong in the first implementation and in other feed generators, each as a test that would notice it here.
//!
//! Sections 2.1 to 2.5 are those of `research/atrarium-original.md`; "peers" is the list at the end of section 1 of
//! `research/feedgen-peers.md`. Faults of the dashboard's pages are not here yet: neither are they. Where another test shows a fault
//! already, [`SHOWN_ELSEWHERE`] names it; those of the API and its sign-ins all stand in `api/`.

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
    (
        "2.2",
        "creating, changing and deleting a community says that it was done, and does nothing",
        "real_peers/dashboard.rs",
        "a_community_is_founded_run_and_closed_through_the_api_alone",
    ),
    ("2.4 S1, S16", "a garbage token, or a secret that everybody knows, opens every account", "api/proof.rs", "nobody_becomes_somebody_by_saying_so"),
    ("2.4 S2", "tokens for any handle", "api/proof.rs", "no_handle_and_no_did_gets_tokens_without_its_server"),
    (
        "2.4 S3",
        "access and refresh tokens stand for each other, for sixty days",
        "api/proof.rs",
        "a_token_is_good_for_one_thing_for_a_short_time_and_until_it_is_revoked",
    ),
    ("2.4 S4", "no DID is looked up", "api/proof.rs", "a_token_of_somebodys_server_counts_only_by_the_key_in_their_document"),
    ("2.4 S5, S6, S8", "a role is what one's own record or request says", "api/people.rs", "nobody_gives_themself_a_role"),
    ("2.4 S7", "an action takes no actor", "api/people.rs", "an_action_without_a_say_is_shown_as_one_and_decides_nothing"),
    ("2.4 S9", "a block has no effect", "api/people.rs", "who_is_blocked_is_nowhere_and_cannot_come_back_by_joining"),
    ("2.4 S11", "a hashtag or a record key of others", "api/people.rs", "a_name_that_two_communities_have_is_nobodys_alone"),
    ("2.4 S12", "an author's date keeps a post on top", "faults_of_others/roles.rs", "an_authors_date_decides_no_more_than_the_window_allows"),
    ("2.4 S13", "a hundred strangers take all the places of a stream", "api/streams.rs", "who_listens_too_often_shuts_out_nobody_else"),
    ("2.4 S14", "moderators don't see what is hidden", "api/people.rs", "what_is_hidden_is_seen_by_who_moderates_and_by_nobody_else"),
    ("2.4 S15", "rate limits are written down and never asked", "api/shares.rs", "nobody_asks_more_often_than_the_limit_and_nobody_uses_up_anothers"),
    ("2.4 S16", "tokens in the name of a developer's machine", "api/proof.rs", "no_two_hosts_take_each_others_tokens"),
    (
        "2.4 S17",
        "one malformed record spoils a list, which ends after a hundred",
        "api/people.rs",
        "malformed_records_spoil_no_list_and_a_list_goes_on_to_its_end",
    ),
    (
        "2.4 S18",
        "scripts read tokens, and third parties what is looked at",
        "api/browsers.rs",
        "no_script_reads_a_browsers_tokens_and_no_other_host_is_told_of_anything",
    ),
    ("2.4 S19", "the API's errors tell what is inside", "api/errors.rs", "an_error_tells_nothing_of_the_inside"),
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

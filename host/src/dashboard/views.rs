//! What the API shows: the JSON of its answers. The words over the fields are the API's documentation.
//!
//! Patterns and lengths are those of the records that the filter lets in, so an answer that breaks one is a fault of ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A community, as its caller sees it.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Community {
    /// What the community is called in this API: its config's record key, or the long form `<record key>~<8 hexadecimal digits>` where
    /// several communities of this host have the same key. The long form is always accepted.
    #[schema(example = "3jzfcijpj2z2a", min_length = 1, max_length = 521)]
    pub id: String,
    /// The AT-URI of the config record: the community's identity.
    #[schema(example = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/net.atrarium.community.config/3jzfcijpj2z2a", pattern = "^at://did:")]
    pub uri: String,
    /// The AT-URI of the feed, as Bluesky knows it.
    #[schema(example = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.generator/3jzfcijpj2z2a", pattern = "^at://did:")]
    pub feed: String,
    /// The DID of the owner.
    #[schema(example = "did:plc:ewvi7nxzyoun6zhxrhs64oiz", pattern = "^did:[a-z]+:", max_length = 256)]
    pub owner: String,
    /// The owner's, if this host has verified it lately. Only where one community is asked for; missing where it isn't known yet: it is looked
    /// up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 253)]
    pub owner_handle: Option<String>,
    #[schema(example = "TypeScript 愛好会", min_length = 1, max_length = 1000)]
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 5000)]
    pub description: Option<String>,
    /// Members' posts that carry this hashtag are in the feed.
    #[schema(example = "#atrarium_a1b2c3d4", pattern = "^#atrarium_[0-9a-f]{8}$")]
    pub hashtag: String,
    pub stage: Stage,
    /// The AT-URI of the parent's config record.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/net.atrarium.community.config/3jzfcijpj2z2b", pattern = "^at://did:")]
    pub parent: Option<String>,
    pub feed_mix: FeedMix,
    /// The DIDs of the moderators.
    #[schema(max_items = 50)]
    pub moderators: Vec<String>,
    /// The moderators' handles by their DIDs, as the owner's.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub moderator_handles: BTreeMap<String, String>,
    /// Owner, moderators and members.
    pub member_count: u64,
    /// The community's own posts in its feed now.
    pub post_count: u64,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub created_at: String,
    /// What the caller is in this community; null for who is no member.
    pub role: Option<Role>,
    /// Whether the caller is blocked in this community.
    pub blocked: bool,
    /// Whether another community of this host uses the same hashtag. Each still shows only its own members' posts.
    pub shared_hashtag: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    Theme,
    Community,
    Graduated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    Owner,
    Moderator,
    Member,
}

/// How a feed is mixed, in fractions that sum to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedMix {
    /// The share of the community's own posts.
    #[schema(example = 0.8, minimum = 0, maximum = 1)]
    pub own: f64,
    /// The share of the parent community's posts.
    #[schema(example = 0.15, minimum = 0, maximum = 1)]
    pub parent: f64,
    /// The share of the posts of all other communities on this host.
    #[schema(example = 0.05, minimum = 0, maximum = 1)]
    pub global: f64,
}

/// Some of a list of communities, the first opened first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Communities {
    #[schema(max_items = 100)]
    pub communities: Vec<Community>,
    /// Where the list goes on; missing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Member {
    #[schema(example = "did:plc:ewvi7nxzyoun6zhxrhs64oiz", pattern = "^did:[a-z]+:", max_length = 256)]
    pub did: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub handle: Option<String>,
    pub role: Role,
    /// Whether moderation keeps this member's posts out of the feed.
    pub blocked: bool,
    /// Whether the account is active: the posts of one that isn't are not shown.
    pub active: bool,
    /// Since when, by the member's own record. Moderators may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub since: Option<String>,
}

/// Some of a community's members, in the order of their DIDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Members {
    #[schema(max_items = 1000)]
    pub members: Vec<Member>,
    /// Where the list goes on; missing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// All members of the role that was asked for, whatever their DIDs.
    pub total: u64,
}

/// A moderation action: one public record of its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    #[schema(example = "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/net.atrarium.moderation.action/3jzfcijpj2z2c", pattern = "^at://did:")]
    pub uri: String,
    #[schema(example = "3jzfcijpj2z2c", min_length = 1, max_length = 512)]
    pub rkey: String,
    #[schema(example = "did:plc:ewvi7nxzyoun6zhxrhs64oiz", pattern = "^did:[a-z]+:", max_length = 256)]
    pub author: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub author_handle: Option<String>,
    pub action: ActionKind,
    /// A post's AT-URI, or a DID.
    #[schema(example = "at://did:plc:mia/app.bsky.feed.post/3jzfcijpj2z2c", max_length = 512)]
    pub target: String,
    /// The AT-URI of the community's config record.
    #[schema(pattern = "^at://did:", max_length = 512)]
    pub community: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 3000)]
    pub reason: Option<String>,
    /// The original of which this is a copy, made when the moderator who wrote it was dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(pattern = "^at://did:", max_length = 512)]
    pub via: Option<String>,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub created_at: String,
    /// Whether its author is owner or moderator now, and may act on this target.
    pub author_has_say: bool,
    /// Whether it is the one that counts for its target now: of those whose authors have a say, the latest.
    pub decides: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    HidePost,
    UnhidePost,
    BlockUser,
    UnblockUser,
}

/// Some of a community's moderation actions, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Actions {
    #[schema(max_items = 100)]
    pub actions: Vec<Action>,
    /// Where the list goes on; missing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A post with the community's hashtag, by a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Post {
    #[schema(example = "at://did:plc:mia/app.bsky.feed.post/3jzfcijpj2z2c", pattern = "^at://did:")]
    pub uri: String,
    #[schema(example = "did:plc:mia", pattern = "^did:[a-z]+:", max_length = 256)]
    pub author: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub author_handle: Option<String>,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub created_at: String,
    /// Whether it answers another post.
    pub reply: bool,
    /// The languages that the author says it is in.
    #[schema(max_items = 3)]
    pub languages: Vec<String>,
    /// The labels that the author gave it.
    #[schema(max_items = 10)]
    pub labels: Vec<String>,
    /// Whether it is in the community's feed now.
    pub shown: bool,
    /// Why it isn't, as far as a list can tell; the explanation of a post says more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 4)]
    pub hidden_because: Vec<HiddenBecause>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum HiddenBecause {
    /// Moderation hides the post.
    Hidden,
    /// Moderation blocks its author.
    Blocked,
    /// Its author's account is not active.
    Inactive,
    /// It is dated ahead, and waits.
    Future,
}

/// Some of a community's posts, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Posts {
    #[schema(max_items = 100)]
    pub posts: Vec<Post>,
    /// Where the list goes on; missing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A community in numbers, over the week that its feed holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    pub member_count: u64,
    pub post_count: u64,
    /// Members with a post in the feed.
    pub author_count: u64,
    /// Posts with the hashtag that wait for their authors to become members, up to a day after their week is over.
    pub held_count: u64,
    /// The days of the week, in UTC, the oldest first.
    #[schema(max_items = 8)]
    pub days: Vec<Day>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Day {
    #[schema(example = "2026-11-20", format = Date)]
    pub day: String,
    pub posts: u64,
    pub authors: u64,
}

/// Somebody whose posts wait until they become a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldAuthor {
    #[schema(example = "did:plc:mia", pattern = "^did:[a-z]+:", max_length = 256)]
    pub did: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub handle: Option<String>,
    pub posts: u64,
    /// The date of the newest of them.
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub newest: String,
}

/// Some of the authors whose posts are held, in the order of their DIDs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct HeldAuthors {
    #[schema(max_items = 100)]
    pub authors: Vec<HeldAuthor>,
    /// Where the list goes on; missing at its end. A page may be short, or empty, and have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Something that a community's component could not take, though it was tried again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeadLetter {
    #[schema(min_length = 1, max_length = 2048, pattern = "^[A-Za-z0-9_-]+$")]
    pub id: String,
    /// The AT-URI of the community's config record.
    #[schema(pattern = "^at://did:", max_length = 1024)]
    pub community: String,
    /// The record or account that it is about, or `config` or `alarm`.
    #[schema(example = "at://did:plc:mia/app.bsky.feed.post/3jzfcijpj2z2c")]
    pub subject: String,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub since: String,
    /// What the component said.
    pub cause: String,
}

/// Some of the dead letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetters {
    #[schema(max_items = 100)]
    pub dead_letters: Vec<DeadLetter>,
    /// Where the list goes on; missing at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Why a post is in a community's feed, or isn't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Explanation {
    /// The AT-URI of the post.
    #[schema(pattern = "^at://did:")]
    pub post: String,
    /// The AT-URI of the community's config record.
    #[schema(pattern = "^at://did:")]
    pub community: String,
    /// Whether the feed shows it now.
    pub visible: bool,
    /// The first thing that keeps it out of the feed, in a sentence.
    pub summary: String,
    /// All that must hold, in order.
    #[schema(max_items = 16)]
    pub clauses: Vec<Clause>,
}

/// One thing that must hold for a post to be in a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Clause {
    pub code: ClauseCode,
    /// Null where nobody here can tell.
    pub holds: Option<bool>,
    /// In words.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ClauseCode {
    /// The community is open here.
    CommunityOpen,
    /// The post's record exists.
    PostExists,
    /// The record is what its lexicon demands.
    PostValid,
    /// It carries the community's hashtag.
    Hashtag,
    /// It is dated within the last seven days, and not ahead.
    TimeWindow,
    /// Its author is a member.
    AuthorMember,
    /// Its author is not blocked.
    AuthorNotBlocked,
    /// Its author's account is active.
    AccountActive,
    /// Moderation does not hide it.
    NotHidden,
    /// No bound of this host has pushed it out.
    WithinBounds,
    /// The community's component has taken it.
    Delivered,
    /// The feed has a share of the community's own posts.
    OwnShare,
    /// The feed shows it.
    Shown,
}

impl From<crate::record::Stage> for Stage {
    fn from(stage: crate::record::Stage) -> Self {
        match stage {
            crate::record::Stage::Theme => Self::Theme,
            crate::record::Stage::Community => Self::Community,
            crate::record::Stage::Graduated => Self::Graduated,
        }
    }
}

impl From<crate::sandbox::object::Role> for Role {
    fn from(role: crate::sandbox::object::Role) -> Self {
        match role {
            crate::sandbox::object::Role::Owner => Self::Owner,
            crate::sandbox::object::Role::Moderator => Self::Moderator,
            crate::sandbox::object::Role::Member => Self::Member,
        }
    }
}

impl From<crate::record::Shares> for FeedMix {
    fn from(shares: crate::record::Shares) -> Self {
        let fraction = |percent: u32| f64::from(percent) / 100.0;
        Self { own: fraction(shares.own), parent: fraction(shares.parent), global: fraction(shares.global) }
    }
}

impl From<crate::record::ActionKind> for ActionKind {
    fn from(kind: crate::record::ActionKind) -> Self {
        match kind {
            crate::record::ActionKind::HidePost => Self::HidePost,
            crate::record::ActionKind::UnhidePost => Self::UnhidePost,
            crate::record::ActionKind::BlockUser => Self::BlockUser,
            crate::record::ActionKind::UnblockUser => Self::UnblockUser,
        }
    }
}

//! The JSON of a preview. The words over the fields are the API's documentation.

use serde::Serialize;
use utoipa::ToSchema;

use crate::feed;
use crate::sandbox::mix::SourceKind;

/// The first page of a feed as a version would make it, beside the one that is shown now. Nothing comes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixPreview {
    /// The version that was tried.
    #[schema(minimum = 1)]
    pub version: u32,
    /// What it would show to a reader who isn't known; as far as it came, if it failed.
    #[schema(max_items = 100)]
    pub posts: Vec<PreviewPost>,
    /// What the feed shows such a reader now.
    pub now: PreviewNow,
    /// Why it failed, in a sentence. A reader would have got the default mix's page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "version 3 took too long: a call may last 250 ms")]
    pub failure: Option<String>,
    /// Calls that the page took: more than one where the mix picks less than a page from a block of up to 200 posts of each source.
    pub calls: u32,
    /// Of the dearest call.
    pub fuel: u64,
    /// Of the largest call.
    pub memory_kib: u64,
    /// Of a processor, in the longest call.
    pub microseconds: u64,
    /// Whether it asked who reads.
    pub asks_who_reads: bool,
    /// What it said, line by line.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub said: String,
}

/// What a feed shows now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PreviewNow {
    /// The version that makes it; null for the default mix.
    #[schema(minimum = 1)]
    pub version: Option<u32>,
    #[schema(max_items = 100)]
    pub posts: Vec<PreviewPost>,
}

/// A post on a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewPost {
    #[schema(example = "at://did:plc:mia/app.bsky.feed.post/3jzfcijpj2z2c", pattern = "^at://did:")]
    pub uri: String,
    #[schema(example = "did:plc:mia", pattern = "^did:[a-z]+:", max_length = 256)]
    pub author: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub author_handle: Option<String>,
    pub source: PreviewSource,
    pub pinned: bool,
    /// What the mix has noted for those who hear whether readers want more or less of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
}

/// Where a post comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PreviewSource {
    /// The community itself.
    Own,
    Parent,
    /// Another community of this host.
    Global,
}

impl From<SourceKind> for PreviewSource {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Own => Self::Own,
            SourceKind::Parent => Self::Parent,
            SourceKind::Global => Self::Global,
        }
    }
}

impl PreviewPost {
    pub(super) fn new(shown: feed::Shown, author_handle: Option<String>) -> Self {
        let feed::Shown { uri, author, source, pinned, note } = shown;
        Self { uri, author, author_handle, source: source.into(), pinned, note }
    }
}

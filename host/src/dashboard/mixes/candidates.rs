//! What a mix is asked for the first page of a feed, in JSON. `atrarium mix run --against` reads it as a [`Block`].

use serde::Serialize;
use utoipa::ToSchema;

use super::preview::PreviewSource;
use crate::dashboard::views::Role;
use crate::sandbox::mix::{Author, Block, Candidate, Source};

/// The posts of which a mix makes the first page of a feed, with all that it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Candidates {
    /// The AT-URI of the community's config.
    #[schema(pattern = "^at://did:")]
    pub community: String,
    /// Those that have a share.
    #[schema(max_items = 3)]
    pub sources: Vec<CandidateSource>,
    /// Whoever wrote the posts, each once.
    #[schema(max_items = 600)]
    pub authors: Vec<CandidateAuthor>,
    /// Posts that the reader's app asks for.
    #[schema(minimum = 1, maximum = 100)]
    pub limit: u32,
    /// Posts that the reader has got already.
    pub position: u32,
    /// Milliseconds since 1970.
    pub now: i64,
}

/// Where posts come from, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateSource {
    pub kind: PreviewSource,
    /// Percent of the feed.
    #[schema(maximum = 100)]
    pub share: u32,
    /// Posts of this source that the reader has got already.
    pub taken: u32,
    #[schema(max_items = 200)]
    pub candidates: Vec<CandidatePost>,
    /// Whether there is more behind them.
    pub has_more: bool,
}

/// A post that may be picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidatePost {
    #[schema(example = "at://did:plc:mia/app.bsky.feed.post/3jzfcijpj2z2c", pattern = "^at://did:")]
    pub uri: String,
    /// Its place among the authors, from 0.
    pub author: u32,
    /// Milliseconds since 1970.
    pub sort_time: i64,
    pub reply: bool,
    /// As its author's app says.
    pub languages: Vec<String>,
    /// Its author's own.
    pub labels: Vec<String>,
}

/// Whoever wrote posts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CandidateAuthor {
    #[schema(example = "did:plc:mia", pattern = "^did:[a-z]+:", max_length = 256)]
    pub did: String,
    /// In this community; null for no member.
    pub role: Option<Role>,
    /// Of the last seven days, with this community's hashtag.
    pub posts: u32,
}

impl From<Block> for Candidates {
    fn from(Block { community, sources, authors, limit, position, now }: Block) -> Self {
        Self { community, sources: sources.into_iter().map(Into::into).collect(), authors: authors.into_iter().map(Into::into).collect(), limit, position, now }
    }
}

impl From<Source> for CandidateSource {
    fn from(Source { kind, share, taken, candidates, has_more }: Source) -> Self {
        Self { kind: kind.into(), share, taken, candidates: candidates.into_iter().map(Into::into).collect(), has_more }
    }
}

impl From<Candidate> for CandidatePost {
    fn from(Candidate { uri, author, sort_time, reply, languages, labels }: Candidate) -> Self {
        Self { uri, author, sort_time, reply, languages, labels }
    }
}

impl From<Author> for CandidateAuthor {
    fn from(Author { did, role, posts }: Author) -> Self {
        Self { did, role: role.map(Into::into), posts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authoring::posts;

    /// What is told is what `atrarium mix run` understands.
    #[test]
    fn a_block_comes_back_as_it_was() {
        let mut block = posts::made_up();
        block.authors[0].role = None;
        let told = serde_json::to_value(Candidates::from(block.clone())).expect("nothing in it has no form");
        assert_eq!(told, serde_json::to_value(&block).expect("nothing in it has no form"));
        assert_eq!(serde_json::from_value::<Block>(told).expect("a block").sources.len(), 3);
    }
}

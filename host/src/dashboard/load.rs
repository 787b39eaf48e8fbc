//! Which communities keep the machine busy, for its operators.

use serde::Serialize;
use utoipa::ToSchema;

use super::access::{Caller, Deed};
use super::{Dashboard, Problem, Standing, find};

/// Communities that are told of.
const MOST: usize = 100;

/// The communities that cost most, the dearest first.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HostLoad {
    #[schema(max_items = 100)]
    pub communities: Vec<CommunityLoad>,
}

/// What a community costs, as of about the last quarter of an hour: half of what was counted is forgotten after ten minutes.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommunityLoad {
    /// What the community is called in this API.
    #[schema(min_length = 1, max_length = 521)]
    pub id: String,
    #[schema(min_length = 1, max_length = 1000)]
    pub name: String,
    /// The DID of the owner.
    #[schema(pattern = "^did:[a-z]+:", max_length = 256)]
    pub owner: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 253)]
    pub owner_handle: Option<String>,
    /// Calls of its object in a second.
    #[schema(minimum = 0)]
    pub calls: f64,
    /// Of one processor, by its object.
    #[schema(minimum = 0)]
    pub object_share: f64,
    /// Pages of its feed that were made in a second; the same page within a moment is made once.
    #[schema(minimum = 0)]
    pub pages: f64,
    /// Of one processor, for making them.
    #[schema(minimum = 0)]
    pub page_share: f64,
}

impl Dashboard {
    /// The communities that cost most lately; those that are closed now are left out.
    pub fn host_load(&self, caller: &Caller) -> Result<HostLoad, Problem> {
        Deed::Operate.allow(caller, Standing::None)?;
        let snapshot = self.snapshot()?;
        let mut communities = Vec::new();
        for (uri, load) in self.parts().feeds.loads().dearest(MOST) {
            let (number, community) = match find::find(&snapshot, &uri) {
                Ok(found) => found,
                Err(Problem::NotFound { .. }) => continue,
                Err(problem) => return Err(problem),
            };
            communities.push(CommunityLoad {
                id: find::id_of(&snapshot, number, &community)?,
                owner_handle: self.handle_of(&community.owner),
                name: community.config.name,
                owner: community.owner,
                calls: load.calls,
                object_share: load.object_share,
                pages: load.pages,
                page_share: load.page_share,
            });
        }
        Ok(HostLoad { communities })
    }
}

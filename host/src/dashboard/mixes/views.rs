//! The JSON of what is told of uploaded mixes. The words over the fields are the API's documentation.

use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::datetime;
use crate::sandbox::strangers::Profile;
use crate::uploads::journal::{Kind, Line};
use crate::uploads::{self, Settings, Standing, Usage, VersionInfo};

/// Bytes in a KiB, of which memory is counted in.
const KIB: u64 = 1_024;

/// How a community's feed is mixed, and what its owner can do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mix {
    /// The version that is active; null for the default mix.
    #[schema(minimum = 1)]
    pub active: Option<u32>,
    /// Since when. Missing where nothing but the default mix was ever active.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub since: Option<String>,
    pub made_by: MadeBy,
    /// Until when a version that failed isn't asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub paused_until: Option<String>,
    /// Why the version that was active before was switched off, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<String>,
    /// Where a rollback leads. Missing where nothing was active before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
    /// The newest first.
    #[schema(max_items = 1000)]
    pub versions: Vec<VersionInShort>,
    /// Whether the community's owner may upload.
    pub may_upload: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_not_because: Option<String>,
    pub usage: MixUsage,
    pub quotas: MixQuotas,
}

/// Who makes the feed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MadeBy {
    /// The default mix, because no version is active.
    Default,
    /// The version that is active.
    Version,
    /// The default mix, because the version that is active has failed; it is asked again soon.
    Paused,
    /// The default mix, until the active version's code is compiled again.
    Compiling,
    /// The default mix, because this host doesn't let this owner's mixes run any more.
    Barred,
}

impl From<uploads::MadeBy> for MadeBy {
    fn from(made_by: uploads::MadeBy) -> Self {
        match made_by {
            uploads::MadeBy::Default => Self::Default,
            uploads::MadeBy::Version => Self::Version,
            uploads::MadeBy::Paused(_) => Self::Paused,
            uploads::MadeBy::Compiling => Self::Compiling,
            uploads::MadeBy::Barred => Self::Barred,
        }
    }
}

/// What was active before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Before {
    /// Null for the default mix.
    #[schema(minimum = 1)]
    pub version: Option<u32>,
}

/// A version in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct VersionInShort {
    #[schema(minimum = 1)]
    pub number: u32,
    #[schema(max_length = 400)]
    pub name: String,
    pub state: VersionState,
    pub active: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// It is being compiled and tried.
    Checking,
    /// It can be previewed and activated.
    Ready,
    /// It can't be used.
    Refused,
}

/// What there is of a community's uploads, and of its owner's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixUsage {
    /// Versions of this community, with those that were refused: these give their place to new ones.
    pub versions: usize,
    /// Bytes of all communities of this owner. The same component counts once, one that was refused not at all.
    pub owner_bytes: u64,
    /// Components of this owner that are being looked at.
    pub checking: usize,
}

/// What there may be, and what one call of a mix may take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixQuotas {
    /// Versions of one community.
    pub versions: usize,
    /// Bytes of all communities of one owner.
    pub owner_bytes: u64,
    /// Bytes of one component.
    pub largest_bytes: u64,
    /// Components of one owner that are being looked at at a time.
    pub checking: usize,
    /// New components of one owner within an hour.
    pub per_hour: usize,
    /// Fuel of one call: about a unit for an instruction.
    pub fuel: u64,
    /// Time of one call.
    pub milliseconds: u64,
    /// Memory of one call.
    pub memory_kib: u64,
}

/// A component that was uploaded for a community.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixVersion {
    /// Never given to another.
    #[schema(minimum = 1)]
    pub number: u32,
    /// What its uploader calls it.
    #[schema(max_length = 400)]
    pub name: String,
    /// Of the component's bytes.
    #[schema(example = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", pattern = "^[0-9a-f]{64}$")]
    pub sha256: String,
    /// Bytes that were uploaded.
    pub size: u64,
    /// The language that it seems to be written in, if it is recognised.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "JavaScript")]
    pub language: Option<&'static str>,
    #[schema(example = "did:plc:ewvi7nxzyoun6zhxrhs64oiz", pattern = "^did:[a-z]+:", max_length = 256)]
    pub uploader: String,
    /// If this host has verified it lately. Missing where it isn't known yet: it is looked up, and there in a moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "alice.example.com", max_length = 253)]
    pub uploader_handle: Option<String>,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub uploaded_at: String,
    pub state: VersionState,
    /// Why it was refused, in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "This is a core module and not a component: build it for the target wasm32-wasip2.")]
    pub refusal: Option<String>,
    /// What was measured when it was tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<MixProfile>,
    /// Whether it is the one that is active.
    pub active: bool,
}

/// What a call of a mix with 600 made-up posts takes, measured when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixProfile {
    /// Always the same for the same request.
    pub fuel: u64,
    pub memory_kib: u64,
    /// Of a processor of the machine that tried it.
    pub microseconds: u64,
    /// Whether it can ask who reads.
    pub can_ask_who_reads: bool,
    /// Whether it did. Pages of such a mix are made for each reader.
    pub asks_who_reads: bool,
}

impl From<&Profile> for MixProfile {
    fn from(Profile { language: _, can_ask_viewer, asked_viewer, fuel, memory, micros }: &Profile) -> Self {
        Self { fuel: *fuel, memory_kib: memory / KIB, microseconds: *micros, can_ask_who_reads: *can_ask_viewer, asks_who_reads: *asked_viewer }
    }
}

/// All versions of a community, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MixVersions {
    #[schema(max_items = 1000)]
    pub versions: Vec<MixVersion>,
}

/// What became of a community's mixes in the last seven days, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MixLog {
    #[schema(max_items = 200)]
    pub lines: Vec<MixLogLine>,
}

/// Something that happened, or was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MixLogLine {
    pub kind: MixLogKind,
    /// The version that it is about. Missing for the default mix.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub version: Option<u32>,
    #[schema(max_length = 1024)]
    pub text: String,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub first_at: String,
    #[schema(example = "2026-11-20T12:00:00.000Z", format = DateTime)]
    pub last_at: String,
    /// How often; the same again within an hour is the same line.
    #[schema(minimum = 1)]
    pub times: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MixLogKind {
    Uploaded,
    Admitted,
    Refused,
    Activated,
    Deactivated,
    Removed,
    /// A call gave no answer, and the page was the default mix's.
    Failed,
    /// It isn't asked for a while.
    Paused,
    /// It isn't asked any more.
    SwitchedOff,
    /// There was no turn for it in time, and the page was the default mix's.
    Busy,
    /// The mix itself has said something.
    Said,
}

impl From<Kind> for MixLogKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Uploaded => Self::Uploaded,
            Kind::Admitted => Self::Admitted,
            Kind::Refused => Self::Refused,
            Kind::Activated => Self::Activated,
            Kind::Deactivated => Self::Deactivated,
            Kind::Removed => Self::Removed,
            Kind::Failed => Self::Failed,
            Kind::Paused => Self::Paused,
            Kind::SwitchedOff => Self::SwitchedOff,
            Kind::Busy => Self::Busy,
            Kind::Said => Self::Said,
        }
    }
}

impl From<Line> for MixLogLine {
    fn from(Line { kind, number, text, first_ms, last_ms, times }: Line) -> Self {
        let version = (number > 0).then_some(number);
        Self { kind: kind.into(), version, text, first_at: datetime(first_ms), last_at: datetime(last_ms), times }
    }
}

impl From<&Standing> for VersionState {
    fn from(standing: &Standing) -> Self {
        match standing {
            Standing::Checking => Self::Checking,
            Standing::Ready(_) => Self::Ready,
            Standing::Refused(_) => Self::Refused,
        }
    }
}

impl From<VersionInfo> for VersionInShort {
    fn from(VersionInfo { number, version, standing, active }: VersionInfo) -> Self {
        Self { number, name: version.name, state: (&standing).into(), active }
    }
}

impl From<Usage> for MixUsage {
    fn from(Usage { versions, owner_bytes, checking, .. }: Usage) -> Self {
        Self { versions, owner_bytes, checking }
    }
}

impl From<&Settings> for MixQuotas {
    fn from(Settings { largest, quotas, allowance, .. }: &Settings) -> Self {
        Self {
            versions: quotas.versions,
            owner_bytes: quotas.owner_bytes,
            largest_bytes: *largest,
            checking: quotas.checking,
            per_hour: quotas.per_hour,
            fuel: allowance.fuel,
            milliseconds: u64::try_from(allowance.time.as_millis()).unwrap_or(u64::MAX),
            memory_kib: allowance.memory as u64 / KIB,
        }
    }
}

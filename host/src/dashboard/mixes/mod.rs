//! The feed mixes that owners upload: what they and the host's operators see, and what they can do.
//!
//! What there is lies in state.redb and is [`crate::uploads`]'s; the index says whose community it is. Every call here says who asks, so that
//! none can be made without a look at the one table. All of it may wait for a commit, and a preview for its turn: it is for threads that may.

pub mod candidates;
pub mod preview;
mod problems;
pub mod views;

use std::time::Duration;

use super::access::{Caller, Deed};
use super::standing::standing;
use super::{Dashboard, Problem, find};
use crate::clock::datetime;
use crate::feed::{Preview, Shown};
use crate::sandbox::strangers::Profile;
use crate::uploads::{Active, Incoming, Kept, MadeBy, Standing, Uploads, VersionInfo};
use candidates::Candidates;
use preview::{MixPreview, PreviewNow, PreviewPost};
use views::{Before, Mix, MixLog, MixVersion, MixVersions, VersionState};

/// Where an upload goes, once it is settled that it may.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The AT-URI of the community's config.
    uri: String,
    uploader: String,
}

impl Dashboard {
    fn uploads(&self) -> &Uploads {
        &self.parts().uploads
    }

    /// The AT-URI of the community's config, if this caller may do that there.
    fn mixed(&self, caller: &Caller, deed: Deed, id: &str) -> Result<String, Problem> {
        let snapshot = self.snapshot()?;
        let (number, community) = find::find(&snapshot, id)?;
        deed.allow(caller, standing(&snapshot, number, &community, &caller.did)?)?;
        Ok(community.uri)
    }

    /// How the community's feed is mixed.
    pub fn mix(&self, caller: &Caller, id: &str) -> Result<Mix, Problem> {
        let uri = self.mixed(caller, Deed::ReadMix, id)?;
        Ok(self.mix_of(&uri))
    }

    fn mix_of(&self, uri: &str) -> Mix {
        let uploads = self.uploads();
        let (active, made_by) = uploads.made_by(uri);
        let owner = uri.strip_prefix("at://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let may_not_because = uploads.may_upload(owner).err().map(|refused| refused.to_string());
        let paused_until = match made_by {
            MadeBy::Paused(Some(until_ms)) => Some(datetime(until_ms)),
            _ => None,
        };
        Mix {
            active: active.as_ref().and_then(|active| active.number),
            since: active.as_ref().map(|active| datetime(active.since_ms)),
            made_by: made_by.into(),
            paused_until,
            switched_off: active.as_ref().and_then(switched_off),
            before: active.and_then(|active| active.before).map(|version| Before { version }),
            versions: uploads.versions(uri).into_iter().map(Into::into).collect(),
            may_upload: may_not_because.is_none(),
            may_not_because,
            usage: uploads.usage(uri).into(),
            quotas: uploads.settings().into(),
        }
    }

    pub fn mix_versions(&self, caller: &Caller, id: &str) -> Result<MixVersions, Problem> {
        let uri = self.mixed(caller, Deed::ReadMix, id)?;
        Ok(MixVersions { versions: self.uploads().versions(&uri).into_iter().map(|info| self.version_view(info)).collect() })
    }

    pub fn mix_version(&self, caller: &Caller, id: &str, number: u32) -> Result<MixVersion, Problem> {
        let uri = self.mixed(caller, Deed::ReadMix, id)?;
        Ok(self.version_view(self.uploads().version(&uri, number)?))
    }

    fn version_view(&self, VersionInfo { number, version, standing, active }: VersionInfo) -> MixVersion {
        let state = VersionState::from(&standing);
        let (refusal, profile) = match standing {
            Standing::Checking => (None, None),
            Standing::Ready(profile) => (None, Some(profile)),
            Standing::Refused(sentence) => (Some(sentence), None),
        };
        MixVersion {
            number,
            name: version.name,
            sha256: version.digest.iter().map(|byte| format!("{byte:02x}")).collect(),
            size: version.size,
            language: profile.as_ref().and_then(|Profile { language, .. }| language.map(|language| language.name())),
            uploader_handle: self.handle_of(&version.uploader),
            uploader: version.uploader,
            uploaded_at: datetime(version.uploaded_ms),
            state,
            refusal,
            profile: profile.as_ref().map(Into::into),
            active,
        }
    }

    pub fn mix_log(&self, caller: &Caller, id: &str) -> Result<MixLog, Problem> {
        let uri = self.mixed(caller, Deed::ReadMix, id)?;
        Ok(MixLog { lines: self.uploads().journal(&uri).into_iter().map(Into::into).collect() })
    }

    /// Settles before anything is taken that this caller's upload may come.
    pub fn destination(&self, caller: &Caller, id: &str) -> Result<Destination, Problem> {
        let uri = self.mixed(caller, Deed::ChangeMix, id)?;
        // None but the owner gets here.
        self.uploads().may_upload(&caller.did)?;
        Ok(Destination { uri, uploader: caller.did.clone() })
    }

    /// Bytes that an upload may have.
    pub fn largest_upload(&self) -> u64 {
        self.uploads().settings().largest
    }

    /// Begins to take an upload.
    pub fn take_upload(&self) -> Result<Incoming, Problem> {
        Ok(self.uploads().incoming()?)
    }

    /// Keeps an upload that has come to its end.
    pub fn keep_upload(&self, incoming: Incoming, to: &Destination, name: &str) -> Result<Kept, Problem> {
        Ok(self.uploads().finish(incoming, &to.uri, name, &to.uploader)?)
    }

    /// The version, once it was looked at, or when `patience` is over. One that was refused is a problem.
    pub async fn verdict(&self, to: &Destination, number: u32, patience: Duration) -> Result<MixVersion, Problem> {
        let info = self.uploads().settled(&to.uri, number, patience).await?;
        match &info.standing {
            Standing::Refused(sentence) => Err(Problem::MixRefused(format!("version {number} was refused: {sentence}"))),
            _ => Ok(self.version_view(info)),
        }
    }

    /// What a mix is asked for the first page of the community's feed. Anybody may know: it is what the feed shows, and what records say.
    pub fn candidates(&self, id: &str, limit: u32) -> Result<Candidates, Problem> {
        let (_, community) = find::find(&self.snapshot()?, id)?;
        let block = self.parts().feeds.candidates(&community.uri, limit)?;
        block.map(Into::into).ok_or_else(problems::just_closed)
    }

    /// The first page that a version would make, beside the one that is shown now, where an app asks for so many posts.
    pub fn preview_mix(&self, caller: &Caller, id: &str, number: u32, limit: u32) -> Result<MixPreview, Problem> {
        let uri = self.mixed(caller, Deed::ChangeMix, id)?;
        let Preview { posts, calls, now, now_by } = self.parts().feeds.preview(&uri, number, limit)?;
        let posts_of = |posts: Vec<Shown>| {
            let view = |shown: Shown| {
                let handle = self.handle_of(&shown.author);
                PreviewPost::new(shown, handle)
            };
            posts.into_iter().map(view).collect()
        };
        Ok(MixPreview {
            version: number,
            posts: posts_of(posts),
            now: PreviewNow { version: now_by, posts: posts_of(now) },
            failure: calls.failure.map(|failure| format!("version {number} {failure}")),
            calls: calls.count,
            fuel: calls.fuel,
            memory_kib: calls.memory as u64 / 1_024,
            microseconds: u64::try_from(calls.computed.as_micros()).unwrap_or(u64::MAX),
            asks_who_reads: calls.asked,
            said: calls.said,
        })
    }

    pub fn activate_mix(&self, caller: &Caller, id: &str, number: u32) -> Result<Mix, Problem> {
        let uri = self.mixed(caller, Deed::ChangeMix, id)?;
        self.uploads().activate(&uri, Some(number), &caller.did)?;
        Ok(self.mix_of(&uri))
    }

    /// Back to the default mix.
    pub fn deactivate_mix(&self, caller: &Caller, id: &str) -> Result<Mix, Problem> {
        let uri = self.mixed(caller, Deed::StopMix, id)?;
        self.uploads().activate(&uri, None, &caller.did)?;
        Ok(self.mix_of(&uri))
    }

    /// Back to what was active before.
    pub fn roll_back_mix(&self, caller: &Caller, id: &str) -> Result<Mix, Problem> {
        let uri = self.mixed(caller, Deed::ChangeMix, id)?;
        self.uploads().roll_back(&uri, &caller.did)?;
        Ok(self.mix_of(&uri))
    }

    pub fn remove_mix_version(&self, caller: &Caller, id: &str, number: u32) -> Result<Mix, Problem> {
        let uri = self.mixed(caller, Deed::ChangeMix, id)?;
        self.uploads().remove(&uri, number, &caller.did)?;
        Ok(self.mix_of(&uri))
    }
}

/// Why what was active before isn't any more, if it failed.
fn switched_off(active: &Active) -> Option<String> {
    let why = active.off_because.as_deref()?;
    let version = active.before.flatten().map_or_else(|| "the version that was active".to_owned(), |number| format!("version {number}"));
    Some(format!("{version} failed again and again, so the default mix makes the feed; the last time it {why}"))
}

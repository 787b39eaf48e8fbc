//! One component after the other is admitted; and what else is done in the background for uploads.
//!
//! A component that has no verdict, or no compiled code for this engine, is a job. Jobs are derived from what is durable when the
//! program starts, so none is lost with it. A process that can't be started or understood says nothing of the component: the job
//! is done again after a while. Everything else ends in a verdict.

use std::collections::{HashSet, VecDeque};
use std::fs::Permissions;
use std::future::Future;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::pin::Pin;
use std::time::Duration;

use ring::digest::{SHA256, digest};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::active::hex;
use super::journal::Kind;
use super::rows::{self, Compiled, Digest, Upload};
use super::{Inner, Uploads, child};
use crate::sandbox::strangers::Verdict;
use crate::store::Changes;

/// How often the journals are written.
const FLUSHED: Duration = Duration::from_secs(5);

/// When a job is done again that came to nothing.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Job {
    /// Look at the component, or compile it again.
    Compile(Digest),
    /// A community's mix has failed again and again.
    SwitchOff { uri: String, number: u32, why: String },
}

/// The work that has to be done for uploads.
#[derive(Debug)]
pub struct Admissions {
    uploads: Uploads,
    todo: mpsc::UnboundedReceiver<Job>,
}

/// Makes the directory of compiled code, for nobody but this user, and removes what was left half done in it.
pub(super) fn prepare(directory: &Path) -> io::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::set_permissions(directory, Permissions::from_mode(0o700))?;
    for entry in std::fs::read_dir(directory)?.flatten() {
        if !entry.file_name().to_string_lossy().ends_with(".cwasm") {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Admissions {
    pub(super) fn new(uploads: Uploads, todo: mpsc::UnboundedReceiver<Job>) -> Self {
        Self { uploads, todo }
    }

    /// Works until it is told to stop. One component is looked at at a time; nothing else waits for that.
    pub async fn run(self, stop: CancellationToken) {
        let Self { uploads, mut todo } = self;
        let (mut waiting, mut admitting) = (VecDeque::new(), None);
        let mut flushing = tokio::time::interval(FLUSHED);
        uploads.clone().blocking(|inner| inner.sweep()).await;
        loop {
            if admitting.is_none()
                && let Some(digest) = waiting.pop_front()
            {
                admitting = Some(Box::pin(uploads.admit(digest)));
            }
            tokio::select! {
                biased;
                // A process at work is killed, and its job comes again with the next start.
                () = stop.cancelled() => break,
                _ = flushing.tick() => uploads.clone().blocking(Inner::flush).await,
                () = end_of(&mut admitting) => admitting = None,
                job = todo.recv() => match job {
                    Some(Job::Compile(digest)) if waiting.contains(&digest) => {}
                    Some(Job::Compile(digest)) => waiting.push_back(digest),
                    Some(Job::SwitchOff { uri, number, why }) => uploads.clone().blocking(move |inner| inner.switch_off(&uri, number, &why)).await,
                    None => break,
                },
            }
        }
        drop(admitting);
        uploads.blocking(Inner::flush).await;
    }
}

/// The end of what is under way; never, if nothing is.
async fn end_of(work: &mut Option<Pin<Box<impl Future<Output = ()>>>>) {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

impl Uploads {
    /// Does something that waits for the disk on a thread for it.
    async fn blocking(self, work: impl FnOnce(&Inner) + Send + 'static) {
        if let Err(cause) = tokio::task::spawn_blocking(move || work(&self.0)).await {
            tracing::error!(%cause, "work on uploads ended in a panic");
        }
    }

    async fn admit(&self, digest: Digest) {
        let inner = &*self.0;
        let name = hex(&digest);
        let (input, output) = (inner.directory.join(format!("{name}.in")), inner.directory.join(format!("{name}.out")));
        let wanted = {
            let uploads = self.clone();
            let input = input.clone();
            tokio::task::spawn_blocking(move || uploads.0.lay_out(&digest, &input)).await
        };
        match wanted {
            Ok(Ok(true)) => {}
            Ok(Ok(false)) => return,
            Ok(Err(cause)) => return self.later(digest, &cause),
            Err(cause) => return self.later(digest, &cause.to_string()),
        }
        let began = std::time::Instant::now();
        let verdict = child::admit(&inner.program, &input, &output, &inner.settings.allowance, inner.settings.bounds).await;
        let took = began.elapsed();
        match verdict {
            Ok(verdict) => {
                let outcome = if matches!(verdict, Verdict::Admitted(_)) { "admitted" } else { "refused" };
                metrics::counter!("atrarium_mix_admissions_total", "outcome" => outcome).increment(1);
                tracing::info!(component = name, outcome, seconds = took.as_secs_f64(), ?verdict, "an uploaded mix was looked at");
                let uploads = self.clone();
                let settled = tokio::task::spawn_blocking(move || uploads.0.settle(&digest, verdict, &output)).await;
                match settled {
                    Ok(Ok(())) => {}
                    Ok(Err(cause)) => self.later(digest, &cause),
                    Err(cause) => self.later(digest, &cause.to_string()),
                }
            }
            Err(cause) => self.later(digest, &cause.to_string()),
        }
        for path in [input, inner.directory.join(format!("{name}.out"))] {
            drop(std::fs::remove_file(path));
        }
        inner.settled.send_modify(|verdicts| *verdicts += 1);
    }

    /// Does the job again after a while.
    fn later(&self, digest: Digest, cause: &str) {
        metrics::counter!("atrarium_mix_admissions_total", "outcome" => "failed").increment(1);
        tracing::error!(component = hex(&digest), cause, "an uploaded mix can't be looked at now: tried again later");
        let jobs = self.0.jobs.clone();
        tokio::spawn(async move {
            tokio::time::sleep(AGAIN).await;
            drop(jobs.send(Job::Compile(digest)));
        });
    }
}

impl Inner {
    /// Lays the component's bytes where the process finds them. `false`: there is nothing to be done.
    fn lay_out(&self, digest: &Digest, input: &Path) -> Result<bool, String> {
        let Some(upload) = self.catalogue().uploads.get(digest).cloned() else { return Ok(false) };
        let loadable = upload.compiled.is_some_and(|compiled| self.guest(digest, &compiled).is_ok());
        if loadable || matches!(upload.verdict, Some(Verdict::Refused(_))) {
            return Ok(false);
        }
        let bytes = rows::bytes_of(&self.state, digest).map_err(|cause| cause.to_string())?;
        std::fs::write(input, bytes).map_err(|cause| format!("{} can't be written: {cause}", input.display()))?;
        Ok(true)
    }

    /// Keeps a verdict, and the compiled code that came with it.
    fn settle(&self, digest: &Digest, verdict: Verdict, output: &Path) -> Result<(), String> {
        let failed = |cause: io::Error| format!("the compiled code can't be kept: {cause}");
        let compiled = match &verdict {
            Verdict::Refused(_) => None,
            Verdict::Admitted(_) => Some(Compiled { key: self.strangers.key().to_owned(), sha256: sha256_of(output).map_err(failed)? }),
        };
        let mut catalogue = self.catalogue();
        let users = catalogue.users(digest);
        // It was removed meanwhile.
        let Some(upload) = catalogue.uploads.get_mut(digest) else { return Ok(()) };
        if compiled.is_some() {
            std::fs::rename(output, self.compiled_file(digest)).map_err(failed)?;
        }
        let first = upload.verdict.is_none();
        let mut settled = Upload { compiled, ..upload.clone() };
        let mut changes = Changes::default();
        match &verdict {
            Verdict::Refused(_) if first => {
                rows::remove_bytes(&mut changes, digest, settled.size);
                settled.size = 0;
                settled.verdict = Some(verdict.clone());
            }
            // What an older version of the program took stays: the next start tries it again.
            Verdict::Refused(_) => {}
            Verdict::Admitted(_) => settled.verdict = Some(verdict.clone()),
        }
        rows::write_upload(&mut changes, digest, &settled);
        self.state.commit(&changes).map_err(|cause| cause.to_string())?;
        *upload = settled;
        for (uri, number) in users {
            match &verdict {
                Verdict::Admitted(profile) if first => {
                    let words = format!("a block of 600 posts takes {} units of fuel and {} KiB of memory", profile.fuel, profile.memory >> 10);
                    self.note(&uri, Kind::Admitted, number, &words);
                }
                Verdict::Admitted(_) => {}
                Verdict::Refused(sentence) => self.note(&uri, Kind::Refused, number, sentence),
            }
            if catalogue.active_number(&uri) == Some(number) {
                self.rewire(&catalogue, &uri);
            }
        }
        Ok(())
    }

    fn switch_off(&self, uri: &str, number: u32, why: &str) {
        let mut catalogue = self.catalogue();
        if catalogue.active_number(uri) != Some(number) {
            return;
        }
        tracing::warn!(community = uri, version = number, why, "an uploaded mix has failed again and again: it is switched off");
        metrics::counter!("atrarium_mixes_switched_off_total").increment(1);
        self.note(uri, Kind::SwitchedOff, number, &format!("it failed again and again, so the default mix makes the feed now; the last time it {why}"));
        if let Err(cause) = self.make_active(&mut catalogue, uri, None, Some(why.to_owned())) {
            tracing::error!(%cause, community = uri, "that a mix is switched off can't be written: it is off until the next start");
        }
    }

    fn flush(&self) {
        if let Err(cause) = self.journals.flush(&self.state) {
            tracing::warn!(%cause, "the journals of mixes can't be written: they are kept in memory");
        }
    }

    /// Removes compiled code that belongs to nothing: of another engine, or of what was removed.
    fn sweep(&self) {
        let names: HashSet<_> = {
            let catalogue = self.catalogue();
            catalogue.uploads.keys().map(|digest| self.compiled_file(digest)).collect()
        };
        for entry in std::fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.extension().is_some_and(|extension| extension == "cwasm") && !names.contains(&path) {
                // It comes again with the next start, and costs disk until then.
                drop(std::fs::remove_file(path));
            }
        }
    }
}

fn sha256_of(path: &Path) -> io::Result<Digest> {
    let mut sha256 = [0; 32];
    sha256.copy_from_slice(digest(&SHA256, &std::fs::read(path)?).as_ref());
    Ok(sha256)
}

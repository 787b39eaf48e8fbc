//! `atrarium mix check FILE`: whether a server would admit the component.
//!
//! It is the server's own admission in the server's own kind of process, with the default limits; an operator may have set others.

use std::path::Path;
use std::time::Duration;

use super::{grouped, read};
use crate::sandbox::strangers::{Allowance, Profile, Verdict};
use crate::uploads::Bounds;
use crate::uploads::child;

/// The defaults of `--mix-compile-secs`, `--mix-compile-mib` and `--mix-size-mib`.
const BOUNDS: Bounds = Bounds { compute: Duration::from_secs(120), memory: 1 << 30 };
const LARGEST: usize = 24 << 20;

/// The verdict, for the terminal; a refusal is an error.
pub async fn check(program: &Path, file: &Path) -> Result<String, String> {
    let size = read(file)?.len();
    if size > LARGEST {
        return Err(format!(
            "refused: the file has {} bytes, and servers take {} unless their operators decide otherwise",
            grouped(size as u64),
            grouped(LARGEST as u64)
        ));
    }
    let folder = std::env::temp_dir().join(format!("atrarium-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|cause| format!("{} can't be made: {cause}", folder.display()))?;
    let verdict = child::admit(program, file, &folder.join("compiled"), &Allowance::default(), BOUNDS).await;
    // Nothing is lost if it stays: it lies where temporary files do.
    drop(std::fs::remove_dir_all(&folder));
    match verdict.map_err(|cause| cause.to_string())? {
        Verdict::Admitted(profile) => Ok(text(size, &profile)),
        Verdict::Refused(sentence) => Err(format!("refused: {sentence}")),
    }
}

fn text(size: usize, profile: &Profile) -> String {
    let Profile { language, can_ask_viewer, asked_viewer, fuel, memory, micros } = profile;
    let viewer = match (can_ask_viewer, asked_viewer) {
        (_, true) => "asks who reads, so each reader has pages of their own",
        (true, false) => "can ask who reads, and didn't in the trial",
        (false, false) => "can't ask who reads: its pages are everybody's",
    };
    format!(
        "admitted: {} bytes{}\n\
         a block of 600 posts takes {} of {} units of fuel, {} KiB of memory, {}.{} ms here\n\
         it {viewer}",
        grouped(size as u64),
        language.map(|language| format!(", written in {}", language.name())).unwrap_or_default(),
        grouped(*fuel),
        grouped(Allowance::default().fuel),
        grouped(memory >> 10),
        micros / 1_000,
        micros % 1_000 / 100,
    )
}

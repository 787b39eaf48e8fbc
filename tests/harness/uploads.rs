//! Uploading a mix to a running program, as the API does.

use std::path::Path;
use std::time::Duration;

use atrarium::uploads::{UploadError, Uploads, VersionInfo};

/// Longer than any component of the tests takes to be admitted on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Uploads a component for this community, and waits for the verdict.
pub async fn upload(uploads: &Uploads, community: &str, bytes: Vec<u8>) -> Result<VersionInfo, UploadError> {
    let (to, uri) = (uploads.clone(), community.to_owned());
    let keeping = move || {
        let mut incoming = to.incoming()?;
        for piece in bytes.chunks(100_000) {
            incoming.write(piece)?;
        }
        to.finish(incoming, &uri, "a mix", "did:plc:uploader")
    };
    let kept = tokio::task::spawn_blocking(keeping).await.expect("an upload doesn't panic")?;
    Ok(uploads.settled(community, kept.number, PATIENCE).await?)
}

/// Activates a version, or the default mix.
pub async fn activate(uploads: &Uploads, community: &str, number: Option<u32>) -> Result<(), UploadError> {
    let (to, uri) = (uploads.clone(), community.to_owned());
    tokio::task::spawn_blocking(move || to.activate(&uri, number, "did:plc:uploader")).await.expect("activating doesn't panic")
}

/// The component that the tests' build has made under this name; `folder` is its `OUT_DIR`.
pub fn component(folder: &str, name: &str) -> Vec<u8> {
    let path = Path::new(folder).join(name).with_extension("wasm");
    std::fs::read(&path).unwrap_or_else(|cause| panic!("{}: {cause}", path.display()))
}

//! The secret that everything about sessions hangs on, and the keys that are made of it.
//!
//! ```text
//! ATRARIUM_SECRET or <data directory>/secret
//!      └─ HKDF-SHA256 ─┬─ sealing   what lies in state.redb (ChaCha20-Poly1305, a random nonce, the row's key as associated data)
//!                      ├─ access    access tokens (HS256)
//!                      ├─ refresh   that a refresh token is one of ours
//!                      └─ csrf      what a browser shows beside its cookie
//! ```
//!
//! Nothing here is shown by `{:?}` or goes into a log. Whoever has the secret and the database has everybody's sign-ins; whoever has
//! the database alone has nothing. Random nonces are good for four thousand million seals under one secret: at ten a second, thirteen
//! years.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

use crate::config::SecretText;

/// The secret's file in the data directory.
const FILE: &str = "secret";

/// Why there is no secret. Fatal at the start.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("cannot read or make {path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    #[error(
        "{path} can be read by others (mode {mode:o}): make it yours alone with `chmod 600`, and if others have been there, move it away, which signs everybody out"
    )]
    Open { path: PathBuf, mode: u32 },
    #[error("{path} holds no secret: it needs {wanted}. Restore it; or move it away, which signs everybody out")]
    Unusable { path: PathBuf, wanted: &'static str },
}

/// The operator's secret if one is given; else the one in this directory, which is made if there is none.
pub fn secret(given: Option<&SecretText>, directory: &Path) -> Result<SecretText, SecretError> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    let path = directory.join(FILE);
    let failed = |cause| SecretError::File { path: path.clone(), cause };
    match fs::symlink_metadata(&path) {
        Ok(found) if found.mode() & 0o077 != 0 && found.is_file() => return Err(SecretError::Open { path, mode: found.mode() & 0o777 }),
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => make(&path).map_err(failed)?,
        Err(cause) => return Err(failed(cause)),
    }
    let text = fs::read_to_string(&path).map_err(failed)?;
    SecretText::parse(text.trim()).map_err(|wanted| SecretError::Unusable { path, wanted })
}

/// Whole or not at all: a file that was cut short would sign everybody out.
fn make(path: &Path) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    drop(fs::remove_file(&unfinished));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    writeln!(file, "{}", token())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

/// 256 random bits as text.
pub(super) fn token() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

/// Random bytes.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers, or nothing here could be kept secret");
    bytes
}

/// The keys. Each is for one use.
pub(super) struct Keys {
    sealing: LessSafeKey,
    /// For HS256.
    pub(super) access: [u8; 32],
    pub(super) refresh: hmac::Key,
    pub(super) csrf: hmac::Key,
    /// Tells secrets apart, and tells nothing of them.
    pub(super) id: [u8; 8],
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    pub(super) fn of(secret: &SecretText) -> Self {
        let root = Salt::new(HKDF_SHA256, b"atrarium sessions, version 1").extract(secret.expose().as_bytes());
        let derived = |label: &str| {
            let mut key = [0; 32];
            let info = [label.as_bytes()];
            root.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(&mut key)).expect("32 bytes are what one round of HKDF-SHA256 gives");
            key
        };
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, &derived("sealing")).expect("ChaCha20-Poly1305 has keys of 32 bytes");
        let mut id = [0; 8];
        id.copy_from_slice(&derived("name")[..8]);
        Self {
            sealing: LessSafeKey::new(sealing),
            access: derived("access"),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, &derived("refresh")),
            csrf: hmac::Key::new(hmac::HMAC_SHA256, &derived("csrf")),
            id,
        }
    }

    /// What can be opened by this secret alone, and as the row at this key alone.
    pub(super) fn seal(&self, key: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce = random::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        self.sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(key), &mut sealed).expect("ChaCha20-Poly1305 seals up to 256 GiB");
        [&nonce[..], &sealed].concat()
    }

    /// What was sealed for the row at this key; `None` if it was by another secret, for another row, or is damaged.
    pub(super) fn unseal(&self, key: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut opened = sealed.to_vec();
        let plain = self.sealing.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(key), &mut opened).ok()?;
        Some(plain.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn keys(text: &str) -> Keys {
        Keys::of(&SecretText::parse(text).expect("long enough"))
    }

    #[test]
    fn the_secret_is_made_once_and_is_nobody_elses() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        let made = secret(None, directory.path()).expect("it can be made");
        let path = directory.path().join(FILE);
        assert_eq!(fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
        assert_eq!(secret(None, directory.path()).expect("it is there").expose(), made.expose());
        let other = SecretText::parse(&"x".repeat(32)).expect("long enough");
        assert_eq!(secret(Some(&other), directory.path()).expect("it is given").expose(), other.expose());

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("the test's own file");
        let refused = secret(None, directory.path()).map(drop).expect_err("others can read it").to_string();
        assert!(refused.contains("640") && !refused.contains(made.expose()), "{refused}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("the test's own file");
        fs::write(&path, "cut sho").expect("the test's own file");
        assert!(matches!(secret(None, directory.path()), Err(SecretError::Unusable { .. })));
        assert!(matches!(secret(None, Path::new("/nowhere/at/all")), Err(SecretError::File { .. })));
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_secret_in_the_same_place_alone() {
        let keys = keys(&"a".repeat(32));
        let sealed = keys.seal(b"row", b"a password");
        assert!(!sealed.windows(8).any(|window| window == b"password"));
        assert_eq!(keys.unseal(b"row", &sealed).as_deref(), Some(&b"a password"[..]));
        assert_ne!(keys.seal(b"row", b"a password"), sealed, "a nonce is used once");
        assert_eq!(keys.unseal(b"other", &sealed), None);
        assert_eq!(super::tests::keys(&"b".repeat(32)).unseal(b"row", &sealed), None);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(keys.unseal(b"row", &damaged), None, "{at}");
            assert_eq!(keys.unseal(b"row", &sealed[..at]), None, "{at}");
        }
    }

    #[test]
    fn each_use_has_a_key_of_its_own() {
        let (one, other) = (keys(&"a".repeat(32)), keys(&"b".repeat(32)));
        assert!(one.id != other.id && one.access != other.access);
        assert_ne!(hmac::sign(&one.refresh, b"x").as_ref(), hmac::sign(&one.csrf, b"x").as_ref());
        assert_eq!(format!("{one:?}"), "Keys");
    }
}

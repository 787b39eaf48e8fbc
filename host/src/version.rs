//! Which version of the program this is, and which commit it was built of.

/// The version, as in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit, its first twelve digits; `development` for what isn't a release build, and `unknown` for one that was built where there is
/// neither a repository nor the variable `ATRARIUM_COMMIT`.
pub const COMMIT: &str = env!("ATRARIUM_COMMIT");

/// Both, as `--version` tells them.
pub const LONG: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("ATRARIUM_COMMIT"), ")");

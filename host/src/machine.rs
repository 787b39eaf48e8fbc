//! What the machine gives the program: room on the disk, open files, memory maps.
//!
//! It is asked, never changed. What a system doesn't tell is an error or `None`, and nobody's failure.

use std::io;
use std::path::Path;

/// Bytes that this user may still write on the disk of this path.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(path)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Files that the process may have open at once, sockets among them; `None` if there is no limit.
pub fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// The same of another process; an error if the system doesn't tell.
pub fn open_files_of(process: u32) -> io::Result<Option<u64>> {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits"))?;
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    let unknown = || io::Error::other("its limits don't say how many files it may have open");
    match limit {
        Some("unlimited") => Ok(None),
        limit => limit.and_then(|number| number.parse().ok()).map(Some).ok_or_else(unknown),
    }
}

/// Mappings of memory that a process may have (`vm.max_map_count`); `None` where the system has no such limit.
pub fn memory_maps() -> Option<u64> {
    std::fs::read_to_string("/proc/sys/vm/max_map_count").ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_answers() {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        assert!(free_bytes(directory.path()).expect("the disk is there") > 0);
        assert!(free_bytes(Path::new("/no/such/place")).is_err());
        assert!(open_files().is_none_or(|files| files > 10));
        assert!(open_files_of(u32::MAX).is_err());
        if cfg!(target_os = "linux") {
            assert_eq!(open_files_of(std::process::id()).expect("the system tells"), open_files());
            assert!(memory_maps().is_some_and(|maps| maps > 1_000));
        }
    }
}

//! What the machine gives: a place for the data, the secret beside them, room, open files, memory maps.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::Finding;
use crate::config::Config;
use crate::machine;

/// A full queue alone takes about a gigabyte (`--queue-limit`), and a million rows of the index 272 MiB; with less than one of those an index
/// can't grow any more.
const ROOM: u64 = 5 << 30;
const NO_ROOM: u64 = 256 << 20;

/// The listeners' connections, some hundred to other servers, and the databases.
const FILES: u64 = 10_000;
const TOO_FEW_FILES: u64 = 1_024;

/// Mappings of a community that is awake, and of all the rest.
const MAPS_EACH: u64 = 4;
const OTHER_MAPS: u64 = 10_000;

/// `server`: the process that runs on these data, if one does.
pub(super) fn examine(config: &Config, server: Option<u32>) -> Vec<Finding> {
    let mut findings = vec![directory(config)];
    findings.extend(secret(config, server));
    // What isn't there yet lies where it will be made.
    let disk = config.data_dir.ancestors().find(|place| place.is_dir()).unwrap_or(Path::new("."));
    findings.push(match machine::free_bytes(disk) {
        Ok(free) => room(free),
        Err(cause) => Finding::doubtful("disk", format!("how much is free can't be told: {cause}"), "look at it yourself, with df"),
    });
    findings.push(open_files(server));
    findings.extend(machine::memory_maps().map(|maps| memory_maps(maps, config.live_instances)));
    findings
}

/// Whether so many free bytes will do.
fn room(free: u64) -> Finding {
    const CHECK: &str = "disk";
    let seen = format!("{} MiB are free", free >> 20);
    let remedy = "make room, or move the data directory to a larger disk: when it is full ingest pauses, and feeds stand still";
    match free {
        _ if free < NO_ROOM => Finding::bad(CHECK, seen, remedy),
        _ if free < ROOM => Finding::doubtful(CHECK, seen, remedy),
        _ => Finding::good(CHECK, seen),
    }
}

/// Whether so many mappings will do for so many communities that are awake.
fn memory_maps(maps: u64, live_instances: usize) -> Finding {
    const CHECK: &str = "memory maps";
    let wanted = live_instances as u64 * MAPS_EACH + OTHER_MAPS;
    let seen = format!("vm.max_map_count is {maps}; {live_instances} live communities take up to {wanted}");
    let remedy = format!("set vm.max_map_count to {} in /etc/sysctl.d, or lower --live-instances", wanted.next_power_of_two());
    if maps < wanted { Finding::bad(CHECK, seen, remedy) } else { Finding::good(CHECK, seen) }
}

/// A unit gives the server a limit of its own, so the server's counts where one runs.
fn open_files(server: Option<u32>) -> Finding {
    match server.and_then(|server| machine::open_files_of(server).ok()) {
        Some(limit) => files(limit, "the server"),
        None => files(machine::open_files(), "what is started from here"),
    }
}

/// Whether this limit will do; `None` if there is none.
fn files(limit: Option<u64>, whose: &str) -> Finding {
    const CHECK: &str = "open files";
    let Some(files) = limit else { return Finding::good(CHECK, format!("{whose} has no limit")) };
    let seen = format!("{whose} may have {files} files open at once");
    let remedy = format!("raise it to {FILES} or more: LimitNOFILE= in the unit, or ulimit -n");
    match files {
        _ if files < TOO_FEW_FILES => Finding::bad(CHECK, seen, remedy),
        _ if files < FILES => Finding::doubtful(CHECK, seen, remedy),
        _ => Finding::good(CHECK, seen),
    }
}

fn directory(config: &Config) -> Finding {
    const CHECK: &str = "data directory";
    let path = config.data_dir.display();
    let Ok(found) = config.data_dir.metadata() else {
        return Finding::doubtful(
            CHECK,
            format!("{path} isn't there yet"),
            "the server makes it at its first start; if it has run already, name its directory with --data-dir or --config",
        );
    };
    if !found.is_dir() {
        return Finding::bad(CHECK, format!("{path} is no directory"), "name another with --data-dir");
    }
    let probe = config.data_dir.join("doctor.probe");
    let written = std::fs::write(&probe, b"written by atrarium doctor; it may be deleted");
    drop(std::fs::remove_file(&probe));
    if let Err(cause) = written {
        return Finding::bad(
            CHECK,
            format!("{path} can't be written: {cause}"),
            "run this as the server's user; if you do, give the directory to that user (chown)",
        );
    }
    if found.mode() & 0o022 != 0 {
        return Finding::doubtful(CHECK, format!("others may write in {path}"), format!("chmod go-w {path}"));
    }
    Finding::good(CHECK, format!("{path} can be written"))
}

/// Whether the secret of the sign-ins that are kept may be lost. A server that runs has one, maybe from where this process can't see it: a
/// unit's EnvironmentFile is root's alone, and leaves no file here.
fn secret(config: &Config, server: Option<u32>) -> Option<Finding> {
    let has = |name: &str| config.data_dir.join(name).exists();
    let missing = server.is_none() && config.secret.is_none() && has("state.redb") && !has("secret");
    let remedy = "if ATRARIUM_SECRET is set for the server alone, as by the unit's EnvironmentFile, all is well; else put the secret back from the backup before the server starts: without it everybody has to sign in again";
    missing.then(|| Finding::doubtful("secret", format!("{} has a state.redb and no secret, and no server runs on it", config.data_dir.display()), remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict::{self, Bad, Doubtful, Good};

    #[test]
    fn a_disk_that_is_nearly_full_is_told() {
        let check = |free: u64, verdict: Verdict, seen: &str| assert_finding(room(free), "disk", verdict, seen, "make room");
        check(0, Bad, "0 MiB are free");
        check((256 << 20) - 1, Bad, "255 MiB are free");
        check(256 << 20, Doubtful, "256 MiB are free");
        check((5 << 30) - 1, Doubtful, "5119 MiB are free");
        check(5 << 30, Good, "5120 MiB are free");
        check(u64::MAX, Good, "17592186044415 MiB are free");
    }

    #[test]
    fn a_limit_of_too_few_open_files_is_told_with_whose_it_is() {
        let check = |limit: Option<u64>, whose: &str, verdict: Verdict, seen: &str| {
            assert_finding(files(limit, whose), "open files", verdict, seen, "raise it to 10000 or more");
        };
        check(Some(0), "the server", Bad, "the server may have 0 files open at once");
        check(Some(1_023), "the server", Bad, "the server may have 1023 files open at once");
        check(Some(1_024), "what is started from here", Doubtful, "what is started from here may have 1024 files open at once");
        check(Some(9_999), "the server", Doubtful, "the server may have 9999 files open at once");
        check(Some(10_000), "the server", Good, "the server may have 10000 files open at once");
        check(None, "what is started from here", Good, "what is started from here has no limit");
    }

    #[test]
    fn too_few_memory_maps_are_told_with_how_many_will_do() {
        let check = |maps: u64, live: usize, verdict: Verdict, seen: &str, remedy: &str| {
            assert_finding(memory_maps(maps, live), "memory maps", verdict, seen, remedy);
        };
        check(65_530, 1_000, Good, "vm.max_map_count is 65530; 1000 live communities take up to 14000", "");
        check(14_000, 1_000, Good, "vm.max_map_count is 14000; 1000 live communities take up to 14000", "");
        check(13_999, 1_000, Bad, "vm.max_map_count is 13999; 1000 live communities take up to 14000", "to 16384 in /etc/sysctl.d, or lower --live-instances");
        check(65_530, 20_000, Bad, "vm.max_map_count is 65530; 20000 live communities take up to 90000", "to 131072 in /etc/sysctl.d");
    }

    /// Whatever isn't good says what to do, in these words among others; what is good says nothing of it.
    fn assert_finding(found: Finding, check: &str, verdict: Verdict, seen: &str, remedy: &str) {
        assert_eq!((found.check, found.verdict, found.seen.as_str()), (check, verdict, seen));
        match found.remedy {
            Some(found) => assert!(verdict != Good && found.contains(remedy), "{seen}: {found}"),
            None => assert_eq!(verdict, Good, "{seen}: nothing is to be done"),
        }
    }
}

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
    match machine::free_bytes(disk) {
        Ok(free) => {
            let seen = format!("{} MiB are free", free >> 20);
            let remedy = "make room, or move the data directory to a larger disk: when it is full ingest pauses, and feeds stand still";
            findings.push(match free {
                _ if free < NO_ROOM => Finding::bad("disk", seen, remedy),
                _ if free < ROOM => Finding::doubtful("disk", seen, remedy),
                _ => Finding::good("disk", seen),
            });
        }
        Err(cause) => findings.push(Finding::doubtful("disk", format!("how much is free can't be told: {cause}"), "look at it yourself, with df")),
    }
    findings.push(open_files(server));
    if let Some(maps) = machine::memory_maps() {
        let wanted = config.live_instances as u64 * MAPS_EACH + OTHER_MAPS;
        let seen = format!("vm.max_map_count is {maps}; {} live communities take up to {wanted}", config.live_instances);
        let remedy = format!("set vm.max_map_count to {} in /etc/sysctl.d, or lower --live-instances", wanted.next_power_of_two());
        findings.push(if maps < wanted { Finding::bad("memory maps", seen, remedy) } else { Finding::good("memory maps", seen) });
    }
    findings
}

/// A unit gives the server a limit of its own, so the server's counts where one runs.
fn open_files(server: Option<u32>) -> Finding {
    const CHECK: &str = "open files";
    let (limit, whose) = match server.and_then(|server| machine::open_files_of(server).ok()) {
        Some(limit) => (limit, "the server"),
        None => (machine::open_files(), "what is started from here"),
    };
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

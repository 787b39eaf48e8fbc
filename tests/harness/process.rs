//! The program as a process of its own: the binary that operators run, so that it can be killed.
//!
//! The binary is `ATRARIUM_BIN`, or the `atrarium` beside this test's own executable. If that is missing, older than the sources,
//! or built without the failpoints, it is built first, in the same cargo call as the tests, so that both share their features.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command as Plain, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

use tokio::process::{Child, Command};

use crate::http;

/// How long a process may take to answer or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// The environment that `host/ops` gives the program.
pub const ENVIRONMENT: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// A name that the binary contains if it has failpoints.
const FAILPOINT: &[u8] = b"ingest-after-commit";

/// What building the examples leaves beside their sources.
const BUILT: [&str; 5] = ["mix.wasm", "target", "node_modules", ".venv", "__pycache__"];

/// How a process is started.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    pub directory: &'a Path,
    /// The endpoint of the firehose.
    pub jetstream: &'a str,
    /// The port of the feeds, for those who must find it there again; by default any that is free.
    pub port: Option<u16>,
    /// As the `fail` crate has it, such as `ingest-before-commit=3*off->return`: dies at the fourth time.
    pub failpoints: Option<&'a str>,
    /// Flags of `atrarium serve`, beside those that every process needs.
    pub flags: &'a [&'a str],
}

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// Where it serves its feeds.
    pub address: SocketAddr,
    /// Where it tells how it is.
    pub admin: SocketAddr,
    log: PathBuf,
}

impl Launch<'_> {
    /// Starts the process and waits for nothing. Its standard error goes to a file beside the data directory.
    pub fn start(self) -> Process {
        self.start_as(Command::new(binary()))
    }

    /// The same for a process whose disk may be full: where [`Process::may_write`] no more, its writes fail. By default the system would end
    /// it there, with SIGXFSZ.
    pub fn start_on_a_small_disk(self) -> Process {
        let mut shell = Command::new("/bin/sh");
        // What a shell ignores is ignored by the program that takes its place, which has its process id as well.
        shell.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(binary());
        self.start_as(shell)
    }

    fn start_as(self, mut command: Command) -> Process {
        let [free, admin] = free_addresses();
        let address = self.port.map_or(free, |port| SocketAddr::from(([127, 0, 0, 1], port)));
        std::fs::create_dir_all(self.directory).expect("the test may write where it keeps its data");
        let log = self.directory.with_file_name(format!("stderr-{}", address.port()));
        let log_file = File::options().append(true).create(true).open(&log).expect("the test may write beside its data");
        command.args(["serve", "--jetstream", self.jetstream, "--batch-wait-ms", "5"]);
        command.arg("--data-dir").arg(self.directory);
        command.args(["--listen", &address.to_string(), "--admin-listen", &admin.to_string()]);
        // Most repos of these tests are nowhere.
        if !crate::world::reads_repos(self.flags.iter().copied()) {
            command.arg("--firehose-only");
        }
        command.args(self.flags);
        command.env_clear().envs([ENVIRONMENT]).envs(self.failpoints.map(|failpoints| ("FAILPOINTS", failpoints)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file);
        let child = command.kill_on_drop(true).spawn().expect("the binary can be started");
        Process { child, address, admin, log }
    }
}

/// What an operator's command says, and whether it went well. `command` is its words, without spaces in any of them.
pub async fn operate(directory: &Path, command: &str) -> Result<String, String> {
    let mut process = Command::new(binary());
    process.args(command.split_whitespace()).arg("--data-dir").arg(directory).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, process.output()).await.expect("it ends").expect("the binary can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match output.status.code() {
        Some(0) => Ok(text(&output.stdout)),
        Some(1) => Err(format!("{}{}", text(&output.stdout), text(&output.stderr))),
        _ => panic!("{command}: {output:?}"),
    }
}

/// What `atrarium doctor` finds with these flags, and whether all is well enough.
pub async fn doctor(directory: &Path, flags: &[&str]) -> (bool, Vec<serde_json::Value>) {
    let mut process = Command::new(binary());
    process.args(["doctor", "--json", "--data-dir"]).arg(directory).args(flags).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, process.output()).await.expect("it ends").expect("the binary can be started");
    let found = serde_json::from_slice(&output.stdout).unwrap_or_else(|cause| panic!("{cause}: {output:?}"));
    (output.status.success(), found)
}

/// What `atrarium backfill` says on its standard output, and how it ended.
pub async fn backfill(directory: &Path, flags: &[&str]) -> (ExitStatus, String) {
    let mut command = Command::new(binary());
    command.arg("backfill").arg("--data-dir").arg(directory).args(flags).env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await.expect("it ends").expect("the binary can be started");
    (output.status, format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

impl Process {
    /// Waits until it answers; `false` if it ended before it did.
    pub async fn ready(&mut self) -> bool {
        let began = Instant::now();
        loop {
            if self.has_ended() {
                return false;
            }
            if http::get(self.address, "/xrpc/_health").await.is_ok_and(|answer| answer.status == 200) {
                return true;
            }
            assert!(began.elapsed() < PATIENCE, "the process neither answers nor ends:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What the system calls it; `None` once it has been waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// The niceness of its thread of this name, which has at most 15 letters. Of several it is that of the least nice.
    #[cfg(target_os = "linux")]
    pub fn niceness(&self, name: &str) -> i32 {
        let mut threads = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.id().expect("it runs"))).expect("the process lives").flatten() {
            // One may end meanwhile.
            let Ok(stat) = std::fs::read_to_string(task.path().join("stat")) else { continue };
            let (before, after) = stat.rsplit_once(')').expect("the name stands in brackets");
            let name = before.split_once('(').expect("the name stands in brackets").1.to_owned();
            let niceness: i32 = after.split_whitespace().nth(16).and_then(|niceness| niceness.parse().ok()).expect("the nineteenth field");
            threads.push((name, niceness));
        }
        let of_this_name = threads.iter().filter(|(known, _)| known == name).map(|(_, niceness)| *niceness);
        of_this_name.min().unwrap_or_else(|| panic!("no thread is called {name}: {threads:?}"))
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// kill -9.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    /// SIGTERM, as service managers send it.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// SIGHUP, by which it reads its components again.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// From now on it may have so many files open at once.
    pub fn may_open(&self, files: usize) {
        self.limit(&format!("--nofile={files}:{files}"));
    }

    /// From now on each of its files may have so many bytes, its log as well; by `None` as many as there is room for. Of one that was started on
    /// a small disk.
    pub fn may_write(&self, bytes: Option<u64>) {
        let most = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        // Without a number behind the colon the limit can be raised again.
        self.limit(&format!("--fsize={most}:"));
    }

    fn limit(&self, limit: &str) {
        let id = self.id().expect("it runs");
        let status = Plain::new("prlimit").args(["--pid", &id.to_string(), limit]).status();
        assert!(status.as_ref().is_ok_and(ExitStatus::success), "util-linux is needed, for `prlimit`: {status:?}");
    }

    fn signal(&self, signal: &str) {
        let status = Plain::new("kill").args([signal, &self.id().expect("the process has not ended").to_string()]).status().expect("every Unix has kill");
        assert!(status.success(), "the process can't be sent {signal}:\n{}", self.log());
    }

    /// Waits until a line of its log has all these words, so many times.
    pub async fn says(&mut self, words: &[&str], times: usize) {
        let began = Instant::now();
        while self.log().lines().filter(|line| words.iter().all(|word| line.contains(word))).count() < times {
            assert!(!self.has_ended() && began.elapsed() < PATIENCE, "it doesn't say {words:?} {times} times:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.expect("a child can be waited for"),
            Err(_) => panic!("the process doesn't end:\n{}", self.log()),
        }
    }

    /// What it has written to its standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

/// Addresses that were free a moment ago.
fn free_addresses() -> [SocketAddr; 2] {
    let listeners = [0; 2].map(|port| TcpListener::bind(("127.0.0.1", port)).expect("a port on loopback"));
    listeners.map(|listener| listener.local_addr().expect("a bound listener"))
}

/// The binary, which is up to date.
pub fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        if let Some(given) = std::env::var_os("ATRARIUM_BIN") {
            return given.into();
        }
        let test = std::env::current_exe().expect("a running test has an executable");
        let profile = test.ancestors().nth(2).expect("it lies in target/<profile>/deps");
        let binary = profile.join("atrarium");
        if !is_current(&binary) {
            build(profile);
        }
        binary
    })
}

fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests have a folder in the workspace")
}

fn is_current(binary: &Path) -> bool {
    let Ok(built) = binary.metadata().and_then(|metadata| metadata.modified()) else { return false };
    let sources = ["Cargo.lock", "host", "components", "wit"].map(|part| workspace().join(part));
    let contains_failpoints = || std::fs::read(binary).is_ok_and(|bytes| bytes.windows(FAILPOINT.len()).any(|window| window == FAILPOINT));
    sources.iter().all(|source| newest(source) <= built) && contains_failpoints()
}

/// When a file in this folder, or this file, was last changed.
fn newest(path: &Path) -> SystemTime {
    if BUILT.iter().any(|name| path.ends_with(name)) {
        return SystemTime::UNIX_EPOCH;
    }
    // Not the folder's own time, which is that of what building has left in it.
    match std::fs::read_dir(path) {
        Ok(inside) => inside.flatten().map(|entry| newest(&entry.path())).max().unwrap_or(SystemTime::UNIX_EPOCH),
        Err(_) => path.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH),
    }
}

fn build(profile: &Path) {
    let mut cargo = Plain::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(workspace()).args(["build", "--quiet", "-p", "atrarium-tests", "-p", "atrarium", "--test", "it", "--bin", "atrarium"]);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().is_ok_and(|status| status.success()), "the binary is out of date and can't be built: build it, or name one in ATRARIUM_BIN");
}

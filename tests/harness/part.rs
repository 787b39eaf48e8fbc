//! A program of `tests/peers` as a process: it is waited for until it serves, and ended with the test, however that ends.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command as Plain, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::process::{Child, Command};

/// How long a part may take until it serves. On a busy machine with a cold disk reading the modules alone takes half a minute.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long it may take to end in an orderly way, at the end of a test.
const PARTING: Duration = Duration::from_secs(10);

/// How much of its log is shown when the test fails.
const LAST_LINES: usize = 30;

#[derive(Debug)]
pub struct Part {
    script: &'static str,
    child: Child,
    said: PathBuf,
    log: PathBuf,
    /// What it says of itself.
    pub facts: Value,
}

impl Part {
    /// Starts a script and waits until it serves. What it writes goes to files in this directory.
    pub async fn start(script: &'static str, environment: &[(&str, String)], directory: &Path) -> Self {
        let home = home();
        assert!(home.join("node_modules/@atproto/dev-env").is_dir(), "the real peers are not installed: run `make peers`");
        let (said, log) = (directory.join(format!("{script}.out")), directory.join(format!("{script}.log")));
        let create = |path: &Path| File::options().append(true).create(true).open(path).expect("the test may write into its directory");
        File::create(&said).expect("the test may write into its directory");

        let mut command = Command::new("node");
        // It ends when its standard input does, so it doesn't outlive a test that is killed.
        command.arg(home.join(script)).arg("--leashed").stdin(Stdio::piped());
        command.stdout(create(&said)).stderr(create(&log));
        command.envs(environment.iter().map(|(key, value)| (key, value))).current_dir(directory);
        // A group of its own, so that whatever it starts can be ended with it.
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.unwrap_or_else(|cause| panic!("the real peers need Node 20 or newer, and `node` can't be run: {cause}"));
        let mut part = Self { script, child, said, log, facts: Value::Null };
        part.facts = part.served().await;
        part
    }

    /// The line by which it says that it serves.
    async fn served(&mut self) -> Value {
        let began = Instant::now();
        loop {
            let said = std::fs::read_to_string(&self.said).unwrap_or_default();
            let line = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()).find(|line| line["ready"] == true);
            if let Some(line) = line {
                return line;
            }
            let ended = self.child.try_wait().expect("a child can be asked");
            assert!(ended.is_none(), "{} ended before it served ({ended:?})", self.script);
            assert!(began.elapsed() < PATIENCE, "{} doesn't serve after {PATIENCE:?}", self.script);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// kill -9.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("a child can be killed");
    }

    fn signal(&self, signal: &str, to: &str) {
        let _ = Plain::new("kill").args([signal, "--", to]).stderr(Stdio::null()).status();
    }

    fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("\n");
            let _ = writeln!(std::io::stderr(), "--- the last that {} wrote:\n{last}", self.script);
        }
        let Some(id) = self.child.id() else { return };
        self.signal("-TERM", &id.to_string());
        let began = Instant::now();
        while !self.has_ended() && began.elapsed() < PARTING {
            std::thread::sleep(Duration::from_millis(5));
        }
        // What it had started itself, and could not end.
        self.signal("-KILL", &format!("-{id}"));
    }
}

/// Where the scripts and their packages lie.
pub(crate) fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers")
}

//! The program as it is served, with communities to measure on.

use std::time::{Duration, Instant};

use atrarium::app::{App, Edges};
use atrarium::clock::Clock;
use atrarium_tests::network::{CONFIG, MEMBERSHIP, POST, did, uri};
use atrarium_tests::{Network, records};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub(crate) struct Program {
    pub(crate) app: App,
    pub(crate) address: std::net::SocketAddr,
    /// How long the start took.
    pub(crate) started: Duration,
    /// Thrown away at the end, where it is temporary.
    directory: Option<tempfile::TempDir>,
}

impl Program {
    /// `atrarium serve` with its defaults, on ports of its own.
    pub(crate) async fn start(jetstream: &str, flags: &[&str]) -> Self {
        Self::on(tempfile::tempdir().expect("a temporary directory"), jetstream, flags).await
    }

    /// The same program on the same data, without flags.
    pub(crate) async fn restarted(self, jetstream: &str) -> Self {
        let Self { app, directory, .. } = self;
        app.end().await;
        Self::on(directory.expect("it was started in one of its own"), jetstream, &[]).await
    }

    /// The same on a folder that is thrown away at its end.
    pub(crate) async fn on(directory: tempfile::TempDir, jetstream: &str, flags: &[&str]) -> Self {
        let program = Self::in_folder(directory.path().to_owned(), jetstream, flags).await;
        Self { directory: Some(directory), ..program }
    }

    /// The same on a folder that stays.
    pub(crate) async fn in_folder(folder: std::path::PathBuf, jetstream: &str, flags: &[&str]) -> Self {
        let nowhere = ["--firehose-only"].iter().filter(|_| !atrarium_tests::world::reads_repos(flags.iter().copied()));
        let flags: Vec<String> = nowhere.chain(flags).map(ToString::to_string).collect();
        let config = atrarium_tests::world::serve(&folder, jetstream, &flags);
        let listen = || async { TcpListener::bind("127.0.0.1:0").await.expect("a free port") };
        let (public, admin) = (listen().await, listen().await);
        let address = public.local_addr().expect("a bound listener");
        let program = std::env::current_exe().expect("a running benchmark has an executable");
        let edges = Edges { public, admin, clock: Clock::system(), stop: CancellationToken::new(), backend: None, program };
        let began = Instant::now();
        let app = App::start(config, edges).await.expect("the program starts");
        Self { app, address, started: began.elapsed(), directory: None }
    }

    pub(crate) async fn until(&self, mut check: impl FnMut(&App) -> bool) {
        while !check(&self.app) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    pub(crate) async fn end(self) {
        self.app.end().await;
    }
}

/// Communities with members, and their posts.
pub(crate) struct Place {
    pub(crate) network: Network,
    pub(crate) communities: usize,
    pub(crate) members: usize,
    now: i64,
    posts: usize,
}

impl Place {
    pub(crate) fn new(communities: usize, members: usize) -> Self {
        let now = Clock::system().now_ms();
        Self { network: Network::starting_at(now - 600_000), communities, members, now, posts: 0 }
    }

    pub(crate) fn community(index: usize) -> String {
        uri(&owner(index), CONFIG, "main")
    }

    pub(crate) fn feed(index: usize) -> String {
        atrarium_tests::world::feed_of(&Self::community(index))
    }

    fn hashtag(index: usize) -> String {
        format!("#atrarium_{index:08x}")
    }

    /// Configs and memberships.
    pub(crate) fn founding(&mut self) -> Vec<String> {
        let mut events = Vec::new();
        for community in 0..self.communities {
            let record = records::config("Benchmark", &Self::hashtag(community), self.now - 60_000);
            events.push(self.network.create(&owner(community), CONFIG, "main", record));
            for member in 0..self.members {
                let record = records::membership(&Self::community(community), true, self.now - 60_000);
                events.push(self.network.create(&author(community, member), MEMBERSHIP, "m", record));
            }
        }
        events
    }

    /// The next post of some member; its rkey is `p` and its number.
    pub(crate) fn post(&mut self, created: i64) -> String {
        let number = self.posts;
        self.posts += 1;
        let (community, member) = (number % self.communities, number / self.communities % self.members);
        let text = format!("An ordinary post of ordinary length, the {number}th of this benchmark, about nothing at all. {}", Self::hashtag(community));
        self.network.create(&author(community, member), POST, &format!("p{number}"), records::post(&text, created))
    }

    /// Posts of the last minutes.
    pub(crate) fn posts(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|index| self.post(self.now - 300_000 + index as i64)).collect()
    }
}

pub(crate) fn owner(community: usize) -> String {
    did(&format!("owner{}", letters(community)))
}

pub(crate) fn author(community: usize, member: usize) -> String {
    did(&format!("m{}x{}", letters(community), letters(member)))
}

/// A number in the letters that a did:plc may have.
pub(crate) fn letters(mut number: usize) -> String {
    let mut letters = String::new();
    loop {
        letters.push(char::from(b'b' + (number % 20) as u8));
        number /= 20;
        if number == 0 {
            return letters;
        }
    }
}

/// The processor time of this process so far, in seconds; a hundredth is as fine as the kernel tells.
pub(crate) fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux tells");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

/// Resident memory of this process in bytes.
pub(crate) fn resident_bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap_or(0.0) * 1_024.0
}

/// Sorts, and answers the value below which this part lies.
pub(crate) fn quantile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(((values.len() as f64 * part) as usize).min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// What a run took.
pub(crate) struct Stopwatch {
    began: Instant,
    processor: f64,
}

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now(), processor: processor_seconds() }
    }

    pub(crate) fn wall(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    pub(crate) fn processor(&self) -> f64 {
        processor_seconds() - self.processor
    }
}

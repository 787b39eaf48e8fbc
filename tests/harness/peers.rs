//! A network of the real things on loopback: a PLC directory, a PDS, Bluesky's AppView, and a bridge from the PDS's firehose to
//! Jetstream's wire. Each is a process of its own from `tests/peers`, so each can be killed; all end with this value.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use tempfile::TempDir;

use crate::http::{self, Answer};
use crate::part::Part;
use crate::ports::free_port;
use crate::repo::Person;

pub struct Peers {
    bridge: Option<Part>,
    /// `None` while it is killed.
    pds: Option<Part>,
    appview: Option<Part>,
    _plc: Part,
    ports: Ports,
    // The last, since the others write into it.
    directory: TempDir,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    plc: u16,
    pds: u16,
    appview: u16,
    bridge: u16,
}

impl Peers {
    /// All of them.
    pub async fn start() -> Self {
        let mut peers = Self::founded().await;
        peers.appview = Some(peers.part("appview.mjs", &[]).await);
        peers.start_pds().await;
        peers.start_bridge().await;
        peers
    }

    /// All but the AppView, which takes most of the time and memory.
    pub async fn without_appview() -> Self {
        let mut peers = Self::founded().await;
        peers.start_pds().await;
        peers.start_bridge().await;
        peers
    }

    /// The PLC directory, on which the others build.
    async fn founded() -> Self {
        let directory = tempfile::tempdir().expect("tests need a temporary directory");
        // PostgreSQL runs as somebody else, and must reach its own directory below this one.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o711)).expect("it is the test's own");
        let ports = Ports { plc: free_port(), pds: free_port(), appview: free_port(), bridge: free_port() };
        let plc = Part::start("plc.mjs", &environment(ports, &directory), directory.path()).await;
        Self { bridge: None, pds: None, appview: None, _plc: plc, ports, directory }
    }

    async fn part(&self, script: &'static str, more: &[(&'static str, String)]) -> Part {
        let environment = [environment(self.ports, &self.directory).as_slice(), more].concat();
        Part::start(script, &environment, self.directory.path()).await
    }

    /// Starts the PDS, on what it had if it was killed.
    pub async fn start_pds(&mut self) {
        let appview = self.appview.as_ref().and_then(|appview| appview.facts["did"].as_str());
        let appview: Vec<_> = appview.map(|did| ("APPVIEW_DID", did.to_owned())).into_iter().collect();
        // It trusts the OAuth client of the tests.
        let authority = crate::part::home().join("tls/authority.pem").to_string_lossy().into_owned();
        let more = [appview.as_slice(), &[("NODE_EXTRA_CA_CERTS", authority)]].concat();
        self.pds = Some(self.part("pds.mjs", &more).await);
    }

    pub async fn kill_pds(&mut self) {
        self.pds.take().expect("the PDS runs").kill().await;
    }

    /// Starts the bridge; it reads all that the PDS has ever said.
    pub async fn start_bridge(&mut self) {
        self.bridge = Some(self.part("bridge.mjs", &[]).await);
    }

    pub async fn kill_bridge(&mut self) {
        self.bridge.take().expect("the bridge runs").kill().await;
    }

    /// What `--jetstream` takes.
    pub fn jetstream(&self) -> String {
        format!("ws://127.0.0.1:{}/subscribe", self.ports.bridge)
    }

    /// The PLC directory, as programs are told of it.
    pub fn plc_url(&self) -> String {
        format!("http://localhost:{}", self.ports.plc)
    }

    pub fn plc(&self) -> SocketAddr {
        loopback(self.ports.plc)
    }

    pub fn pds(&self) -> SocketAddr {
        loopback(self.ports.pds)
    }

    pub fn appview(&self) -> SocketAddr {
        loopback(self.ports.appview)
    }

    /// A new account at the PDS, with the handle `<name>.test`.
    pub async fn person(&self, name: &str) -> Person {
        Person::sign_up(self.pds(), name).await
    }

    /// What only the PDS's administrator may do; panics if it isn't done.
    pub async fn administer(&self, method: &str, input: &serde_json::Value) -> Answer {
        // admin:admin-pass, as dev-env has it.
        let answer = http::post(self.pds(), &format!("/xrpc/{method}"), &[("authorization", "Basic YWRtaW46YWRtaW4tcGFzcw==")], input).await;
        let answer = answer.expect("the PDS answers");
        assert_eq!(answer.status, 200, "{method}: {answer:?}");
        answer
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn environment(ports: Ports, directory: &TempDir) -> Vec<(&'static str, String)> {
    vec![
        ("PLC_PORT", ports.plc.to_string()),
        ("PDS_PORT", ports.pds.to_string()),
        ("APPVIEW_PORT", ports.appview.to_string()),
        ("JETSTREAM_PORT", ports.bridge.to_string()),
        ("DATA_DIR", directory.path().to_string_lossy().into_owned()),
    ]
}

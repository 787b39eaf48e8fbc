//! Uploads with a program that admits as it is told: `quick…` at once, `slow…` when a file says so, everything else never.

use std::path::Path;

use tokio_util::sync::CancellationToken;

use super::*;
use crate::sandbox::strangers::Allowance;
use crate::store::Shelf;

const NOW: i64 = 1_795_176_000_000;
const URI: &str = "at://did:plc:owner/net.atrarium.community.config/main";
const PATIENCE: Duration = Duration::from_secs(60);

struct Host {
    uploads: Uploads,
    clock: Clock,
    stop: CancellationToken,
    work: tokio::task::JoinHandle<()>,
    folder: tempfile::TempDir,
}

fn program(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let admitted = r#"{"Admitted":{"language":null,"can_ask_viewer":false,"asked_viewer":false,"fuel":1,"memory":1,"micros":1}}"#;
    let text = format!(
        "#!/bin/sh\nwhile [ $# -gt 1 ]; do case $1 in --input) input=$2;; --output) output=$2;; esac; shift; done\nread -r word < $input\n\
         case $word in\nquick*) ;;\nslow*) while [ ! -e {go} ]; do /bin/sleep 0.01; done ;;\n*) echo '{{\"Refused\":\"No.\"}}'; exit ;;\nesac\n\
         echo compiled > $output\necho '{admitted}'\n",
        go = folder.join("go").display(),
    );
    let path = folder.join("program");
    std::fs::write(&path, text).expect("the test's folder");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).expect("the test's folder");
    path
}

impl Host {
    fn new(admitted: Admitted, quotas: Quotas) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let clock = Clock::standing_at(NOW);
        let settings = Settings {
            admitted,
            largest: 1_000,
            quotas,
            allowance: Allowance::default(),
            bounds: Bounds { compute: Duration::from_secs(60), memory: 1 << 30 },
        };
        let parts = Parts {
            state: State::open(&folder.path().join("state.redb")).expect("a new database"),
            strangers: Strangers::new().expect("an engine"),
            middle: Aside::start("middle").expect("a thread"),
            slow: Aside::start("slow").expect("a thread"),
            clock: clock.clone(),
            loads: crate::community::Loads::default(),
            changes: Changes::new(clock.clone(), 0),
            directory: folder.path().join("compiled"),
            program: program(folder.path()),
            settings,
        };
        let (uploads, admissions) = Uploads::open(parts).expect("an empty catalogue");
        let stop = CancellationToken::new();
        let work = tokio::spawn(admissions.run(stop.clone()));
        Self { uploads, clock, stop, work, folder }
    }

    fn generous() -> Self {
        Self::new(Admitted::Everybody, Quotas { versions: 9, owner_bytes: 9_000, total_bytes: 9_000, checking: 9, per_hour: 9 })
    }

    fn upload(&self, text: &str) -> Result<u32, UploadError> {
        let mut incoming = self.uploads.incoming()?;
        incoming.write(text.as_bytes())?;
        Ok(self.uploads.finish(incoming, URI, text, "did:plc:owner")?.number)
    }

    /// Uploads, and waits for the verdict.
    async fn kept(&self, text: &str) -> VersionInfo {
        let number = self.upload(text).expect("there is room");
        self.uploads.settled(URI, number, PATIENCE).await.expect("it is there")
    }

    fn files(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.folder.path().join("compiled")).into_iter().flatten().flatten();
        names.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    async fn end(self) {
        self.stop.cancel();
        self.work.await.expect("the work ends");
    }
}

/// Waits for what must become true.
async fn until(what: &str, mut check: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !check() {
        assert!(began.elapsed() < PATIENCE, "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mix_is_switched_off_and_the_journal_written_while_another_is_looked_at() {
    let host = Host::generous();
    assert!(matches!(host.kept("quick").await.standing, Standing::Ready(_)));
    host.uploads.activate(URI, Some(1), "did:plc:owner").expect("it is ready");
    host.upload("slow").expect("there is room");
    until("the slow one is being looked at", || host.files().iter().any(|name| name.ends_with(".in"))).await;
    drop(host.uploads.0.jobs.send(Job::SwitchOff { uri: URI.to_owned(), number: 1, why: "broke off: it was told to".to_owned() }));
    until("it is off", || host.uploads.active(URI).is_some_and(|active| active.number.is_none())).await;
    let (active, made_by) = host.uploads.made_by(URI);
    let off = active.map(|active| (active.before, active.off_because));
    assert_eq!((off, made_by), (Some((Some(Some(1)), Some("broke off: it was told to".to_owned()))), MadeBy::Default));
    let written = || host.uploads.0.state.get(Shelf::Journals, URI.as_bytes()).is_ok_and(|journal| journal.is_some());
    until("the journal is written", written).await;
    assert_eq!(host.uploads.totals(), Totals { components: 2, bytes: 9, versions: 2, active: 0, switched_off: 1, checking: 1 });
    // What the owner chooses next makes it good again.
    assert!(matches!(host.uploads.roll_back(URI, "did:plc:owner"), Ok(Some(1))));
    assert_eq!(host.uploads.totals().switched_off, 0);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_finds_no_room_takes_nothing_from_what_there_is() {
    let host = Host::new(Admitted::Everybody, Quotas { versions: 2, owner_bytes: 11, total_bytes: 9_000, checking: 9, per_hour: 3 });
    let refused = host.kept("nonsense").await;
    assert_eq!((refused.standing, refused.version.size), (Standing::Refused("No.".to_owned()), 8));
    host.kept("quick").await;
    let too_much = host.upload("quick and large");
    assert!(matches!(too_much, Err(UploadError::Refused(Refused::OwnerBytes { used: 5, size: 15, most: 11 }))), "{too_much:?}");
    let numbers = |host: &Host| host.uploads.versions(URI).iter().map(|info| info.number).collect::<Vec<_>>();
    assert_eq!(numbers(&host), [2, 1], "the refused one gives its place to what finds room, and to nothing else");
    host.kept("quick2").await;
    assert_eq!(numbers(&host), [3, 2]);
    let Err(UploadError::Refused(Refused::Versions(2))) = host.upload("quick3") else { panic!("two are ready") };
    // Too many within an hour: told until when.
    drop(host.uploads.remove(URI, 3, "did:plc:owner"));
    host.clock.set(NOW + 600_000);
    let often = host.upload("quick4");
    assert!(matches!(often, Err(UploadError::Refused(Refused::Often(3, again))) if again == Duration::from_secs(3_000)), "{often:?}");
    assert_eq!(numbers(&host), [2]);
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_removed_while_it_is_looked_at_leaves_nothing() {
    let host = Host::generous();
    let number = host.upload("slow").expect("there is room");
    until("it is being looked at", || host.files().iter().any(|name| name.ends_with(".in"))).await;
    let mut verdicts = host.uploads.0.settled.subscribe();
    host.uploads.remove(URI, number, "did:plc:owner").expect("it isn't active");
    std::fs::write(host.folder.path().join("go"), "").expect("the test's folder");
    verdicts.changed().await.expect("there is a verdict");
    assert_eq!((host.files(), host.uploads.versions(URI), host.uploads.totals()), (Vec::new(), Vec::new(), Totals::default()));
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_number_comes_twice() {
    let host = Host::generous();
    for number in 1..4 {
        assert_eq!(host.kept("quick").await.number, number);
        host.uploads.remove(URI, number, "did:plc:owner").expect("it isn't active");
    }
    assert_eq!(Catalogue::read(&host.uploads.0.state).expect("it can be read").next_number(URI), 4, "nor after a restart");
    host.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn to_choose_what_is_chosen_changes_nothing() {
    let host = Host::generous();
    host.uploads.activate(URI, None, "did:plc:owner").expect("nothing to be done");
    assert_eq!((host.uploads.active(URI), host.uploads.journal(URI)), (None, Vec::new()));
    host.kept("quick").await;
    host.uploads.activate(URI, Some(1), "did:plc:owner").expect("it is ready");
    let active = host.uploads.active(URI);
    host.clock.set(NOW + 1_000);
    host.uploads.activate(URI, Some(1), "did:plc:owner").expect("it is active");
    assert_eq!(host.uploads.active(URI), active, "since when it is");
    host.uploads.activate(URI, None, "did:plc:owner").expect("the default mix");
    let active = host.uploads.active(URI);
    host.clock.set(NOW + 2_000);
    host.uploads.activate(URI, None, "did:plc:owner").expect("it is active");
    assert_eq!(host.uploads.active(URI), active);
    host.end().await;
}

//! `atrarium`: arguments, then the program.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use atrarium::app::{App, Edges, Lives};
use atrarium::authoring;
use atrarium::cli::mix::Mix;
use atrarium::cli::operate::Operate;
use atrarium::cli::{self, Command};
use atrarium::config::Config;
use atrarium::demo::Demo;
use atrarium::logging::{self, Export, Exporter};
use atrarium::sandbox::Reload;
use atrarium::sandbox::strangers::confined;
use atrarium::{doctor, operating, vital};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

fn main() -> ExitCode {
    let _failpoints = fail::FailScenario::setup();
    let outcome = match cli::parse(std::env::args_os(), std::env::vars_os()) {
        Ok(Command::Show(text)) => {
            say(&text);
            return ExitCode::SUCCESS;
        }
        Ok(Command::Man(folder)) => cli::write_manual(&folder).map_err(|cause| format!("the manual can't be written into {}: {cause}", folder.display())),
        Ok(Command::Doctor { config, json }) => examine(&config, json),
        Ok(Command::Operate(operate)) => command(operate),
        Ok(Command::Mix(mix)) => author(mix),
        Ok(Command::Admit(task)) => confined::run(&task).map(|verdict| say(&verdict)),
        Ok(Command::Serve(config)) => run(*config, Task::Serve),
        Ok(Command::Backfill(config)) => run(*config, Task::Backfill),
        Ok(Command::Demo(demo)) => {
            let outcome = run((*demo.config).clone(), Task::Demo);
            if demo.temporary {
                // Nothing is lost if it stays: it lies where temporary files do.
                drop(std::fs::remove_dir_all(&demo.config.data_dir));
            }
            outcome
        }
        Err(mistakes) => Err(mistakes.to_string()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            drop(writeln!(std::io::stderr(), "atrarium: {sentence}"));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) {
    // Who closes our standard output doesn't want to read it.
    drop(writeln!(std::io::stdout(), "{}", text.trim_end()));
}

/// What an operator asks for. Standard output has the answer, and nothing else.
fn command(operate: Operate) -> Result<(), String> {
    let quiet = "error".parse().map_err(str::to_owned)?;
    logging::init(&quiet, operate.config.log_format, None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| format!("cannot start: {cause}"))?;
    // A damaged database makes redb panic, which whoever opens it tells in a sentence; the panic's own words would only stand before that.
    std::panic::set_hook(Box::new(|_| {}));
    let said = catch_unwind(AssertUnwindSafe(|| runtime.block_on(operating::run(operate))));
    let said = said.unwrap_or_else(|panic| Err(format!("it broke off: {}", vital::message(&*panic))))?;
    say(&said.text);
    if said.well { Ok(()) } else { Err("something is broken: see above".to_owned()) }
}

/// Looks for what would keep feeds from being seen. What is bad makes it fail, so that scripts notice.
fn examine(config: &Config, json: bool) -> Result<(), String> {
    let quiet = "off".parse().map_err(str::to_owned)?;
    logging::init(&quiet, config.log_format, None);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|cause| format!("cannot start: {cause}"))?;
    let findings = runtime.block_on(doctor::examine(config));
    let (text, well) = doctor::report(&findings);
    say(&if json { serde_json::to_string_pretty(&findings).map_err(|cause| cause.to_string())? } else { text });
    if well { Ok(()) } else { Err("something is bad: see above".to_owned()) }
}

/// What authors of mixes ask for.
fn author(mix: Mix) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|cause| format!("cannot find this program's own file: {cause}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|cause| format!("cannot start: {cause}"))?;
    let text = runtime.block_on(async {
        match mix {
            Mix::New { template, folder } => authoring::new::new(template, &folder),
            Mix::Check { file } => authoring::check::check(&program, &file).await,
            Mix::Run { file, against, limit } => authoring::run::run(&file, against.as_deref(), limit).await,
            Mix::Bench { file, against } => authoring::bench::bench(&file, against.as_deref()).await,
        }
    });
    text.map(|text| say(&text))
}

/// What is to be done with a configuration.
enum Task {
    Serve,
    Backfill,
    Demo,
}

/// How long threads that work for nobody any more are waited for at the end.
const ENDING: Duration = Duration::from_millis(500);

/// Where traces go, if anywhere.
fn export(config: &Config) -> Option<Export> {
    config.otlp_endpoint.clone().map(|endpoint| Export { endpoint, percent: config.otlp_percent })
}

fn run(config: Config, task: Task) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|cause| format!("cannot start: {cause}"))?;
    let exporter = runtime.block_on(async { export(&config).as_ref().map(Exporter::start).transpose() })?;
    logging::init(&config.log_level, config.log_format, exporter.as_ref());
    // One line, as everything else that goes wrong; what it means for the program is said by who catches it.
    std::panic::set_hook(Box::new(|panic| tracing::error!(%panic, backtrace = %std::backtrace::Backtrace::capture(), "a panic")));
    let outcome = runtime.block_on(async {
        match task {
            Task::Serve => serve(config).await,
            Task::Backfill => backfill(config).await,
            Task::Demo => play(config).await,
        }
    });
    // While the runtime is there to send it.
    drop(exporter);
    // What an operator has asked for, such as a backup, may take minutes on a thread that can't be told to stop.
    runtime.shutdown_timeout(ENDING);
    outcome
}

async fn serve(config: Config) -> Result<(), String> {
    // Listened for from here on: before, it would end the program.
    let hangups = signal(SignalKind::hangup());
    let stop = stopped_by(&[SignalKind::terminate(), SignalKind::interrupt()]);
    let edges = Edges::bind(&config, stop).await.map_err(|cause| cause.to_string())?;
    tracing::info!(listen = %config.listen, admin_listen = %config.admin_listen, did = config.public_url.service_did(), data_dir = %config.data_dir.display(), "atrarium starts");
    let app = App::start(config.clone(), edges).await.map_err(|cause| cause.to_string())?;
    match hangups {
        Ok(hangups) => drop(tokio::spawn(reload_at(hangups, config, app.live.clone(), app.reload.clone()))),
        Err(cause) => tracing::error!(%cause, "SIGHUP can't be listened for: it ends the program"),
    }
    app.run().await.map_err(|cause| cause.to_string())
}

/// Reads the configuration and the components again at each signal. Of those that come during a reload one is left, for what was put there
/// meanwhile.
async fn reload_at(mut hangups: Signal, mut config: Config, live: Lives, reload: Reload) {
    while hangups.recv().await.is_some() {
        match cli::parse(std::env::args_os(), std::env::vars_os()) {
            Ok(Command::Serve(read)) => config = follow(config, *read, &live),
            Ok(_) => {}
            Err(mistakes) => tracing::error!(%mistakes, "configuration not read again: nothing of it changes"),
        }
        // What comes of it is in the log.
        drop(reload.run().await);
    }
}

/// Lets of a configuration count what can count at once. Answers the one that is followed now.
fn follow(mut config: Config, read: Config, live: &Lives) -> Config {
    let (now, later) = config.changes(&read);
    if now.contains(&"log-level") && !logging::set(&read.log_level) {
        tracing::error!("the level of the log can't be changed");
    }
    live.apply(&read);
    if !later.is_empty() {
        tracing::warn!(options = later.join(", "), "these options count from the next start on");
    }
    tracing::info!(changed = now.join(", "), "configuration read again");
    for name in now {
        match read.told.get(name) {
            Some(texts) => drop(config.told.insert(name, texts.clone())),
            None => drop(config.told.remove(name)),
        }
    }
    config
}

/// Reads repos until nothing is left to be read now, and says what came of it.
async fn backfill(mut config: Config) -> Result<(), String> {
    config.firehose_only = false;
    config.jetstream = Vec::new();
    // Whoever supervises the server may ask these in vain: nobody shall take this for it.
    config.listen = ([127, 0, 0, 1], 0).into();
    config.admin_listen = config.listen;
    let stop = stopped_by(IN_A_TERMINAL);
    let edges = Edges::bind(&config, stop.clone()).await.map_err(|cause| cause.to_string())?;
    let app = App::start(config, edges).await.map_err(|cause| cause.to_string())?;
    let progress = app.progress.clone();
    let finished = tokio::spawn({
        let (progress, stop) = (progress.clone(), stop.clone());
        async move {
            progress.idle.notified().await;
            stop.cancel();
        }
    });
    let outcome = app.run().await.map_err(|cause| cause.to_string());
    finished.abort();
    let [read, records, given_up, wanted] = [&progress.read, &progress.records, &progress.given_up, &progress.wanted].map(|number| number.load(Relaxed));
    say(&format!("{read} times a repo was read, {records} records; {given_up} repos given up, {wanted} left for another time."));
    outcome
}

async fn play(mut config: Config) -> Result<(), String> {
    let demo = Demo::start().await.map_err(|cause| format!("the demo's firehose does not start: {cause}"))?;
    config.jetstream = vec![demo.endpoint()];
    // None knows what made-up people say.
    config.appview = None;
    let visitor = Demo::visitor();
    config.operators.push(visitor.did.clone());
    config.visitor = Some(visitor);
    let stop = stopped_by(IN_A_TERMINAL);
    let edges = Edges::bind(&config, stop).await.map_err(|cause| cause.to_string())?;
    let address = config.listen;
    let app = App::start(config, edges).await.map_err(|cause| cause.to_string())?;
    say(&format!(
        "This is a demo: made-up communities, marked as synthetic, beside captured traffic. Ctrl-C ends it.\n\nThe pages where communities are run\n  http://{address}/api/auth/visit   as the owner of one of them, who runs this host as well\n"
    ));
    for (name, uri) in demo.feeds() {
        say(&format!("\n{name}\n  feed   {uri}\n  watch  curl -s 'http://{address}/xrpc/app.bsky.feed.getFeedSkeleton?feed={uri}&limit=5'"));
    }
    tokio::select! {
        outcome = app.run() => outcome.map_err(|cause| cause.to_string()),
        () = demo.play() => Ok(()),
    }
}

/// What ends a command that somebody watches. To them SIGHUP says that the terminal is gone; a server's is a wish to reload.
const IN_A_TERMINAL: &[SignalKind] = &[SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];

/// A token that these signals cancel.
fn stopped_by(kinds: &[SignalKind]) -> CancellationToken {
    let stop = CancellationToken::new();
    for kind in kinds {
        match signal(*kind) {
            Ok(mut signals) => {
                let stop = stop.clone();
                tokio::spawn(async move {
                    signals.recv().await;
                    stop.cancel();
                });
            }
            Err(cause) => tracing::error!(%cause, "a signal can't be listened for: the program ends without saying goodbye"),
        }
    }
    stop
}

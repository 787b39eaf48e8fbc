//! All that was seen of a soak, and what follows from it.

use std::time::Duration;

use serde_json::{Value, json};

use super::harm::{Recovery, STRETCH};
use super::law::Judged;
use super::owners::Uploaded;
use super::plan::Plan;
use super::readers::{Faults, Seen};
use super::verdict::{Outcome, Verdict};
use super::watch::{EVERY, LOSSES, Sample, Series, TRAPS};

/// A leak of a server's whole memory in a month is 1.4 MiB an hour, and can't be told from noise in half an hour: memory comes and goes by
/// some MiB. What is told here fills a small server in days; between the thirds of half an hour's stretch it makes 3.7 MiB.
const GROWTH: f64 = 32.0 * MIB;

/// Below this many seconds all is noise.
const LONG_ENOUGH: f64 = 600.0;

/// After so long the AppView has given up.
const APPVIEW: f64 = 5.0;

/// Until nothing is left of any harm. A connection that is lost again within half a minute is made again later each time, up to a minute
/// after, and what was missed meanwhile has to be read.
const RECOVERED: Duration = Duration::from_secs(90);

const MIB: f64 = 1_048_576.0;

/// What a reader notices.
const LATE: u32 = 1_000_000;

pub(crate) struct Evidence {
    pub(crate) events: u64,
    pub(crate) ours: usize,
    pub(crate) recoveries: Vec<Recovery>,
    pub(crate) seen: Seen,
    pub(crate) uploaded: Uploaded,
    /// Examinations of uploads.
    pub(crate) killed: usize,
    pub(crate) series: Series,
    /// Whether all that happened was worked off in the end.
    pub(crate) has_read: bool,
    pub(crate) judged: Judged,
}

impl Evidence {
    pub(crate) fn outcome(mut self, plan: &Plan) -> Outcome {
        self.seen.times.sort_unstable();
        Outcome { verdicts: self.verdicts(plan), figures: self.figures(), details: self.details(plan) }
    }

    fn verdicts(&self, plan: &Plan) -> Vec<Verdict> {
        let Self { seen, uploaded, series, has_read, judged, .. } = self;
        let (losses, traps) = (series.counted(&LOSSES), series.counted(&TRAPS));
        let length = plan.length.as_secs_f64();
        let growth = series.growth(length * STRETCH.start..length * STRETCH.end);
        let watched = EVERY.as_secs_f64() * growth.samples as f64;
        let (page, harm) = (self.page(1.0), self.caught_up().last().copied().unwrap_or_default());
        vec![
            Verdict::new("every feed is what the law says", judged.broken.count == 0, format!("{} feeds, broken: {}", judged.feeds, told(&judged.broken))),
            Verdict::new("nothing is lost, put aside or left over", *has_read && losses.is_empty(), format!("worked off: {has_read}, counted: {losses:?}")),
            Verdict::new("every page and call is answered while the program runs", seen.faults.count == 0, told(&seen.faults)),
            Verdict::new(
                "no walk through a quiet feed repeats a post",
                seen.repeats.count == 0,
                format!("{} walks, repeats: {}", seen.walks, told(&seen.repeats)),
            ),
            Verdict::new("mixes get what they deserve", uploaded.faults.count == 0, told(&uploaded.faults)),
            Verdict::timed(
                "memory is flat",
                (watched >= LONG_ENOUGH).then_some(growth.an_hour <= GROWTH),
                format!("{:+.1} MiB an hour over {watched:.0} s without files' pages, at most {:.0}", growth.an_hour / MIB, GROWTH / MIB),
            ),
            Verdict::timed("no page comes later than the AppView waits", Some(page < APPVIEW * 1e3), format!("the longest {page:.0} ms")),
            Verdict::timed("harm is over soon", Some(harm < RECOVERED), format!("the longest {harm:.2?}")),
            Verdict::timed("none of the program's own components is cut off", Some(traps.is_empty()), format!("counted: {traps:?}")),
        ]
    }

    fn figures(&self) -> Vec<(&'static str, String)> {
        let Self { seen, uploaded, series, judged, .. } = self;
        let most = |of: fn(&Sample) -> f64| series.samples.iter().map(of).fold(0.0, f64::max);
        let late = seen.times.iter().filter(|micros| **micros > LATE).count();
        let pages = format!("{}; {:.1} ms, {:.1} ms, {:.0} ms, {late}", seen.times.len(), self.page(0.5), self.page(0.99), self.page(1.0));
        let Uploaded { admitted, activated, refused, killed, .. } = uploaded;
        let mut answers: Vec<Duration> = self.recoveries.iter().filter_map(|recovery| recovery.answers).collect();
        answers.sort_unstable();
        let memory = format!("{:.0} MiB, {:.0} MiB", most(|sample| sample.resident) / MIB, most(|sample| sample.peak) / MIB);
        let (threads, files) = (most(|sample| sample.threads), most(|sample| sample.files));
        let (lag, index) = (most(|sample| sample.lag), most(|sample| sample.index) / MIB);
        vec![
            ("events of the network, ours among them", format!("{}, {}", self.events, self.ours)),
            ("feeds walked in the end, posts in them", format!("{}, {}", judged.feeds, judged.posts)),
            ("pages read; p50, p99, longest, later than 1 s", pages),
            ("requests cut off by harm", seen.interrupted.to_string()),
            ("walks through quiet feeds; API calls; events of streams", format!("{}; {}; {}", seen.walks, seen.calls, seen.events)),
            ("mixes admitted, active, refused, killed as they were looked at", format!("{admitted}, {activated}, {refused}, {killed} of {}", self.killed)),
            ("the whole program killed, until it answers", spread(&answers)),
            ("any harm, until all that had happened was worked off", spread(&self.caught_up())),
            ("memory, most and peak", memory),
            ("threads, open files, lag, index: the most", format!("{threads}, {files}, {lag:.1} s, {index:.0} MiB")),
        ]
    }

    fn details(&self, plan: &Plan) -> Value {
        let recovery = |recovery: &Recovery| {
            json!({
                "harm": format!("{:?}", recovery.harm),
                "at": recovery.at.as_secs_f64(),
                "answers": recovery.answers.map(|took| took.as_secs_f64()),
                "caughtUp": recovery.caught_up.as_secs_f64(),
            })
        };
        let faults = [&self.judged.broken, &self.seen.faults, &self.seen.repeats, &self.uploaded.faults].map(|faults| &faults.first);
        json!({
            "plan": format!("{plan:?}"),
            "recoveries": self.recoveries.iter().map(recovery).collect::<Vec<_>>(),
            "sampleFields": Sample::NAMES,
            "samples": self.series.samples.iter().map(Sample::json).collect::<Vec<_>>(),
            "most": self.series.most,
            "faults": { "law": faults[0], "requests": faults[1], "repeats": faults[2], "mixes": faults[3] },
        })
    }

    /// Milliseconds in which this part of the pages came; of sorted times.
    fn page(&self, part: f64) -> f64 {
        let times = &self.seen.times;
        times.get((times.len() as f64 * part) as usize).or(times.last()).map_or(0.0, |micros| f64::from(*micros) / 1e3)
    }

    fn caught_up(&self) -> Vec<Duration> {
        let mut times: Vec<Duration> = self.recoveries.iter().map(|recovery| recovery.caught_up).collect();
        times.sort_unstable();
        times
    }
}

fn told(faults: &Faults) -> String {
    faults.first.first().map_or_else(|| "none".to_owned(), |first| format!("{}, such as {first}", faults.count))
}

/// Of sorted times.
fn spread(times: &[Duration]) -> String {
    let [middle, longest] = [times.get(times.len() / 2), times.last()].map(|time| time.copied().unwrap_or_default());
    format!("{} times, p50 {middle:.2?}, longest {longest:.2?}", times.len())
}

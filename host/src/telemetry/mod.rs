//! The recorder of the program's numbers, in Prometheus form.
//!
//! There is one for the whole process, since any module may count. Numbers that are counted before it is installed are lost, so it
//! comes first. Its histograms grow until [`Numbers::tidy`] is called now and then, which the admin listener does. What each
//! number means stands in [`names`]. Nothing here fails.

pub mod names;

use std::fmt::Write;
use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_process::Collector;
use names::{Kind, Metric};

/// Buckets for everything that is named `…_seconds`: from a warm page (tens of microseconds) to the AppView's patience (5 s), with
/// the promised 5 ms and 100 ms and the 4.5 s that count as late among them.
const SECONDS: &[f64] = &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.5, 10.0];

/// Buckets for numbers of events and rows: from one to a backlog's batch.
const NUMBERS: &[f64] = &[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 50_000.0];

/// The process's numbers. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Numbers {
    recorded: PrometheusHandle,
    process: Collector,
}

/// The process's recorder; installed by the first call, the same for all.
pub fn install() -> Numbers {
    static INSTALLED: OnceLock<Numbers> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let recorded = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .and_then(|builder| builder.set_buckets(NUMBERS))
                .expect("the buckets are not empty")
                .install_recorder()
                .expect("only this function installs a recorder, and once");
            names::ALL.iter().filter(|metric| !metric.is_listed()).for_each(describe);
            names::ALL.iter().for_each(begin);
            let process = Collector::default();
            process.describe();
            Numbers { recorded, process }
        })
        .clone()
}

fn describe(metric: &Metric) {
    match metric.kind {
        Kind::Counter => metrics::describe_counter!(metric.name, metric.help),
        Kind::Gauge => metrics::describe_gauge!(metric.name, metric.help),
        Kind::Histogram => metrics::describe_histogram!(metric.name, metric.help),
    }
}

/// Tells what it says from the start.
fn begin(metric: &Metric) {
    for label in metric.from_nought {
        match label {
            None => metrics::counter!(metric.name).increment(0),
            Some((label, value)) => metrics::counter!(metric.name, *label => *value).increment(0),
        }
    }
}

impl Numbers {
    /// All numbers as text, the process's own (memory, files, processor) among them.
    pub fn render(&self) -> String {
        self.process.collect();
        self.recorded.render()
    }

    /// Moves what histograms have taken down into their buckets.
    pub fn tidy(&self) {
        self.recorded.run_upkeep();
    }
}

/// Numbers whose labels come and go, so that the recorder, which forgets none, must not have them: the few that are told are
/// written out each time.
#[derive(Debug, Default)]
pub struct Listed(String);

impl Listed {
    /// A gauge with all its values, each with its labels.
    pub fn gauge<'a>(&mut self, name: &str, values: impl IntoIterator<Item = (Vec<(&'static str, &'a str)>, f64)>) {
        let help = names::ALL.iter().find(|metric| metric.name == name).map_or("", |metric| metric.help);
        // Writing to a string can't fail.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge\n");
        for (labels, value) in values {
            let labels: Vec<String> = labels.iter().map(|(label, text)| format!("{label}=\"{}\"", escaped(text))).collect();
            let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
        }
        self.0.push('\n');
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

/// A label's value as Prometheus's text has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_numbers_are_written_as_prometheus_reads_them() {
        let mut listed = Listed::default();
        listed.gauge("atrarium_community_fuel", [(vec![("community", "at://did:plc:a/c/\"x\"\\\n")], 1.5), (vec![("community", "others")], 0.0)]);
        let text = listed.into_text();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("# HELP atrarium_community_fuel Units of fuel"), "{text}");
        assert_eq!(lines[1], "# TYPE atrarium_community_fuel gauge");
        assert_eq!(lines[2], r#"atrarium_community_fuel{community="at://did:plc:a/c/\"x\"\\\n"} 1.5"#);
        assert_eq!(lines[3], r#"atrarium_community_fuel{community="others"} 0"#);
    }

    #[test]
    fn every_number_has_one_name_and_its_kind_in_it() {
        let mut names: Vec<&str> = names::ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), names::ALL.len());
        for Metric { name, kind, help, .. } in names::ALL {
            assert!(name.starts_with("atrarium_") && !help.is_empty() && !help.ends_with('.'), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        }
    }
}

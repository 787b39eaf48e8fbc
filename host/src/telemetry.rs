//! The recorder of the program's numbers, in Prometheus form.
//!
//! There is one for the whole process, since any module may count. Numbers that are counted before it is installed are lost, so it
//! comes first. Its histograms grow until [`PrometheusHandle::run_upkeep`] is called now and then, which the admin listener does.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

pub use metrics_exporter_prometheus::PrometheusHandle;

/// Buckets for everything that is named `…_seconds`: from a warm page (tens of microseconds) to the AppView's patience (5 s), with
/// the promised 5 ms and 100 ms and the 4.5 s that count as late among them.
const SECONDS: &[f64] = &[0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 4.5, 10.0];

/// The process's recorder; installed by the first call, the same for all.
pub fn install() -> PrometheusHandle {
    static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
                .expect("the buckets are not empty")
                .install_recorder()
                .expect("only this function installs a recorder, and once")
        })
        .clone()
}

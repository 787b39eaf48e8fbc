//! What `/metrics` tells, as Prometheus writes it, and what many such numbers tell together.

use std::ops::Range;

/// The sum of a number over its labels; 0 if nothing of it is told. A series may be named with labels, and then is all of its name.
pub fn sum(metrics: &str, series: &str) -> f64 {
    let of_this_name = |line: &&str| line.strip_prefix(series).is_some_and(|rest| rest.starts_with([' ', '{']));
    metrics.lines().filter(of_this_name).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

/// What becomes of a number in the course of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    pub an_hour: f64,
    /// How many samples it was told by.
    pub samples: usize,
}

/// How far the tops of a stretch's second and last third are apart; samples are seconds and values. The first third is left out, for caches
/// fill. The tops (of eighty values the eighth greatest), for memory that is given back for a moment is no less needed; thirds, for the
/// longer the times that are compared, the less a single step makes of them.
pub fn growth(samples: &[(f64, f64)], stretch: Range<f64>) -> Growth {
    let third = (stretch.end - stretch.start) / 3.0;
    let last = stretch.end - third;
    let within = |time: Range<f64>| -> Vec<f64> {
        let mut values: Vec<f64> = samples.iter().filter(|(seconds, _)| time.contains(seconds)).map(|(_, value)| *value).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (early, late) = (within(last - third..last), within(last..stretch.end));
    let top = |values: &[f64]| values.get(values.len() * 9 / 10).copied().unwrap_or_default();
    Growth { an_hour: (top(&late) - top(&early)) / third * 3_600.0, samples: early.len() + late.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty minutes, a sample every five seconds; every minute and a half 20 are given back for 15 seconds.
    fn samples(value: impl Fn(f64) -> f64) -> Vec<(f64, f64)> {
        let seconds = (0..240).map(|sample| f64::from(sample) * 5.0);
        seconds.map(|now| (now, value(now) - if now % 90.0 < 15.0 { 20.0 } else { 0.0 })).collect()
    }

    #[test]
    fn what_grows_is_told_by_its_tops_after_the_first_third() {
        let check = |value: fn(f64) -> f64, expected: f64| {
            let growth = growth(&samples(value), 0.0..1_200.0);
            assert!((growth.an_hour - expected).abs() <= expected.abs() / 10.0 && growth.samples == 160, "{growth:?}, and not {expected}");
        };
        check(|_| 300.0, 0.0);
        // What it has in the end it had when the first third was over.
        check(|now| now.min(400.0), 0.0);
        check(|now| 300.0 + now / 100.0, 36.0);
        check(|now| 300.0 - now / 100.0, -36.0);
        // A single step after it counts, wherever it is but in the last moment.
        check(|now| if now < 750.0 { 300.0 } else { 310.0 }, 0.0);
        check(|now| if now < 800.0 { 300.0 } else { 310.0 }, 90.0);
        check(|now| if now < 1_100.0 { 300.0 } else { 310.0 }, 90.0);
    }

    #[test]
    fn a_stretch_without_samples_has_not_grown() {
        assert_eq!(growth(&[], 0.0..1_200.0), Growth { an_hour: 0.0, samples: 0 });
    }
}

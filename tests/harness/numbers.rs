//! What `/metrics` tells, as Prometheus writes it.

/// The sum of a number over its labels; 0 if nothing of it is told. A series may be named with labels, and then is all of its name.
pub fn sum(metrics: &str, series: &str) -> f64 {
    let of_this_name = |line: &&str| line.strip_prefix(series).is_some_and(|rest| rest.starts_with([' ', '{']));
    metrics.lines().filter(of_this_name).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum()
}

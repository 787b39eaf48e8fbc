//! The parts of a feed's mix, as whole percent that sum to 100.
//!
//! Records hold percent, since the AT Protocol's data model has no fractions; what the first implementation of Atrarium
//! documented were fractions of one, and both are taken from the wire. Fractions are converted by the largest remainder.

use serde::Deserialize;

use crate::{
    bindings::atrarium::events::types::Shares,
    fault::Fault,
    json::{present, required},
};

/// What a community without a mix of its own shows.
pub const OWN_ALONE: Shares = Shares { own: 100, parent: 0, global: 0 };

/// How far from one the sum of fractions may be.
const TOLERANCE: f64 = 0.001;

#[derive(Deserialize)]
pub(crate) struct Mix {
    #[serde(default, deserialize_with = "present")]
    own: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    parent: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    global: Option<f64>,
}

pub(crate) fn read(mix: Mix) -> Result<Shares, Fault> {
    from_numbers([required(mix.own)?, required(mix.parent)?, required(mix.global)?])
}

/// The percent for these parts, own, parent, global: either percent already, or fractions.
pub fn from_numbers(parts: [f64; 3]) -> Result<Shares, Fault> {
    let sum: f64 = parts.iter().sum();
    let percent = if parts.iter().all(|part| *part >= 0.0 && part.fract() == 0.0) && sum == 100.0 {
        parts.map(|part| part as u32)
    } else if parts.iter().all(|part| (0.0..=1.0).contains(part))
        // The last addend forgives what the addition of three fractions rounds away.
        && (sum - 1.0).abs() <= TOLERANCE + 1e-9
    {
        largest_remainder(parts.map(|part| part * 100.0 / sum))
    } else {
        return Err(Fault::BadShares);
    };
    let [own, parent, global] = percent;
    Ok(Shares { own, parent, global })
}

/// Rounds parts that sum to about 100 so that they sum to exactly 100: all down, then those up that lost the most, the
/// earlier first.
fn largest_remainder(parts: [f64; 3]) -> [u32; 3] {
    let mut percent = parts.map(|part| part as u32);
    let mut by_loss = [0, 1, 2];
    by_loss.sort_by(|a, b| parts[*b].fract().total_cmp(&parts[*a].fract()));
    let missing = 100_u32.saturating_sub(percent.iter().sum()) as usize;
    for index in by_loss.into_iter().cycle().take(missing) {
        percent[index] += 1;
    }
    percent
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_and_fractions_are_taken() {
        check([80.0, 15.0, 5.0], Ok([80, 15, 5]));
        check([100.0, 0.0, 0.0], Ok([100, 0, 0]));
        check([0.0, 0.0, 100.0], Ok([0, 0, 100]));
        check([0.8, 0.15, 0.05], Ok([80, 15, 5]));
        check([0.29, 0.71, 0.0], Ok([29, 71, 0]));
        check([1.0, 0.0, 0.0], Ok([100, 0, 0]));
        check([0.333, 0.333, 0.333], Ok([34, 33, 33]));
        check([1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0], Ok([34, 33, 33]));
        check([0.335, 0.335, 0.33], Ok([34, 33, 33]));
        check([0.8, 0.15, 0.051], Ok([80, 15, 5]));
        check([0.005, 0.995, 0.0], Ok([1, 99, 0]));
    }

    #[test]
    fn what_is_no_whole_is_refused() {
        for parts in [
            [0.0, 0.0, 0.0],
            [50.0, 50.0, 1.0],
            [101.0, -1.0, 0.0],
            [99.5, 0.5, 0.0],
            [1.0, 1.0, 0.0],
            [0.8, 0.15, 0.0],
            [0.8, 0.15, 0.053],
            [1.2, -0.2, 0.0],
            [1e300, 0.0, 0.0],
        ] {
            check(parts, Err(Fault::BadShares));
        }
    }

    #[test]
    fn every_mix_of_thousandths_sums_to_a_hundred() {
        for own in 0..=1_000 {
            for parent in 0..=1_000 - own {
                let parts = [own, parent, 1_000 - own - parent].map(|part| f64::from(part) / 1_000.0);
                let shares = from_numbers(parts).expect("the fractions sum to one");
                assert_eq!(shares.own + shares.parent + shares.global, 100, "{parts:?}");
            }
        }
    }

    fn check(parts: [f64; 3], expected: Result<[u32; 3], Fault>) {
        let shares = from_numbers(parts).map(|shares| [shares.own, shares.parent, shares.global]);
        assert_eq!(shares, expected, "{parts:?}");
    }
}

//! The two forms of a feed's mix: fractions in the API, whole percent in the record.

use super::Problem;
use super::views::FeedMix;
use crate::record::Shares;

/// How far from 1 the sum may be: fractions are seldom exact.
const TOLERANCE: f64 = 0.001;

impl FeedMix {
    /// In whole percent that sum to 100: the AT Protocol has no fractions. What rounding leaves over goes to who lost most by it.
    pub fn percent(self) -> Result<Shares, Problem> {
        let parts = [self.own, self.parent, self.global];
        if parts.iter().any(|part| !(0.0..=1.0).contains(part)) {
            return Err(Problem::Unprocessable("each part of feedMix must be from 0 to 1".to_owned()));
        }
        let sum: f64 = parts.iter().sum();
        if (sum - 1.0).abs() > TOLERANCE {
            return Err(Problem::Unprocessable(format!("the parts of feedMix must sum to 1, and sum to {sum:.3}")));
        }
        let exact = parts.map(|part| part / sum * 100.0);
        // A part of 0.29 is 28.999999999999996 percent to a machine.
        let mut whole = exact.map(|part| (part + 1e-9).floor() as u32);
        while whole.iter().sum::<u32>() < 100 {
            let lost = |index: &usize| exact[*index] - f64::from(whole[*index]);
            let most = (0..3).rev().max_by(|one, other| lost(one).total_cmp(&lost(other))).unwrap_or(0);
            whole[most] += 1;
        }
        let [own, parent, global] = whole;
        Ok(Shares { own, parent, global })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_become_percent_that_sum_to_a_hundred() {
        let check = |own, parent, global, expected: (u32, u32, u32)| {
            let Shares { own, parent, global } = FeedMix { own, parent, global }.percent().expect("a mix");
            assert_eq!((own, parent, global), expected);
        };
        check(1.0, 0.0, 0.0, (100, 0, 0));
        check(0.8, 0.15, 0.05, (80, 15, 5));
        check(0.29, 0.57, 0.14, (29, 57, 14));
        check(1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, (34, 33, 33));
        check(0.005, 0.005, 0.99, (1, 0, 99));
        for percent in 0..=100_u32 {
            let mix = FeedMix::from(Shares { own: percent, parent: 100 - percent, global: 0 });
            assert_eq!(mix.percent(), Ok(Shares { own: percent, parent: 100 - percent, global: 0 }));
        }
    }

    #[test]
    fn what_is_no_mix_is_refused() {
        for (own, parent, global) in [(0.5, 0.4, 0.0), (1.0, 1.0, -1.0), (f64::NAN, 0.0, 1.0), (0.0, 0.0, 0.0), (2.0, 0.0, 0.0), (0.5, 0.5, 0.01)] {
            assert!(FeedMix { own, parent, global }.percent().is_err(), "{own} {parent} {global}");
        }
    }
}

//! What a mix of feeds may ask for: a share for the parent needs a parent that counts.
//!
//! The feed would give such a share to the others (design section 4), and its owner would look for the reason in vain. So it is refused
//! where it is asked for. A share that is in the record already stays when the parent goes or the community graduates: it
//! counts for nothing then, and counts again when they come back.

use serde_json::{Value, json};

use crate::dashboard::Problem;
use crate::dashboard::views::Stage;
use crate::record::Shares;

/// Whether these shares can be had by a community with such a parent, in this stage.
pub(super) fn check(shares: Shares, has_parent: bool, stage: Stage) -> Result<(), Problem> {
    let refused = |why: &str| Err(Problem::Unprocessable(format!("feedMix: {why}; give its share to own or global")));
    match shares.parent {
        0 => Ok(()),
        _ if stage == Stage::Graduated => refused("a graduated community takes nothing from its parent"),
        _ if !has_parent => refused("there is no parent to take anything from"),
        _ => Ok(()),
    }
}

/// As the record has them.
pub(super) fn field(shares: Shares) -> Value {
    json!({ "own": shares.own, "parent": shares.parent, "global": shares.global })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_for_the_parent_needs_one_that_counts() {
        let check = |parent, has_parent, stage, expected: bool| {
            let shares = Shares { own: 100 - parent, parent, global: 0 };
            assert_eq!(super::check(shares, has_parent, stage).is_ok(), expected, "{parent} {has_parent} {stage:?}");
        };
        for stage in [Stage::Theme, Stage::Community, Stage::Graduated] {
            check(0, false, stage, true);
            check(15, false, stage, false);
        }
        check(15, true, Stage::Theme, true);
        check(15, true, Stage::Community, true);
        check(15, true, Stage::Graduated, false);
    }
}

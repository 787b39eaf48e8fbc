//! What someone who wrote a name that is none may have meant.

use super::keys;

/// The option that someone who wrote `name` may have meant.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let near = keys::ALL.iter().map(|key| (distance(&name, key.name), key.name)).min()?;
    // A third of the letters wrong is another word.
    (near.0 * 3 <= near.1.len()).then_some(near.1)
}

/// How many letters have to be put in, taken out or exchanged to get from one to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, left) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, right) in to.iter().enumerate() {
            let exchanged = diagonal + usize::from(left != *right);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_understood_and_another_word_is_not() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(nearest(name), expected, "{name}");
        check("lisen", Some("listen"));
        check("listne", Some("listen"));
        check("LISTEN", Some("listen"));
        check("held_total", Some("held-total"));
        check("allow-owners", Some("allow-owner"));
        check("communities-per-host", Some("communities-per-owner"));
        check("", None);
        check("port", None);
        check("service-host", None);
        check("frobnicate", None);
    }
}

//! What a guest says in one call, up to a bound: the rest is left out, and said to be.

/// Bytes that are kept of one call.
const KEPT: usize = 4 << 10;

/// Lines, one after the other.
#[derive(Debug, Default)]
pub(super) struct Printed {
    text: String,
    left_out: usize,
}

impl Printed {
    /// Keeps a line, or as much of it as there is room for.
    pub(super) fn line(&mut self, line: &str) {
        let room = KEPT.saturating_sub(self.text.len() + 1);
        let kept = &line[..line.floor_char_boundary(room)];
        if !kept.is_empty() {
            if !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.extend(kept.chars().map(|letter| if letter.is_control() && letter != '\n' { ' ' } else { letter }));
        }
        self.left_out += line.len() - kept.len();
    }

    /// What was said since this was last asked.
    pub(super) fn take(&mut self) -> String {
        let mut text = std::mem::take(&mut self.text);
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            text.push_str(&format!("\n… and {left_out} bytes more"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_left_out_and_said_to_be() {
        let mut printed = Printed::default();
        printed.line("one");
        printed.line("two\u{7}");
        assert_eq!(printed.take(), "one\ntwo ");
        assert_eq!(printed.take(), "");
        for _ in 0..1_000_000 {
            printed.line("über viel");
        }
        let text = printed.take();
        assert!(text.len() < KEPT + 40, "{}", text.len());
        assert!(text.contains("\n… and ") && text.ends_with(" bytes more"), "{text}");
    }
}

//! The table of results.

use std::path::PathBuf;

use serde_json::json;

#[derive(Debug)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    /// What the design asks for; at least, or at most where less is better.
    must: Option<f64>,
    /// What was measured without our program, or is given by the design.
    ceiling: Option<f64>,
    less_is_better: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// More is better.
    pub(crate) fn rate(&mut self, what: impl Into<String>, value: f64, unit: &'static str, must: Option<f64>, ceiling: Option<f64>) {
        self.add(Row { what: what.into(), value, unit, must, ceiling, less_is_better: false });
    }

    /// Less is better.
    pub(crate) fn cost(&mut self, what: impl Into<String>, value: f64, unit: &'static str, must: Option<f64>, ceiling: Option<f64>) {
        self.add(Row { what: what.into(), value, unit, must, ceiling, less_is_better: true });
    }

    fn add(&mut self, row: Row) {
        say(&format!("  {} {:.3} {}", row.what, row.value, row.unit));
        self.rows.push(row);
    }

    pub(crate) fn print(&self) {
        say(&format!("\n{:<62} {:>14} {:<10} {:>12} {:>12} {:>7}", "", "measured", "", "must", "ceiling", "ratio"));
        for row in &self.rows {
            let number = |value: Option<f64>| value.map(figure).unwrap_or_default();
            let ratio = row.ceiling.map(|ceiling| format!("{:.2}", if row.less_is_better { ceiling / row.value } else { row.value / ceiling }));
            let kept = match row.must {
                Some(must) if (row.value <= must) != row.less_is_better => "  below",
                _ => "",
            };
            say(&format!(
                "{:<62} {:>14} {:<10} {:>12} {:>12} {:>7}{kept}",
                row.what,
                figure(row.value),
                row.unit,
                number(row.must),
                number(row.ceiling),
                ratio.unwrap_or_default()
            ));
        }
    }

    pub(crate) fn save(&self) {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| json!({ "what": row.what, "value": row.value, "unit": row.unit, "must": row.must, "ceiling": row.ceiling, "less_is_better": row.less_is_better }))
            .collect();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target/bench.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&rows).expect("numbers and strings are JSON")).expect("target/ can be written to");
    }
}

fn figure(value: f64) -> String {
    if value >= 1_000.0 {
        let digits = format!("{value:.0}");
        let mut grouped = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index) % 3 == 0 {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        grouped
    } else if value >= 10.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.3}")
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark's answer is what it prints")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}

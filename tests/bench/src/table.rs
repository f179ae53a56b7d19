//! The table.

use crate::measure::Figures;

/// Prints the lines of one server as they come.
pub(crate) struct Table(pub(crate) &'static str);

impl Table {
    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn head(&self) {
        println!();
        println!(
            "{:<44} {:>10} {:>10} {:>10} {:>10} {:>8}",
            self.0, "ops/s", "CPU ms/op", "p50 ms", "p99 ms", "MB"
        );
    }

    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn line(&self, what: &str, f: &Figures) {
        println!(
            "{what:<44} {:>10.0} {:>10.3} {:>10.2} {:>10.2} {:>8.0}",
            f.rate,
            f.cpu,
            f.p50.as_secs_f64() * 1000.0,
            f.p99.as_secs_f64() * 1000.0,
            f.memory
        );
    }

    #[expect(clippy::print_stdout, reason = "the table is what the program is for")]
    pub(crate) fn note(&self, what: &str, value: &str) {
        println!("{what:<44} {value}");
    }
}

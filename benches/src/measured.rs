//! What a program prints for each case that it measured.

use serde::Serialize;

/// One line of the output: a value, and what the baseline reached in the same run.
#[derive(Debug, Serialize)]
pub struct Measured {
    case: String,
    unit: &'static str,
    value: f64,
    baseline: f64,
}

impl Measured {
    /// Prints a line of JSON.
    ///
    /// # Errors
    ///
    /// Returns an error if the line cannot be written as JSON.
    #[expect(clippy::print_stdout, reason = "the output of the program")]
    pub fn print(
        case: String,
        unit: &'static str,
        [value, baseline]: [f64; 2],
    ) -> serde_json::Result<()> {
        println!("{}", serde_json::to_string(&Self { case, unit, value, baseline })?);
        Ok(())
    }
}

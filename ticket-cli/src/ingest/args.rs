//! The options of `ticket ingest`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use ticket_core::Level;
use ticket_ingest::Format;

use crate::args::level_parser;

/// Read the logs of other programs and record them
///
/// Each line is counted once, however often its file is ingested: the store remembers how far each file
/// was read, for a year after it was ingested last. Renaming, rotating and truncating a file is noticed.
/// A line from a pipe is identified by its text and time, as long as it is stored; if it has no time, it is
/// counted on every run.
///
/// What containers, syslog, the journal and platforms write around a line is taken off. Files in UTF-16, and files that
/// are compressed with gzip or Zstandard, are read as they are.
///
/// Malformed lines are listed and do not stop the rest. Exit codes: 0 done, even if some lines were
/// malformed; 1 a file could not be read or is no text, a record was refused, or all lines were malformed or had no time
/// or level that is known; 2 wrong usage.
#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The log files; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) files: Vec<PathBuf>,
    /// The format of the lines
    #[arg(long, default_value_t, value_name = "FORMAT", value_parser = format_parser())]
    pub(super) format: Format,
    /// Skip records below this level [default: warning; for events of Panko, which have none: trace]
    #[arg(long, value_name = "LEVEL", value_parser = level_parser())]
    min_level: Option<Level>,
    /// The release of records that do not state one
    #[arg(long, value_name = "RELEASE")]
    pub(super) release: Option<String>,
    /// The environment of records that do not state one, such as production
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// The channel of records that do not state one
    #[arg(long, value_name = "NAME")]
    pub(super) channel: Option<String>,
    /// Keep passwords, tokens and other secrets instead of replacing them by `<redacted>`
    #[arg(long)]
    pub(super) no_redact: bool,
    /// Read files from their start, and record what is not stored (any more)
    #[arg(long)]
    pub(super) again: bool,
    /// Keep reading what is appended, also after a rotation, until interrupted
    #[arg(long)]
    pub(super) follow: bool,
}

impl IngestArgs {
    pub(super) fn min_level(&self) -> Level {
        self.min_level.unwrap_or(match self.format {
            Format::Panko => Level::Trace,
            _ => Level::Warning,
        })
    }
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    let formats = Format::ALL.map(|format| {
        let value = PossibleValue::new(format.as_str());
        match format {
            Format::Auto => value.help("Detect the format of each line"),
            Format::Json => value.help("One JSON object per line, from any known program"),
            Format::Logfmt => value.help("Lines of key=value pairs"),
            Format::Text => value.help("Plain lines"),
            Format::Panko => value.help("One event of Panko per line, as JSON"),
            _ => value,
        }
    });
    PossibleValuesParser::new(formats).try_map(|name| name.parse::<Format>())
}

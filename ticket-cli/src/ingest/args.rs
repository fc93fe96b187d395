//! The options of `ticket ingest`.

use std::path::PathBuf;

use clap::Args;
use ticket_core::Level;

use super::format::Format;
use crate::cli::level_parser;

/// Read logs of other programs and record them
///
/// Each line is counted once, however often its file is ingested: a line is known by its text and its
/// place, also after the file has grown or was rotated. Lines that come through a pipe are known by
/// their text and time; those without a time count in every run.
///
/// Malformed lines are listed and do not stop the rest. Exit codes: 0 done, also with malformed lines
/// among others; 1 a file could not be read, a record was refused, or all lines were malformed; 2 wrong
/// usage.
#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    /// The log files; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub(super) files: Vec<PathBuf>,
    /// How the lines are to be read
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Record nothing below this level
    #[arg(long, default_value_t = Level::Warning, value_name = "LEVEL", value_parser = level_parser())]
    pub(super) min_level: Level,
    /// The release of records that name none
    #[arg(long, value_name = "RELEASE")]
    pub(super) release: Option<String>,
    /// The environment of records that name none, such as production
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// The channel of records that name none
    #[arg(long, value_name = "NAME")]
    pub(super) channel: Option<String>,
    /// Keep passwords, tokens and other secrets that are in the logs; without this they are replaced by
    /// `<redacted>`
    #[arg(long)]
    pub(super) no_redact: bool,
    /// Go on with what is appended, also after the file was rotated, until interrupted
    #[arg(long)]
    pub(super) follow: bool,
}

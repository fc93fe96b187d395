//! PostgreSQL's `jsonlog` and `csvlog`.
//!
//! Errors are grouped by their SQLSTATE, which becomes the type of the error, and by the template of the
//! message. Messages quote names and values in the same way, and a template replaces both. In two classes of
//! errors the quotes are names of the schema (a constraint, a table, a function), and each of them is a
//! problem of its own: there the names are kept. Elsewhere, what is quoted varies from call to call.

use ticket_core::record::ErrorCause;
use ticket_core::{Level, SmolStr};
use ticket_grouping::template;

use super::fields::Fields;
use crate::draft::Draft;
use crate::level;

pub(super) fn knows(fields: &Fields) -> bool {
    fields.has("error_severity") && fields.has("timestamp")
}

pub(super) fn read(mut fields: Fields) -> Draft {
    let mut draft = Draft::new();
    draft.is_recognized = true;
    draft.time = fields.time(&["timestamp"]);
    draft.level = fields.text(&["error_severity"]).as_deref().and_then(severity);
    let state = fields.text(&["state_code"]);
    let record = &mut draft.record;
    record.channel = "postgres".into();
    record.message = fields.text(&["message"]).unwrap_or_default();
    record.process = fields.number(&["pid"]);
    record.location.file = fields.text(&["file_name"]);
    record.location.line = fields.number(&["file_line_num"]);
    record.location.function = fields.text(&["func_name"]);
    if let Some(state) = state.filter(|state| state != "00000") {
        let name = name(&state).map_or_else(|| format!("SQLSTATE {state}"), str::to_owned);
        // Grouping replaces the texts of errors in the message by a mark. If the message were the text of
        // the error as well, all messages of a state would share a ticket. The detail says which key or row
        // it is.
        let detail = fields.text(&["detail"]).unwrap_or_else(|| format!("SQLSTATE {state}").into());
        record.error.push(ErrorCause::new(Some(name.into()), detail));
        record.fingerprint = fingerprint(&state, &record.message);
        draft.keep("state_code", state);
    }
    draft.keep_all("", fields);
    draft
}

/// Converts a severity as the documentation of PostgreSQL maps it to syslog: a `FATAL` ends one session, and
/// only a `PANIC` ends all of them.
fn severity(name: &str) -> Option<Level> {
    Some(match name {
        "LOG" | "INFO" => Level::Info,
        "NOTICE" => Level::Notice,
        "WARNING" => Level::Warning,
        "ERROR" | "FATAL" => Level::Error,
        "PANIC" => Level::Critical,
        _ if name.starts_with("DEBUG") => Level::Debug,
        // The server translates the names.
        _ => return level::parse(name),
    })
}

/// Returns a fingerprint that keeps the names of the schema that the message quotes.
fn fingerprint(state: &str, message: &str) -> Option<SmolStr> {
    let names_the_schema = match state.get(..2)? {
        "23" => true,
        // A syntax error quotes a part of the statement.
        "42" => state != "42601",
        _ => false,
    };
    names_the_schema
        .then(|| format!("postgres {state}: {}", template(&message.replace('"', ""))).into())
}

/// Returns the name that the documentation gives to a common state.
fn name(state: &str) -> Option<&'static str> {
    Some(match state {
        "08006" => "connection_failure",
        "08P01" => "protocol_violation",
        "22001" => "string_data_right_truncation",
        "22003" => "numeric_value_out_of_range",
        "22007" => "invalid_datetime_format",
        "22012" => "division_by_zero",
        "22021" => "character_not_in_repertoire",
        "22P02" => "invalid_text_representation",
        "23502" => "not_null_violation",
        "23503" => "foreign_key_violation",
        "23505" => "unique_violation",
        "23514" => "check_violation",
        "25P02" => "in_failed_sql_transaction",
        "28000" => "invalid_authorization_specification",
        "28P01" => "invalid_password",
        "3D000" => "invalid_catalog_name",
        "40001" => "serialization_failure",
        "40P01" => "deadlock_detected",
        "42501" => "insufficient_privilege",
        "42601" => "syntax_error",
        "42703" => "undefined_column",
        "42804" => "datatype_mismatch",
        "42883" => "undefined_function",
        "42P01" => "undefined_table",
        "42P07" => "duplicate_table",
        "53100" => "disk_full",
        "53200" => "out_of_memory",
        "53300" => "too_many_connections",
        "55P03" => "lock_not_available",
        "57014" => "query_canceled",
        "57P01" => "admin_shutdown",
        "57P03" => "cannot_connect_now",
        "58P01" => "undefined_file",
        "P0001" => "raise_exception",
        "XX000" => "internal_error",
        "XX001" => "data_corrupted",
        _ => return None,
    })
}

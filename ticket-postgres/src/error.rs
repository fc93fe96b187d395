//! From the driver's errors to ours.

use ticket_core::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// The name of this backend in messages.
pub(crate) const BACKEND: &str = "postgres";

/// The error of a statement or a connection. The driver's own text is only in the source: it names
/// statements and constraints, and never a password.
pub(crate) fn from_postgres(error: tokio_postgres::Error) -> Error {
    let (kind, message) = match error.code() {
        Some(code) => of_code(code),
        // No answer of the server's: the connection was refused, reset, or closed.
        None if is_conversion(&error) => {
            (ErrorKind::Corrupt, "a stored value has an unexpected form")
        }
        None => (ErrorKind::Unavailable, "the connection to the server failed"),
    };
    Error::new(kind, BACKEND, message).with_source(error)
}

/// Whether the driver could not read an answer that did arrive.
fn is_conversion(error: &tokio_postgres::Error) -> bool {
    use std::error::Error as _;
    // The driver has no public kind for it; the type of the source tells it from a broken connection.
    error.source().is_some_and(|source| source.is::<tokio_postgres::types::WrongType>())
}

fn of_code(code: &SqlState) -> (ErrorKind, &'static str) {
    use ErrorKind::{Config, Corrupt, Rejected, Unavailable};
    match code.code() {
        "28P01" | "28000" => {
            (Config, "the server refused the user or the password: correct them in the URI")
        }
        "3D000" => {
            (Config, "the database does not exist: create it, or correct its name in the URI")
        }
        "3F000" => (Config, "the schema does not exist: create it, or correct its name in the URI"),
        "42501" => (Unavailable, "the user may not do that: grant the right in the database"),
        "42P01" | "42703" | "42883" => (Corrupt, "the tables are not those of this backend"),
        "25006" => (Unavailable, "the server is read-only"),
        "53100" => (Unavailable, "the server's disk is full"),
        "53300" => (Unavailable, "the server has no connection left"),
        "55P03" => (Unavailable, "somebody else kept a row or table locked for too long"),
        "57014" => (Unavailable, "the statement took too long"),
        code => match &code[..2] {
            "22" | "54" => (Rejected, "the server refused a value"),
            "23" => (Corrupt, "what is stored contradicts itself"),
            "40" => (Unavailable, "others wrote at the same time"),
            "XX" => (Corrupt, "the server found damaged data"),
            _ => (Unavailable, "the server could not carry out the statement"),
        },
    }
}

/// The code with which the server answered, if it did.
fn code(error: &Error) -> Option<&SqlState> {
    use std::error::Error as _;
    error.source()?.downcast_ref::<tokio_postgres::Error>()?.code()
}

/// Whether another attempt with the same rows is due at once: a deadlock or a lost race.
pub(crate) fn is_conflict(error: &Error) -> bool {
    code(error).is_some_and(|code| {
        [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code)
    })
}

/// Whether a statement has stopped itself by dividing by zero, because what it assumed is not so.
pub(crate) fn is_stopped(error: &Error) -> bool {
    code(error) == Some(&SqlState::DIVISION_BY_ZERO)
}

/// Whether rows do not fit a partition that was to be made.
pub(crate) fn is_check_violation(error: &Error) -> bool {
    code(error) == Some(&SqlState::CHECK_VIOLATION)
}

/// Whether somebody else has locked what is needed, or locks it while we wait: another time, perhaps.
pub(crate) fn is_retryable_lock(error: &Error) -> bool {
    let gone = [SqlState::LOCK_NOT_AVAILABLE, SqlState::UNDEFINED_TABLE];
    is_conflict(error) || code(error).is_some_and(|code| gone.contains(code))
}

/// The error of something stored that cannot be read back.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, format!("{what} cannot be read back"))
}

/// The error of a store that did not answer.
pub(crate) fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, BACKEND, message)
}

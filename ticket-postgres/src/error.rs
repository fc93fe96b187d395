//! Maps the driver's errors to those of ticket-core.

use std::io;

use ticket_core::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// The name of this backend in error messages.
pub(crate) const BACKEND: &str = "postgres";

/// Maps an error of a statement or a connection. The driver's own text stays in the source: it
/// names statements and constraints, but never a password.
pub(crate) fn from_postgres(error: tokio_postgres::Error) -> Error {
    let (kind, message) = error.code().map_or_else(|| without_code(&error), of_code);
    Error::new(kind, BACKEND, message).with_source(error)
}

/// Classifies an error that the server did not send.
fn without_code(error: &tokio_postgres::Error) -> (ErrorKind, &'static str) {
    use ErrorKind::{Config, Corrupt, Unavailable};
    const BROKEN: &str = "the connection to the server failed";
    let Some(source) = std::error::Error::source(error) else { return (Unavailable, BROKEN) };
    // The driver has no public kinds for these errors; the type of the source distinguishes them.
    if source.is::<tokio_postgres::types::WrongType>() {
        return (Corrupt, "a stored value has an unexpected form");
    }
    let Some(io) = source.downcast_ref::<io::Error>() else {
        return (
            Config,
            "the server cannot be connected to in this way: correct the sslmode or the password in the URI",
        );
    };
    #[cfg(feature = "tls")]
    if let Some(error) = io.get_ref().and_then(|inner| inner.downcast_ref()) {
        return (Config, of_tls(error));
    }
    // This is how the driver reports that no host accepts writes. A refusal by the operating system
    // has a number.
    if io.kind() == io::ErrorKind::PermissionDenied && io.raw_os_error().is_none() {
        return (Unavailable, "none of the servers accepts writes at the moment");
    }
    (Unavailable, BROKEN)
}

#[cfg(feature = "tls")]
const fn of_tls(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Bad;
    use rustls::Error::InvalidCertificate;
    match error {
        InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "the server's certificate is not of this host: write the name that it is of, or \
             sslmode=verify-ca"
        }
        // `BadSignature`: another authority has the same name.
        InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "the server's certificate is signed by nobody who is trusted: name the file of who has \
             signed it in sslrootcert"
        }
        InvalidCertificate(_) => "the server's certificate is not accepted",
        _ => "the connection cannot be encrypted",
    }
}

fn of_code(code: &SqlState) -> (ErrorKind, &'static str) {
    use ErrorKind::{Config, Corrupt, Rejected, Unavailable};
    match code.code() {
        "28P01" => (Config, "the server refused the password: correct it in the URI"),
        "28000" => (
            Config,
            "the server does not let this user in from here, or not over a connection that is not \
             encrypted: correct the user and the sslmode in the URI, or the server's pg_hba.conf",
        ),
        "3D000" => {
            (Config, "the database does not exist: create it, or correct its name in the URI")
        }
        "3F000" => (Config, "the schema does not exist: create it, or correct its name in the URI"),
        "42501" => (Unavailable, "the user may not do that: grant the right in the database"),
        // Somebody has to restore it, and may do so at any time.
        "42P01" | "42703" | "42883" => (
            Config,
            "a table or a column of the store is missing: put it back, or rename what is left and call \
             setup_backend",
        ),
        "0A000" | "42601" => (
            Config,
            "the server does not support a statement of this store: write the URI of a PostgreSQL server, or \
             of an engine on which the conformance suite passes",
        ),
        "25006" => (Unavailable, "the server is read-only"),
        "53100" => (Unavailable, "the server's disk is full"),
        "53300" => (Unavailable, "the server has no connection left"),
        "55P03" => {
            (Unavailable, "another transaction held a lock on a row or a table for too long")
        }
        "57014" => (Unavailable, "the statement took too long"),
        code => match &code[..2] {
            "22" | "54" => (Rejected, "the server refused a value"),
            "23" => (Corrupt, "the stored data is inconsistent"),
            "40" => (Unavailable, "another transaction wrote at the same time"),
            // XX000 is any failure that has no code of its own, such as one of an extension or a proxy.
            "XX" if code != "XX000" => (Corrupt, "the server found damaged data"),
            _ => (Unavailable, "the server failed to run the statement"),
        },
    }
}

/// Returns the server's error code, if the server sent one.
fn code(error: &Error) -> Option<&SqlState> {
    use std::error::Error as _;
    error.source()?.downcast_ref::<tokio_postgres::Error>()?.code()
}

/// Returns `true` for a deadlock or a lost race, after which the same rows can be sent again at
/// once.
pub(crate) fn is_conflict(error: &Error) -> bool {
    code(error).is_some_and(|code| {
        [SqlState::T_R_DEADLOCK_DETECTED, SqlState::T_R_SERIALIZATION_FAILURE].contains(code)
    })
}

/// Returns `true` if a statement stopped itself by dividing by zero, because one of its assumptions
/// was wrong.
pub(crate) fn is_stopped(error: &Error) -> bool {
    code(error) == Some(&SqlState::DIVISION_BY_ZERO)
}

/// Returns `true` if a statement did not fit the tables, which may have another version.
pub(crate) fn is_misfit(error: &Error) -> bool {
    use SqlState as S;
    let misfits = [S::UNDEFINED_TABLE, S::UNDEFINED_COLUMN, S::UNDEFINED_FUNCTION];
    is_stopped(error) || code(error).is_some_and(|code| misfits.contains(code))
}

/// Returns `true` if existing rows kept a partition from being made.
pub(crate) fn is_check_violation(error: &Error) -> bool {
    code(error) == Some(&SqlState::CHECK_VIOLATION)
}

/// Returns `true` if another transaction holds the lock, or dropped the table while this one
/// waited: worth another attempt later.
pub(crate) fn is_retryable_lock(error: &Error) -> bool {
    let gone = [SqlState::LOCK_NOT_AVAILABLE, SqlState::UNDEFINED_TABLE];
    is_conflict(error) || code(error).is_some_and(|code| gone.contains(code))
}

/// The error for stored data that cannot be read back.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, format!("{what} cannot be read back"))
}

/// The error for a store that did not answer.
pub(crate) fn unavailable(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unavailable, BACKEND, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_that_may_pass_are_retryable() {
        let kind = |code: &str| of_code(&SqlState::from_code(code)).0;
        for code in ["40001", "40P01", "42501", "53300", "55P03", "57014", "57P01", "XX000"] {
            assert_eq!(kind(code), ErrorKind::Unavailable, "{code}");
        }
        // Neither a statement that the server does not know nor one that it does not support.
        for code in ["0A000", "28P01", "3D000", "42601", "42P01", "42883"] {
            assert_eq!(kind(code), ErrorKind::Config, "{code}");
        }
        for code in ["22021", "54000"] {
            assert_eq!(kind(code), ErrorKind::Rejected, "{code}");
        }
        for code in ["23505", "XX001", "XX002"] {
            assert_eq!(kind(code), ErrorKind::Corrupt, "{code}");
        }
    }
}

//! From the driver's errors to ours.

use std::io;

use ticket_core::{Error, ErrorKind};
use tokio_postgres::error::SqlState;

/// The name of this backend in messages.
pub(crate) const BACKEND: &str = "postgres";

/// The error of a statement or a connection. The driver's own text is only in the source: it names
/// statements and constraints, and never a password.
pub(crate) fn from_postgres(error: tokio_postgres::Error) -> Error {
    let (kind, message) = error.code().map_or_else(|| without_code(&error), of_code);
    Error::new(kind, BACKEND, message).with_source(error)
}

/// What failed before the server could answer, or could not be read.
fn without_code(error: &tokio_postgres::Error) -> (ErrorKind, &'static str) {
    use ErrorKind::{Config, Corrupt, Unavailable};
    const BROKEN: &str = "the connection to the server failed";
    let Some(source) = std::error::Error::source(error) else { return (Unavailable, BROKEN) };
    // The driver has no public kinds for these; the type of the source tells them apart.
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
    // The driver says so where no host accepts writes. A refusal of the operating system has a number.
    if io.kind() == io::ErrorKind::PermissionDenied && io.raw_os_error().is_none() {
        return (Unavailable, "none of the servers can be written to now");
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
        // Of another authority of the same name, in the second case.
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
        // Somebody has to put it back, and it may be back any time.
        "42P01" | "42703" | "42883" => (
            Config,
            "a table or a column of the store is missing: put it back, or rename what is left and call \
             setup_backend",
        ),
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

/// Whether a statement did not fit the tables that are there, which may be of another version.
pub(crate) fn is_misfit(error: &Error) -> bool {
    use SqlState as S;
    let misfits = [S::UNDEFINED_TABLE, S::UNDEFINED_COLUMN, S::UNDEFINED_FUNCTION];
    is_stopped(error) || code(error).is_some_and(|code| misfits.contains(code))
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

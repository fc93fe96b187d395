//! Maps the driver's errors to [`Error`].

use rusqlite::ErrorCode;
use ticket_core::{Error, ErrorKind};

/// The name of this backend in error messages.
pub(crate) const BACKEND: &str = "sqlite";

/// Maps an error of SQLite. The driver's own text stays in the source: it may contain a statement,
/// but never a value.
pub(crate) fn from_sqlite(error: rusqlite::Error) -> Error {
    let (kind, message) = match error.sqlite_error_code() {
        Some(code) => of_code(code),
        None => (ErrorKind::Corrupt, "a stored value has an unexpected form"),
    };
    Error::new(kind, BACKEND, message).with_source(error)
}

fn of_code(code: ErrorCode) -> (ErrorKind, &'static str) {
    use ErrorKind::{Corrupt, Rejected, Unavailable};
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (Unavailable, "another connection kept the file locked for longer than busy_timeout")
        }
        ErrorCode::ReadOnly => (Unavailable, "the file or its directory is read-only"),
        ErrorCode::DiskFull => (Unavailable, "the disk is full"),
        ErrorCode::CannotOpen => (Unavailable, "the file cannot be opened"),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            (Unavailable, "access to the file is denied")
        }
        ErrorCode::SystemIoFailure => (Unavailable, "reading or writing the file failed"),
        ErrorCode::DatabaseCorrupt => (Corrupt, "the file is damaged"),
        ErrorCode::NotADatabase => (Corrupt, "the file is not a SQLite database"),
        ErrorCode::TooBig => (Rejected, "a value is larger than SQLite can hold"),
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => {
            (Corrupt, "the stored data is inconsistent")
        }
        ErrorCode::Unknown => (Corrupt, "the tables do not belong to this backend"),
        _ => (Unavailable, "SQLite failed to run the statement"),
    }
}

/// The error for stored data that cannot be read back.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, format!("{what} cannot be read back"))
}

/// The error for a store whose thread did not answer.
pub(crate) fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, BACKEND, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(code: std::ffi::c_int) -> Error {
        from_sqlite(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), None))
    }

    fn kind(code: std::ffi::c_int) -> ErrorKind {
        of(code).kind()
    }

    #[test]
    fn what_may_pass_is_unavailable_and_what_is_damaged_is_corrupt() {
        use rusqlite::ffi;
        let passing = [
            ffi::SQLITE_BUSY,
            ffi::SQLITE_BUSY_SNAPSHOT,
            ffi::SQLITE_LOCKED,
            ffi::SQLITE_READONLY,
            ffi::SQLITE_READONLY_DBMOVED,
            ffi::SQLITE_FULL,
            ffi::SQLITE_IOERR,
            ffi::SQLITE_IOERR_FSYNC,
            ffi::SQLITE_CANTOPEN,
            ffi::SQLITE_PERM,
            ffi::SQLITE_AUTH,
            ffi::SQLITE_NOMEM,
            ffi::SQLITE_INTERRUPT,
            ffi::SQLITE_PROTOCOL,
        ];
        for code in passing {
            assert_eq!(kind(code), ErrorKind::Unavailable, "{code}");
        }
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CONSTRAINT] {
            assert_eq!(kind(code), ErrorKind::Corrupt, "{code}");
        }
        assert_eq!(kind(ffi::SQLITE_TOOBIG), ErrorKind::Rejected);
        assert_eq!(from_sqlite(rusqlite::Error::InvalidQuery).kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn what_a_user_can_mend_is_named() {
        use rusqlite::ffi;
        let named = [
            (ffi::SQLITE_BUSY, "busy_timeout"),
            (ffi::SQLITE_LOCKED, "busy_timeout"),
            (ffi::SQLITE_READONLY, "read-only"),
            (ffi::SQLITE_FULL, "disk is full"),
            (ffi::SQLITE_CANTOPEN, "cannot be opened"),
            (ffi::SQLITE_PERM, "denied"),
            (ffi::SQLITE_AUTH, "denied"),
            (ffi::SQLITE_IOERR, "reading or writing the file"),
        ];
        for (code, part) in named {
            let error = of(code);
            assert!(error.message().contains(part), "{error}");
        }
    }
}

//! Maps the driver's errors to those of ticket-core.

use mongodb::bson::Document;
use mongodb::error::{
    Error as DriverError, ErrorKind as DriverKind, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};
use ticket_core::{Error, ErrorKind};

/// The name of this backend in error messages.
pub(crate) const BACKEND: &str = "mongodb";

const DUPLICATE_KEY: i32 = 11_000;
const WRITE_CONFLICT: i32 = 112;
const NO_SUCH_TRANSACTION: i32 = 251;

/// The failure of a unit of work, before it is decided whether to retry.
#[derive(Debug)]
pub(crate) enum Failure {
    /// An error of the driver.
    Driver(Box<DriverError>),
    /// An error of one statement in a command that succeeded as a whole.
    Statement { code: i32, message: String },
    /// Another process took over the lease and settled what this unit had begun.
    LostLease,
    /// An error of this crate.
    Ours(Error),
}

pub(crate) type Outcome<T> = Result<T, Failure>;

impl From<DriverError> for Failure {
    fn from(error: DriverError) -> Self {
        Self::Driver(Box::new(error))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl Failure {
    /// Returns `true` if the whole unit may succeed when it is retried at once.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Driver(error) => {
                error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                    || code(error).is_some_and(is_conflict)
            }
            Self::Statement { code, .. } => is_conflict(*code),
            Self::LostLease => true,
            Self::Ours(_) => false,
        }
    }

    /// Returns `true` if the server reported the failure, as opposed to the network.
    pub(crate) fn is_of_server(&self) -> bool {
        match self {
            Self::Driver(error) => code(error).is_some(),
            Self::Statement { .. } | Self::LostLease | Self::Ours(_) => true,
        }
    }

    /// Returns `true` if a commit may or may not have happened, so that it has to be sent again.
    pub(crate) fn is_unknown_commit(&self) -> bool {
        matches!(self, Self::Driver(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT))
    }

    /// Returns `true` if a key existed already.
    pub(crate) fn is_duplicate(&self) -> bool {
        match self {
            Self::Driver(error) => code(error) == Some(DUPLICATE_KEY),
            Self::Statement { code, .. } => *code == DUPLICATE_KEY,
            Self::LostLease | Self::Ours(_) => false,
        }
    }
}

fn is_conflict(code: i32) -> bool {
    [DUPLICATE_KEY, WRITE_CONFLICT, NO_SUCH_TRANSACTION].contains(&code)
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Driver(error) => from_mongo(*error),
            Failure::Statement { code, message } => {
                let (kind, text) = of_code(code);
                Self::new(kind, BACKEND, text).with_source(message)
            }
            Failure::LostLease => unavailable(
                "this process was too slow, and another one took over the lease: send the batch again",
            ),
            Failure::Ours(error) => error,
        }
    }
}

/// Returns the code of the server's error, if it is one.
pub(crate) fn code(error: &DriverError) -> Option<i32> {
    match &*error.kind {
        DriverKind::Command(command) => Some(command.code),
        DriverKind::Write(WriteFailure::WriteError(write)) => Some(write.code),
        DriverKind::InsertMany(many) => many.write_errors.as_ref()?.first().map(|e| e.code),
        _ => None,
    }
}

/// Maps an error of the driver.
pub(crate) fn from_mongo(error: DriverError) -> Error {
    let (kind, message) = match (&*error.kind, code(&error)) {
        (DriverKind::Authentication { .. }, _) => (ErrorKind::Config, DENIED),
        // The driver fails to select a server if every server rejects the user.
        (DriverKind::ServerSelection { .. }, _) => (
            ErrorKind::Unavailable,
            "no server of the URI can be reached, or none may be written to; that is also so where one \
             side speaks TLS and the other does not (tls=true or tls=false in the URI)",
        ),
        (DriverKind::DnsResolve { .. }, _) => {
            (ErrorKind::Unavailable, "the host of the URI cannot be resolved")
        }
        (DriverKind::InvalidArgument { .. } | DriverKind::InvalidTlsConfig { .. }, _) => {
            (ErrorKind::Config, "the driver does not accept the options of the URI")
        }
        (DriverKind::Bson(_) | DriverKind::InvalidResponse { .. }, _) => {
            (ErrorKind::Corrupt, "the server sent an answer that cannot be read")
        }
        (DriverKind::IncompatibleServer { .. }, _) => {
            (ErrorKind::Config, "the server is too old for the driver")
        }
        (_, Some(code)) => of_code(code),
        _ => (ErrorKind::Unavailable, "the connection to the server failed"),
    };
    Error::new(kind, BACKEND, message).with_source(error)
}

const DENIED: &str = "the server does not let this user in: check the user, the password, and the \
    database that has the user (authSource)";

fn of_code(code: i32) -> (ErrorKind, &'static str) {
    use ErrorKind::{Config, Corrupt, Rejected, Unavailable};
    match code {
        // AuthenticationFailed
        18 => (Config, DENIED),
        // Unauthorized
        13 => (Config, "the user lacks a right on the database: give it readWrite"),
        // BSONObjectTooLarge and its older codes
        10_334 | 17_419 | 17_420 => (Rejected, "a document is larger than MongoDB can hold"),
        // BadValue, FailedToParse, TypeMismatch, DocumentValidationFailure
        2 | 9 | 14 | 121 => (Rejected, "the server refused a value"),
        // IndexOptionsConflict, IndexKeySpecsConflict, NamespaceExists, InvalidNamespace
        85 | 86 | 48 | 73 => (Corrupt, "the collections do not belong to this backend"),
        DUPLICATE_KEY | WRITE_CONFLICT | NO_SUCH_TRANSACTION => {
            (Unavailable, "other writers kept changing the same tickets")
        }
        _ => (Unavailable, "the server failed to run the command"),
    }
}

/// Returns the failure that the answer of a successful command reports for one of its statements.
pub(crate) fn check_statements(answer: &Document) -> Outcome<()> {
    let first = |list: &str| {
        let errors = answer.get_array(list).ok()?;
        errors.first()?.as_document().cloned()
    };
    let error =
        first("writeErrors").or_else(|| answer.get_document("writeConcernError").ok().cloned());
    match error {
        None => Ok(()),
        Some(error) => Err(Failure::Statement {
            code: error.get_i32("code").unwrap_or(0),
            // Only the name: the message may contain values.
            message: format!(
                "code {} {}",
                error.get_i32("code").unwrap_or(0),
                error.get_str("codeName").unwrap_or("")
            ),
        }),
    }
}

/// The error for stored data that cannot be read back.
pub(crate) fn corrupt(what: &str) -> Error {
    Error::new(ErrorKind::Corrupt, BACKEND, format!("{what} cannot be read back"))
}

/// The error for a store that did not answer.
pub(crate) fn unavailable(message: &str) -> Error {
    Error::new(ErrorKind::Unavailable, BACKEND, message)
}

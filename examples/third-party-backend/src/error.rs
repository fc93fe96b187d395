//! [`Failure`]: the driver's errors, converted to ours.

use std::io;

use ticket_core::{Error, ErrorKind};

use crate::BACKEND;

/// An error on its way out of this crate. The `?` operator converts those of redb into it.
pub(crate) struct Failure(pub(crate) Error);

pub(crate) type Answer<T> = Result<T, Failure>;

macro_rules! convert {
    ($($error:ty => $convert:expr,)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self($convert(error.into()))
            }
        }
    )*};
}

convert! {
    Error => |error: Error| error,
    redb::CommitError => from_redb,
    redb::DatabaseError => from_redb,
    redb::StorageError => from_redb,
    redb::TableError => from_redb,
    redb::TransactionError => from_redb,
    serde_json::Error => |error: serde_json::Error| {
        Error::new(ErrorKind::Corrupt, BACKEND, "a stored value is damaged").with_source(error)
    },
}

/// Decides by the error's variant. No error of redb contains a key or a value.
fn from_redb(error: redb::Error) -> Error {
    use redb::Error as Redb;
    let (kind, message) = match &error {
        Redb::DatabaseAlreadyOpen | Redb::WouldBlock => {
            (ErrorKind::Unavailable, "another program has locked the file for too long")
        }
        Redb::Io(cause) => match cause.kind() {
            io::ErrorKind::NotFound => (ErrorKind::Config, "the file's folder does not exist"),
            io::ErrorKind::PermissionDenied => (ErrorKind::Config, "no permission for the file"),
            io::ErrorKind::InvalidData => (ErrorKind::Corrupt, "the file is not one of redb"),
            _ => (ErrorKind::Unavailable, "the file cannot be read or written"),
        },
        Redb::LockProtocolMismatch | Redb::UpgradeRequired(_) => {
            (ErrorKind::Config, "the file belongs to another version of redb")
        }
        Redb::ValueTooLarge(_) => (ErrorKind::Rejected, "a value is too large for redb"),
        Redb::Corrupted(_) | Redb::TableTypeMismatch { .. } => {
            (ErrorKind::Corrupt, "the file is damaged")
        }
        _ => (ErrorKind::Unavailable, "redb failed"),
    };
    Error::new(kind, BACKEND, message).with_source(error)
}

//! The check of a stored schema's version.

use crate::{Error, ErrorKind, Result};

/// Checks that the stored schema is the one that this program writes (rule 24).
///
/// `what` names the schema in messages, such as `tables`. `found` is the newest version that is stored, 0 if there
/// is no schema at all, and `current` the version that this program writes.
///
/// # Errors
///
/// [`ErrorKind::Config`] for a schema that is missing or older: `setup_backend` puts that right. [`ErrorKind::Corrupt`]
/// for a newer one, which this program must not touch.
pub fn check_schema_version(
    backend: &'static str,
    what: &str,
    found: i64,
    current: i64,
) -> Result<()> {
    let (kind, message) = if found == current {
        return Ok(());
    } else if found > current {
        let message = format!(
            "the {what} are of version {found}, and this program knows versions up to {current}: use a newer program"
        );
        (ErrorKind::Corrupt, message)
    } else if found > 0 {
        let message = format!(
            "the {what} are of the older version {found}: call setup_backend once without autocreate=false, \
             which brings them to version {current}"
        );
        (ErrorKind::Config, message)
    } else {
        let message = format!(
            "the {what} do not exist: call setup_backend once without autocreate=false, which creates them"
        );
        (ErrorKind::Config, message)
    };
    Err(Error::new(kind, backend, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_current_version_passes() {
        let check = |found| check_schema_version("test", "tables", found, 3);
        assert!(check(3).is_ok());
        for (found, kind, says) in [
            (0, ErrorKind::Config, "do not exist"),
            (1, ErrorKind::Config, "older version 1"),
            (2, ErrorKind::Config, "to version 3"),
            (4, ErrorKind::Corrupt, "up to 3"),
        ] {
            let error = check(found).unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.message().contains(says), "{error}");
        }
    }
}

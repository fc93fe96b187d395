//! The version check of a stored schema.

use crate::{Error, ErrorKind, Result};

/// Checks that the stored schema has the version that this program uses (rule 24).
///
/// `what` is a plural noun for error messages, such as `tables`. `found` is the stored version, or 0 if
/// there is no schema, and `current` is the version that this program uses.
///
/// # Errors
///
/// Returns [`ErrorKind::Config`] if the schema is missing or older, which `setup_backend` fixes, and
/// [`ErrorKind::Corrupt`] if it is newer, in which case this program must not touch it.
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
            "the {what} have version {found}, but this program supports versions up to {current}: use a newer program"
        );
        (ErrorKind::Corrupt, message)
    } else if found > 0 {
        let message = format!(
            "the {what} have the older version {found}: setup_backend brings them to version {current}"
        );
        (ErrorKind::Config, message)
    } else {
        let message = format!("the {what} do not exist: setup_backend creates them");
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

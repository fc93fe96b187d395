//! [`Grouping`]: the rule by which records are grouped into tickets.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use ticket_core::{Fingerprint, Ingredients, Record, SmolStr};

use crate::template;

/// The rule by which a handler groups records into tickets.
///
/// Records with the same fingerprint belong to the same ticket. A record with an explicit
/// [`fingerprint`](Record::fingerprint) is grouped by that text instead.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Grouping {
    /// Groups by level, channel, file, function (or module, if the function is unknown), the types of the error
    /// chain, and the [template](crate::template) of the message, in which the texts of those errors are
    /// replaced by `<error>`. The text of an error counts if the error has no type, or one that any error may have, such
    /// as `panic`, `Error` or `RuntimeException`.
    ///
    /// Line numbers are ignored, so that an edit above the call does not open a new ticket.
    #[default]
    Stable,
    /// Groups by level, channel, file and line, as Logbook does.
    Location,
    /// Groups by the text that a function returns for the record.
    Custom(Arc<dyn Fn(&Record) -> SmolStr + Send + Sync>),
}

impl Grouping {
    /// Creates a grouping by the text that a function returns for the record.
    pub fn custom<T: Into<SmolStr>>(
        function: impl Fn(&Record) -> T + Send + Sync + 'static,
    ) -> Self {
        Self::Custom(Arc::new(move |record| function(record).into()))
    }

    /// Returns the fingerprint of a record within its application.
    ///
    /// Two deployments of one application that use different salts never share a ticket.
    ///
    /// ```
    /// use ticket_core::{Level, Record};
    /// use ticket_grouping::Grouping;
    ///
    /// let fingerprint = |message: &str| {
    ///     Grouping::Stable.fingerprint(&Record::new(Level::Error, "db", message), b"").id()
    /// };
    /// assert_eq!(fingerprint("user 17 is gone"), fingerprint("user 4242 is gone"));
    /// assert_ne!(fingerprint("user 17 is gone"), fingerprint("no such table"));
    /// ```
    #[must_use]
    pub fn fingerprint(&self, record: &Record, salt: &[u8]) -> Fingerprint {
        let ingredients = match (&record.fingerprint, self) {
            (Some(text), _) => Ingredients::new("override/1").with("fingerprint", text.clone()),
            (None, Self::Stable) => stable(record),
            (None, Self::Location) => location(record),
            (None, Self::Custom(function)) => {
                Ingredients::new("custom/1").with("key", function(record))
            }
        };
        Fingerprint::new(&record.app_id, salt, ingredients)
    }
}

impl fmt::Debug for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stable => "Stable",
            Self::Location => "Location",
            Self::Custom(_) => "Custom(..)",
        })
    }
}

/// The types of errors that programs use where they have no type of their own.
const SAYS_NOTHING: [&str; 12] = [
    "panic",
    "fatal error",
    "error",
    "Error",
    "Exception",
    "RuntimeError",
    "StandardError",
    "RuntimeException",
    "java.lang.Exception",
    "java.lang.RuntimeException",
    "System.Exception",
    "UnhandledPromiseRejection",
];

fn stable(record: &Record) -> Ingredients {
    let location = &record.location;
    let mut ingredients = Ingredients::new("stable/1")
        .with("level", record.level.as_str())
        .with("channel", record.channel.clone())
        .with_known("file", location.file.as_deref().map(stable_file));
    ingredients = match (&location.function, &location.module) {
        (Some(function), _) => ingredients.with("function", function.clone()),
        (None, module) => ingredients.with_known("module", module.clone()),
    };
    for cause in &record.error {
        // Without a type that says something, only the text distinguishes one error from another.
        let name = match &cause.type_name {
            Some(name) if !SAYS_NOTHING.contains(&name.as_str()) => name.clone(),
            Some(name) => format!("{name}: {}", template(&cause.message)).into(),
            None => template(&cause.message).into(),
        };
        ingredients = ingredients.with("error", name);
    }
    ingredients.with("message", message_template(record))
}

/// Returns the template of the message, with the text of each error of the chain replaced by `<error>`.
///
/// Messages often end in the text of their error. Variable parts of that text must not split a ticket, since the
/// type of the error already is an ingredient. Texts of one or two bytes and mere numbers are left alone: they would
/// match by chance.
fn message_template(record: &Record) -> String {
    let mut message = Cow::Borrowed(record.message.as_str());
    for cause in record.error.iter().filter(|cause| is_text(&cause.message)) {
        if message.contains(cause.message.as_str()) {
            message = message.replace(cause.message.as_str(), "<error>").into();
        }
    }
    template(&message)
}

fn is_text(message: &str) -> bool {
    message.len() > 2 && message.contains(char::is_alphabetic)
}

fn location(record: &Record) -> Ingredients {
    let location = &record.location;
    Ingredients::new("location/1")
        .with("level", record.level.as_str())
        .with("channel", record.channel.clone())
        .with_known("file", location.file.as_deref().map(stable_file))
        .with_known("line", location.line.map(|line| line.to_string()))
}

/// Returns a source file in a form that is the same on every machine: with forward slashes, and without the path
/// to the local copy of the package registry.
fn stable_file(file: &str) -> String {
    let file = file.replace('\\', "/");
    match file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/')) {
        Some((_, crate_file)) => crate_file.to_owned(),
        None => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ticket_core::record::ErrorCause;
    use ticket_core::{Level, Location, TicketId};

    fn record(message: &str) -> Record {
        Record::new(Level::Error, "shop::db", message).with_app_id("shop").with_location(
            Location::new().with_file("src/db.rs").with_line(7).with_module("shop::db"),
        )
    }

    fn id(record: &Record) -> TicketId {
        Grouping::Stable.fingerprint(record, b"").id()
    }

    /// A change of these values orphans every stored ticket. If it is intended, raise the version of the grouping
    /// and add a line to the changelog.
    #[test]
    fn fingerprints_are_pinned() {
        let mut with_error = record("cannot load user 17");
        with_error.error = vec![
            ErrorCause::new(Some("Os".into()), "No such file or directory (os error 2)"),
            ErrorCause::new(None, "disk 3 is gone"),
        ];
        let vectors = [
            (Grouping::Stable, record("timeout after 30s"), &b""[..]),
            (Grouping::Stable, with_error, b""),
            (Grouping::Stable, record("timeout after 30s"), b"salt"),
            (Grouping::Location, record("timeout after 30s"), b""),
            (Grouping::custom(|record| record.channel.to_string()), record("x"), b""),
            (Grouping::Stable, record("x").with_fingerprint("payments"), b""),
            (Grouping::Stable, Record::new(Level::Info, "", ""), b""),
        ];
        let ids: Vec<String> = vectors
            .iter()
            .map(|(grouping, record, salt)| grouping.fingerprint(record, salt).id().to_string())
            .collect();
        assert_eq!(ids, PINNED);
    }

    /// Computed by an independent program from the description of [`Fingerprint::new`].
    const PINNED: [&str; 7] = [
        "60e55acdde573c185f673ac23787df35",
        "617862db485563b2a528d0f0ff9276c4",
        "9fda0274ec8bf959bbd1fefdea8760d8",
        "2ab8845bd49ebe36518971f864938c33",
        "3277baeb40567b876f7413deda185be2",
        "f59a6ecb4c1786be7f22f5183ad9c84b",
        "815473b498ab899f5055b6141a63a2a4",
    ];

    #[test]
    fn a_change_of_an_ingredient_opens_another_ticket() {
        let base = record("timeout");
        let other = |change: fn(&mut Record)| {
            let mut record = base.clone();
            change(&mut record);
            id(&record)
        };
        assert_ne!(id(&base), other(|record| record.level = Level::Warning));
        assert_ne!(id(&base), other(|record| record.channel = "x".into()));
        assert_ne!(id(&base), other(|record| record.app_id = "x".into()));
        assert_ne!(id(&base), other(|record| record.message = "refused".into()));
        assert_ne!(id(&base), other(|record| record.location.function = Some("load".into())));
        assert_ne!(id(&base), other(|record| record.error.push(ErrorCause::default())));
        assert_ne!(id(&base), Grouping::Stable.fingerprint(&base, b"salt").id());
    }

    #[test]
    fn values_lines_and_deployments_do_not_split_a_ticket() {
        let base = record("user 17 timed out");
        let mut other = record("user 4711 timed out").with_trait("a", 1).with_release("2");
        other.location.line = Some(99);
        other.environment = Some("production".into());
        assert_eq!(id(&base), id(&other));
    }

    #[test]
    fn the_text_of_an_error_does_not_split_a_ticket_but_the_message_does() {
        let failed = |message: &str, error: &str| {
            let mut record = record(message);
            record.error = vec![ErrorCause::new(Some("Os".into()), error)];
            id(&record)
        };
        assert_ne!(
            failed("cannot load the config", "refused"),
            failed("cannot save the cart", "refused")
        );
        assert_eq!(
            failed("sync failed: host alpha is down", "host alpha is down"),
            failed("sync failed: host beta is away", "host beta is away"),
        );
    }

    #[test]
    fn an_error_whose_text_is_a_number_does_not_split_a_ticket() {
        let failed = |key: &str| {
            let mut record = record(&format!("cannot serve /pay/{key}"));
            record.error = vec![ErrorCause::new(Some("KeyError".into()), key)];
            id(&record)
        };
        assert_eq!(failed("17"), failed("4711"));
    }

    #[test]
    fn the_text_of_an_error_counts_if_its_type_says_nothing() {
        let failed = |name: &str, error: &str| {
            let mut record = record(&format!("{name}: {error}"));
            record.error = vec![ErrorCause::new(Some(name.into()), error)];
            id(&record)
        };
        for name in ["panic", "Error", "java.lang.RuntimeException"] {
            assert_ne!(failed(name, "index out of range"), failed(name, "nil pointer"), "{name}");
            assert_eq!(failed(name, "no order 17"), failed(name, "no order 4711"), "{name}");
        }
        assert_eq!(failed("KeyError", "'visa'"), failed("KeyError", "'no such card'"));
    }

    #[test]
    fn a_file_of_a_dependency_is_independent_of_the_machine() {
        let file = stable_file("/home/a/.cargo/registry/src/index-1949cf8c/hyper-1.0.0/src/lib.rs");
        assert_eq!(file, "hyper-1.0.0/src/lib.rs");
        assert_eq!(stable_file("src\\db.rs"), "src/db.rs");
    }
}

//! A registry that opens stores by URI.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{Error, Result, Store};

type Connect = Arc<dyn Fn(String) -> BoxFuture<'static, Result<Arc<dyn Store>>> + Send + Sync>;

/// The backends that a program supports, by URI scheme.
///
/// A registry is a plain value; there is no global one. Each backend crate has a `register` function that
/// adds its schemes.
///
/// ```
/// # use ticket_core::Registry;
/// # futures::executor::block_on(async {
/// let mut backends = Registry::new();
/// // ticket_sqlite::register(&mut backends);
/// let error = backends.connect("sqlite:tickets.db").await.unwrap_err();
/// assert_eq!(
///     error.message(),
///     "no backend for the scheme \"sqlite\": this program knows none"
/// );
/// # });
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    schemes: BTreeMap<&'static str, Connect>,
}

impl Registry {
    /// Creates an empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers a backend for these URI schemes.
    ///
    /// `connect` receives the whole URI and opens the store without setting it up.
    pub fn register<F, R>(&mut self, schemes: &[&'static str], connect: F)
    where
        F: Fn(String) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Arc<dyn Store>>> + Send + 'static,
    {
        let connect: Connect = Arc::new(move |uri| Box::pin(connect(uri)));
        for scheme in schemes {
            self.schemes.insert(scheme, Arc::clone(&connect));
        }
    }

    /// Returns the registered schemes in sorted order.
    pub fn schemes(&self) -> impl Iterator<Item = &'static str> {
        self.schemes.keys().copied()
    }

    /// Opens the store at a URI without setting it up.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](crate::ErrorKind::Config), listing the registered schemes, if the
    /// URI's scheme is not registered; otherwise returns the backend's error.
    pub async fn connect(&self, uri: &str) -> Result<Arc<dyn Store>> {
        // The rest of the URI may contain a password, so errors show only the scheme.
        let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
        let connect = self.schemes.get(scheme.to_ascii_lowercase().as_str()).ok_or_else(|| {
            let known: Vec<String> =
                self.schemes.keys().map(|scheme| format!("{scheme}:")).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let what = if is_scheme(scheme) {
                format!("no backend for the scheme {scheme:?}")
            } else {
                "the URI does not begin with a scheme".to_owned()
            };
            Error::config(format!("{what}: this program knows {known}"))
        })?;
        connect(uri.to_owned()).await
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.schemes.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn the_error_for_an_unknown_scheme_lists_the_known_ones_and_hides_secrets() {
        let mut registry = Registry::new();
        registry.register(&["foo", "bar"], |_| async { Err(Error::config("reached")) });
        let message = |uri: &str| block_on(registry.connect(uri)).unwrap_err().message().to_owned();
        assert_eq!(message("BAR:x"), "reached");
        assert_eq!(
            message("baz://user:secret@host/db"),
            "no backend for the scheme \"baz\": this program knows bar:, foo:"
        );
        assert_eq!(
            message("secret"),
            "the URI does not begin with a scheme: this program knows bar:, foo:"
        );
        assert!(!message("se cret:x").contains("cret"));
    }
}

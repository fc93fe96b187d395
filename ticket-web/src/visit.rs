//! [`Visit`]: what is known about one request.

use std::sync::Arc;

use axum::extract::{FromRequestParts, NestedPath, OriginalUri};
use axum::http::StatusCode;
use axum::http::request::Parts;
use ticket_core::{Author, Timestamp};

use crate::access::Grant;
use crate::cookies;
use crate::failure::Failure;
use crate::params::Params;

/// The name of the cookie with the chosen theme.
pub(crate) const THEME_COOKIE: &str = "ticket_theme";

/// The colours of the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the browser prefers.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}

/// What is known about one request.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    /// What every link begins with: the external prefix and the path at which the dashboard is mounted.
    pub(crate) base: Arc<str>,
    /// The link to the list: the base, with a slash at its end only if the mount has one.
    pub(crate) home: Arc<str>,
    /// The path below the mount.
    pub(crate) path: Arc<str>,
    pub(crate) params: Arc<Params>,
    pub(crate) theme: Theme,
    /// What the visitor may do; nothing until the visitor is known.
    pub(crate) grant: Arc<Grant>,
    pub(crate) now: Timestamp,
}

impl Visit {
    /// Reads what a request says, except for who sends it.
    pub(crate) fn begin(parts: &Parts, prefix: &str) -> Self {
        let path = parts.uri.path();
        let mount = parts.extensions.get::<OriginalUri>().map_or("", |original| {
            let original = original.path();
            // Mounted at /a, a request for /a arrives as /.
            original.strip_suffix(path).unwrap_or(original)
        });
        let base = format!("{prefix}{}", mount.trim_end_matches('/'));
        // A router that is nested at /a does not answer to /a/, and one at /a/ not to /a.
        let nested = parts.extensions.get::<NestedPath>();
        let has_slash =
            base.is_empty() || nested.is_none_or(|nested| nested.as_str().ends_with('/'));
        let home = if has_slash { format!("{base}/") } else { base.clone() };
        let theme = cookies::all(parts, THEME_COOKIE).find_map(Theme::parse);
        let query = parts.uri.query().unwrap_or_default();
        // The API refuses empty values.
        let parse = if is_api(path) { Params::parse_with_empty } else { Params::parse };
        Self {
            base: base.into(),
            home: home.into(),
            path: path.into(),
            params: Arc::new(parse(query)),
            theme: theme.unwrap_or_default(),
            grant: Arc::new(Grant::none()),
            now: Timestamp::now(),
        }
    }

    /// Returns a link to a path below the mount, which begins with a slash.
    pub(crate) fn link(&self, path: &str) -> String {
        match path.strip_prefix('/') {
            Some(rest) if rest.is_empty() || rest.starts_with(['?', '#']) => {
                format!("{}{rest}", self.home)
            }
            _ => format!("{}{path}", self.base),
        }
    }

    /// Returns where the request is, below the mount.
    pub(crate) fn path_and_query(&self) -> String {
        format!("{}{}", self.path, self.params.suffix())
    }

    /// Returns a link to a place below the mount that a client has named.
    ///
    /// Without a mount, `//host` would be another site, and browsers take a backslash for a slash.
    pub(crate) fn link_to_asked(&self, asked: &str) -> String {
        let is_path = asked.starts_with('/') && !asked.starts_with("//");
        let is_plain = asked.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_path && is_plain { self.link(asked) } else { self.link("/") }
    }

    /// Returns the path of the cookies.
    pub(crate) fn cookie_path(&self) -> &str {
        if self.base.is_empty() { "/" } else { &self.base }
    }

    /// Returns the author of a change that the visitor makes.
    pub(crate) fn author(&self) -> Author {
        self.grant.name.as_deref().map_or_else(Author::unknown, Author::new).with_time(self.now)
    }

    /// Returns `true` if a program asks, not a person.
    pub(crate) fn is_api(&self) -> bool {
        is_api(&self.path)
    }
}

fn is_api(path: &str) -> bool {
    path.starts_with("/api/")
}

impl<S: Sync> FromRequestParts<S> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        // The middleware around all routes has put it there.
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The dashboard is mounted without its middleware.",
            )
        })
    }
}

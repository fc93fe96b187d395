//! [`Access`]: who may see and change what.

mod basic;
mod grant;
mod loopback;
mod secret;
mod throttle;
mod token;

use std::fmt;
use std::sync::Arc;

use axum::http::request::Parts;

use self::basic::Users;
pub use self::grant::{Grant, Permission};
use self::throttle::Throttle;
use self::token::Tokens;
pub(crate) use self::token::{SESSION_COOKIE, SESSION_LIFETIME};

/// Who may see and change the tickets of a dashboard.
///
/// There is no default, so nobody mounts an open dashboard by accident.
///
/// ```
/// use ticket_web::{Access, Grant, Permission};
///
/// // Clients on the same machine:
/// let access = Access::loopback();
///
/// // Whoever knows a token, for scripts in `Authorization: Bearer …`, for people in a form:
/// let access = Access::token("8d1c0d0fb0a64a6e9b3a5d6c2f1e7a90")?;
///
/// // A token that shows the tickets of one application, and changes nothing:
/// let grant = Grant::read_only().with_app_ids(["shop"]);
/// let access = access.with_token("77e0b6c2b1f54d0f8f0a4c1d2e3f4a5b", grant)?;
///
/// // The host's own sign-in:
/// #[derive(Clone)]
/// struct User { name: String, is_admin: bool }
/// let access = Access::decided_by(|request| match request.extensions.get::<User>() {
///     Some(user) if user.is_admin => Grant::all().with_name(&user.name),
///     Some(user) => Grant::read_only().with_name(&user.name),
///     None => Permission::None.into(),
/// });
/// # Ok::<(), ticket_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Access {
    policy: Policy,
    max_permission: Permission,
    app_ids: Option<Vec<String>>,
    throttle: Throttle,
}

type Decide = Arc<dyn Fn(&Parts) -> Grant + Send + Sync>;

#[derive(Clone)]
enum Policy {
    Loopback,
    Tokens(Tokens),
    Users(Users),
    Function(Decide),
}

/// What [`Access`] says about one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Granted(Grant),
    /// The client has to say who it is.
    Unauthenticated(Challenge),
    /// The client may not see anything, and nothing that it could send changes that.
    Forbidden(&'static str),
    /// Too many wrong secrets were sent lately.
    TooManyFailures,
}

/// How a client says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    Token,
    Basic,
}

impl Challenge {
    /// Returns the value of the header `WWW-Authenticate`.
    pub(crate) const fn header(self) -> &'static str {
        match self {
            Self::Token => "Bearer",
            Self::Basic => "Basic realm=\"tickets\", charset=\"UTF-8\"",
        }
    }
}

impl Access {
    /// Lets clients on the same machine do everything.
    ///
    /// The server has to tell the addresses of its clients: serve the application with
    /// [`into_make_service_with_connect_info::<SocketAddr>()`](axum::Router::into_make_service_with_connect_info).
    /// A request that a proxy has forwarded is refused, since every client of a proxy on this machine would
    /// look like one on this machine. So is one for a host name other than `localhost`, which is what a
    /// foreign web page can make a browser send.
    pub fn loopback() -> Self {
        Self::new(Policy::Loopback)
    }

    /// Lets clients that know this token do everything.
    ///
    /// Programs send it as `Authorization: Bearer …`. People type it into a form once, and then have a
    /// cookie for 30 days; the token is not in it.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](ticket_core::ErrorKind::Config) if the token has fewer than 16
    /// characters, or some that a header cannot hold.
    pub fn token(token: &str) -> ticket_core::Result<Self> {
        Self::new(Policy::Tokens(Tokens::default())).with_token(token, Grant::all())
    }

    /// Adds a token that gives this grant.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`token`](Self::token), and [`ErrorKind::Config`](ticket_core::ErrorKind::Config)
    /// if this access is not by token.
    pub fn with_token(mut self, token: &str, grant: Grant) -> ticket_core::Result<Self> {
        let Policy::Tokens(tokens) = &mut self.policy else {
            return Err(ticket_core::Error::config("a token can only be added to `Access::token`"));
        };
        tokens.add(token, grant)?;
        Ok(self)
    }

    /// Lets users with a password do everything: HTTP basic authentication.
    ///
    /// `file` has one user per line: a name, a colon, and the password's hash in the PHC format, such as
    /// `$argon2id$v=19$…`, which [`hash_password`](crate::hash_password) returns. Empty lines and lines that begin with `#` are left out. Use it over
    /// HTTPS only: the browser sends the password with each request.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Config`](ticket_core::ErrorKind::Config), with the number of the line, if a line
    /// is not of this form.
    pub fn basic(file: &str) -> ticket_core::Result<Self> {
        Ok(Self::new(Policy::Users(Users::parse(file)?)))
    }

    /// Asks a function of the host's for each request.
    ///
    /// The function gets the request's head, in whose extensions the host's own sign-in may have put what
    /// it knows. It must not block. A visitor without permission gets a page with the status 403.
    pub fn decided_by<F, G>(decide: F) -> Self
    where
        F: Fn(&Parts) -> G + Send + Sync + 'static,
        G: Into<Grant>,
    {
        Self::new(Policy::Function(Arc::new(move |parts| decide(parts).into())))
    }

    fn new(policy: Policy) -> Self {
        Self {
            policy,
            max_permission: Permission::All,
            app_ids: None,
            throttle: Throttle::default(),
        }
    }

    /// Lets nobody change anything.
    pub fn read_only(mut self) -> Self {
        self.max_permission = Permission::ReadOnly;
        self
    }

    /// Shows nobody any other application than these.
    pub fn with_app_ids<I>(mut self, app_ids: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.app_ids = Some(app_ids.into_iter().map(Into::into).collect());
        self
    }

    /// Returns `true` if people sign in with a form.
    pub(crate) const fn has_sign_in(&self) -> bool {
        matches!(self.policy, Policy::Tokens(_))
    }

    /// Decides about a request.
    pub(crate) async fn decide(&self, parts: &Parts) -> Decision {
        let decision = match &self.policy {
            Policy::Loopback => loopback::decide(parts),
            Policy::Tokens(tokens) => tokens.decide(parts, &self.throttle),
            Policy::Users(users) => users.decide(parts, &self.throttle).await,
            Policy::Function(decide) => Decision::Granted(decide(parts)),
        };
        match decision {
            Decision::Granted(grant) => {
                let grant = grant.limited(self.max_permission, self.app_ids.as_deref());
                if grant.permission == Permission::None {
                    return Decision::Forbidden("You may not see these tickets.");
                }
                Decision::Granted(grant)
            }
            other => other,
        }
    }

    /// Returns the value of a cookie for who has typed a valid token into the form.
    pub(crate) fn sign_in(&self, token: &str) -> Result<String, Decision> {
        match &self.policy {
            Policy::Tokens(tokens) => tokens.sign_in(token, &self.throttle),
            Policy::Loopback | Policy::Users(_) | Policy::Function(_) => {
                Err(Decision::Forbidden("This dashboard has no sign-in form."))
            }
        }
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = match &self.policy {
            Policy::Loopback => "loopback",
            Policy::Tokens(_) => "token",
            Policy::Users(_) => "basic",
            Policy::Function(_) => "function",
        };
        f.debug_struct("Access")
            .field("policy", &policy)
            .field("max_permission", &self.max_permission)
            .field("app_ids", &self.app_ids)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

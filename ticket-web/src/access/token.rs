//! Access by token, in a header or in a cookie.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use ticket_core::Error;

use super::secret::{self, Secret};
use super::throttle::Throttle;
use super::{Challenge, Decision, Grant};

/// How long a person is signed in.
pub(crate) const SESSION_LIFETIME: Duration = Duration::from_secs(30 * 86_400);

/// The name of the cookie of a signed-in person.
pub(crate) const SESSION_COOKIE: &str = "ticket_session";

const MIN_LENGTH: usize = 16;

/// The tokens and what each grants.
#[derive(Clone, Default)]
pub(super) struct Tokens(Arc<Vec<Token>>);

#[derive(Clone)]
struct Token {
    hash: Secret,
    /// What signs the cookies of those who know the token. It follows from the token, so cookies outlive the process and
    /// are valid in every process with this token.
    session_key: Secret,
    grant: Grant,
}

impl Tokens {
    pub(super) fn add(&mut self, token: &str, grant: Grant) -> ticket_core::Result<()> {
        let token = token.trim();
        if token.len() < MIN_LENGTH {
            return Err(Error::config(format!(
                "the token has {} characters: use at least {MIN_LENGTH}, such as the output of `openssl rand -hex 16`",
                token.len()
            )));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Error::config(
                "the token has characters that a header cannot hold: use letters, digits and punctuation of ASCII",
            ));
        }
        Arc::make_mut(&mut self.0).push(Token {
            hash: Secret::of(&[token]),
            session_key: Secret::of(&["ticket-web session", token]),
            grant,
        });
        Ok(())
    }

    pub(super) fn decide(&self, parts: &Parts, throttle: &Throttle) -> Decision {
        if let Some(sent) = bearer(parts) {
            return match self.find(sent) {
                Some(token) => Decision::Granted(token.grant.clone()),
                None => refused(throttle),
            };
        }
        let now = unix_seconds();
        match sessions(parts).find_map(|session| self.find_session(session, now)) {
            Some(token) => Decision::Granted(token.grant.clone()),
            None => Decision::Unauthenticated(Challenge::Token),
        }
    }

    pub(super) fn sign_in(&self, token: &str, throttle: &Throttle) -> Result<String, Decision> {
        let Some(token) = self.find(token.trim()) else { return Err(refused(throttle)) };
        Ok(token.session(unix_seconds() + SESSION_LIFETIME.as_secs()))
    }

    fn find(&self, sent: &str) -> Option<&Token> {
        secret::find(self.0.iter(), |token| token.hash, &Secret::of(&[sent]))
    }

    fn find_session(&self, session: &str, now: u64) -> Option<&Token> {
        let (until, _) = session.split_once('.')?;
        let until: u64 = until.parse().ok().filter(|until| *until > now)?;
        let of = |token: &&Token| Secret::of(&[&token.session(until)]);
        secret::find(self.0.iter(), of, &Secret::of(&[session]))
    }
}

impl Token {
    /// Returns the value of a cookie that is valid until a time in seconds since the Unix epoch.
    fn session(&self, until: u64) -> String {
        use std::fmt::Write as _;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.session_key.key())
            .unwrap_or_else(|_| unreachable!("a key may have any length"));
        mac.update(&until.to_be_bytes());
        let mut session = format!("{until}.");
        for byte in mac.finalize().into_bytes() {
            let _ = write!(session, "{byte:02x}");
        }
        session
    }
}

/// Counts a wrong token.
fn refused(throttle: &Throttle) -> Decision {
    let allows = throttle.allows();
    throttle.failed();
    if allows { Decision::Unauthenticated(Challenge::Token) } else { Decision::TooManyFailures }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Returns the values of the cookies of this name: two dashboards of one host each have one.
fn sessions(parts: &Parts) -> impl Iterator<Item = &str> {
    crate::cookies::all(parts, SESSION_COOKIE)
}

fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

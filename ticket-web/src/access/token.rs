//! Access by token, in a header or in a cookie.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use ticket_core::Error;

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
    /// The token's hash: two of them are compared in the same time whatever they have in common.
    hash: [u8; 32],
    /// What signs the cookies of those who know the token. It follows from the token, so cookies outlive the process and
    /// are valid in every process with this token.
    session_key: [u8; 32],
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
            hash: hash(token),
            session_key: hash(&format!("ticket-web session\0{token}")),
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

    /// Finds a token, and compares with all of them however soon one is equal.
    fn find(&self, sent: &str) -> Option<&Token> {
        let sent = hash(sent);
        let (mut found, mut at) = (Choice::from(0), 0_u64);
        for (index, token) in (0_u64..).zip(self.0.iter()) {
            let equal = token.hash.ct_eq(&sent);
            at.conditional_assign(&index, equal);
            found |= equal;
        }
        let at = usize::try_from(at).ok()?;
        if bool::from(found) { self.0.get(at) } else { None }
    }

    fn find_session(&self, session: &str, now: u64) -> Option<&Token> {
        let (until, _) = session.split_once('.')?;
        let until: u64 = until.parse().ok().filter(|until| *until > now)?;
        self.0.iter().find(|token| token.session(until).as_bytes().ct_eq(session.as_bytes()).into())
    }
}

impl Token {
    /// Returns the value of a cookie that is valid until a time in seconds since the Unix epoch.
    fn session(&self, until: u64) -> String {
        use std::fmt::Write as _;
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.session_key)
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

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
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

//! Access by user name and password: HTTP basic authentication.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ticket_core::Error;
use tokio::sync::Semaphore;

use super::secret::{self, Secret};
use super::throttle::Throttle;
use super::{Challenge, Decision, Grant};

/// The number of passwords that are checked at the same time. Each check takes a core for some 20 ms and 19 MiB of
/// memory.
const CONCURRENT_CHECKS: usize = 2;

/// The users and the hashes of their passwords.
#[derive(Clone)]
pub(super) struct Users(Arc<Inner>);

struct Inner {
    hashes: HashMap<String, String>,
    /// A hash of what each user sent last that was right: a browser sends the password with every request, and checking
    /// it is slow by design.
    known: Mutex<HashMap<String, Secret>>,
    /// What those hashes are made with, so that they mean nothing outside of this process.
    salt: String,
    checks: Semaphore,
    /// The number of passwords that were checked.
    #[cfg(test)]
    checked: std::sync::atomic::AtomicUsize,
}

impl Users {
    pub(super) fn parse(file: &str) -> ticket_core::Result<Self> {
        let mut hashes = HashMap::new();
        for (number, line) in (1_usize..).zip(file.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |what: &str| {
                // Without the line itself, which may hold a password in plain text.
                Error::config(format!(
                    "line {number} of the users: {what}; write a name, a colon and a hash such as $argon2id$v=19$…"
                ))
            };
            let (name, hash) = line.split_once(':').ok_or_else(|| wrong("there is no colon"))?;
            if name.is_empty() {
                return Err(wrong("the name is empty"));
            }
            if password_auth::is_hash_obsolete(hash).is_err() {
                return Err(wrong("the password's hash is not in the PHC format"));
            }
            if hashes.insert(name.to_owned(), hash.to_owned()).is_some() {
                return Err(wrong("this user is there twice"));
            }
        }
        if hashes.is_empty() {
            return Err(Error::config("there are no users: write one as name:hash on a line"));
        }
        // A salt of its own for each process; the generator is the one of the password hashes.
        let salt = password_auth::generate_hash("");
        Ok(Self(Arc::new(Inner {
            hashes,
            known: Mutex::default(),
            salt,
            checks: Semaphore::new(CONCURRENT_CHECKS),
            #[cfg(test)]
            checked: std::sync::atomic::AtomicUsize::default(),
        })))
    }

    pub(super) async fn decide(&self, parts: &Parts, throttle: &Throttle) -> Decision {
        let Some((name, password)) = credentials(parts) else {
            return Decision::Unauthenticated(Challenge::Basic);
        };
        // With the salt, so that it means nothing outside of this process.
        let sent = Secret::of(&[&self.0.salt, &name, &password]);
        if self.is_known(&name, &sent) {
            return Decision::Granted(Grant::all().with_name(name));
        }
        // Not before this: who is signed in must not be locked out by who guesses.
        if !throttle.allows() {
            return Decision::TooManyFailures;
        }
        if self.check(name.clone(), password).await {
            self.known().insert(name.clone(), sent);
            return Decision::Granted(Grant::all().with_name(name));
        }
        throttle.failed();
        Decision::Unauthenticated(Challenge::Basic)
    }

    /// Checks a password. An unknown name takes as long as a known one.
    async fn check(&self, name: String, password: String) -> bool {
        let Ok(_permit) = self.0.checks.acquire().await else { return false };
        let inner = Arc::clone(&self.0);
        let check = tokio::task::spawn_blocking(move || {
            let known = inner.hashes.get(&name);
            let hash = known.unwrap_or(&inner.salt);
            #[cfg(test)]
            inner.checked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            password_auth::verify_password(password, hash).is_ok() && known.is_some()
        });
        check.await.unwrap_or(false)
    }

    /// Returns `true` if this is what the user sent last that was right.
    fn is_known(&self, name: &str, sent: &Secret) -> bool {
        let known = self.known().get(name).copied();
        secret::find(known, |known| *known, sent).is_some()
    }

    #[cfg(test)]
    pub(super) fn checked(&self) -> usize {
        self.0.checked.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashMap<String, Secret>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn credentials(parts: &Parts) -> Option<(String, String)> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

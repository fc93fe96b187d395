//! One attempt to deliver a message, and what its outcome means.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use ticket_core::{Error, Result};
use ureq::http::header::{CONTENT_TYPE, RETRY_AFTER};
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Timeout};

use crate::address::{NOT_PUBLIC, PublicOnly, is_public};
use crate::webhook::Webhook;

const SIGNATURE: &str = "x-ticket-signature";

pub(crate) struct Client {
    agent: Agent,
    uri: Uri,
    headers: HeaderMap,
    signing_key: Option<Hmac<Sha256>>,
}

/// The outcome of an attempt. Its texts are for people and never quote the URL.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// A later attempt may succeed, but not before this delay if the receiver asked for one.
    Again(String, Option<Duration>),
    /// No attempt will ever succeed.
    Final(String),
}

impl Client {
    pub(crate) fn new(webhook: &Webhook) -> Result<Self> {
        let uri = checked(&webhook.url, webhook.allows_private)?;
        let headers = webhook.headers.iter().map(|(name, value)| header(name, value));
        let signing_key = webhook.signing_key.as_deref().map(signing).transpose()?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_global(Some(webhook.timeout))
            .user_agent(concat!("ticket-webhook/", env!("CARGO_PKG_VERSION")))
            .tls_config(TlsConfig::builder().root_certs(roots()).build())
            .build();
        let agent = if webhook.allows_private {
            Agent::new_with_config(config)
        } else {
            Agent::with_parts(config, DefaultConnector::default(), PublicOnly::new())
        };
        Ok(Self { agent, uri, headers: headers.collect::<Result<_>>()?, signing_key })
    }

    pub(crate) fn post(&self, body: Vec<u8>) -> Outcome {
        let mut request = self.agent.post(&self.uri).header(CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(key) = &self.signing_key {
            request = request.header(SIGNATURE, signature(key.clone(), &body));
        }
        match request.send(body) {
            Ok(response) => {
                let asked = response.headers().get(RETRY_AFTER);
                judge(response.status().as_u16(), asked.and_then(|value| value.to_str().ok()))
            }
            Err(error) => failed(&error),
        }
    }
}

fn judge(status: u16, retry_after: Option<&str>) -> Outcome {
    let said = format!("the receiver answered with status {status}");
    match status {
        200..300 => Outcome::Done,
        300..400 => Outcome::Final(format!(
            "{said}, a redirect, and redirects are not followed: write the URL that it leads to"
        )),
        408 | 429 | 500.. => {
            let seconds = retry_after.and_then(|value| value.trim().parse().ok());
            Outcome::Again(said, seconds.map(Duration::from_secs))
        }
        _ => Outcome::Final(said),
    }
}

/// Describes an error without its own text where that might quote the URL.
fn failed(error: &ureq::Error) -> Outcome {
    let text = match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Outcome::Final(format!("the receiver cannot be reached: {error}"));
        }
        ureq::Error::Io(error) => format!("the receiver cannot be reached: {error}"),
        ureq::Error::Timeout(Timeout::Resolve) => {
            "the host name was not resolved in time".to_owned()
        }
        ureq::Error::Timeout(_) => "the receiver did not answer in time".to_owned(),
        ureq::Error::HostNotFound => "the host name does not exist".to_owned(),
        ureq::Error::Rustls(error) => format!("TLS: {error}"),
        ureq::Error::Tls(text) => format!("TLS: {text}"),
        _ => "the receiver did not answer with valid HTTP".to_owned(),
    };
    Outcome::Again(text, None)
}

fn checked(url: &str, allows_private: bool) -> Result<Uri> {
    let uri: Uri = url.parse().map_err(|_| bad("it is not a URL; write https://<host>/<path>"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(bad("it must begin with https:// or http://"));
    }
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad("it names no host"))?;
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(bad("it must not contain a user or password: use with_header"));
    }
    let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let is_local = host.eq_ignore_ascii_case("localhost");
    if !allows_private && (is_local || address.is_some_and(|address| !is_public(address))) {
        return Err(bad(NOT_PUBLIC));
    }
    Ok(uri)
}

fn bad(what: &str) -> Error {
    Error::config(format!("the webhook's URL cannot be used: {what}"))
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let wrong = |what: &str| Error::config(format!("the webhook's header {name:?} has {what}"));
    let parsed = name.parse::<HeaderName>().map_err(|_| wrong("an invalid name"))?;
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| wrong("an invalid value: only visible ASCII is allowed"))?;
    value.set_sensitive(true);
    Ok((parsed, value))
}

fn signing(key: &[u8]) -> Result<Hmac<Sha256>> {
    let error = || Error::config("the webhook's signing key is empty");
    if key.is_empty() {
        return Err(error());
    }
    Hmac::new_from_slice(key).map_err(|_| error())
}

fn signature(mut key: Hmac<Sha256>, body: &[u8]) -> String {
    key.update(body);
    let digest = key.finalize().into_bytes();
    digest.iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

/// The system's root certificates, so that a company's own authority is trusted; those of the library
/// where the system has none.
fn roots() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    found.iter().map(|one| Certificate::from_der(one).to_owned()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_hmac_of_the_body() {
        // RFC 4231, test case 2.
        let key = signing(b"Jefe").unwrap();
        assert_eq!(
            signature(key, b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn the_status_decides_whether_and_when_to_try_again() {
        assert_eq!(judge(204, None), Outcome::Done);
        for status in [301, 302, 307, 308, 400, 401, 404, 410] {
            assert!(matches!(judge(status, Some("5")), Outcome::Final(_)), "{status}");
        }
        for status in [408, 429, 500, 502, 503, 599] {
            let after = |header| match judge(status, header) {
                Outcome::Again(_, after) => after,
                other => panic!("{status}: {other:?}"),
            };
            assert_eq!(after(None), None);
            assert_eq!(after(Some(" 17 ")), Some(Duration::from_secs(17)));
            assert_eq!(after(Some("Wed, 21 Oct 2026 07:28:00 GMT")), None);
            assert_eq!(after(Some("-1")), None);
        }
    }

    #[test]
    fn an_unusable_url_is_refused_with_a_reason_that_hides_its_secret() {
        let bad = [
            ("hooks.example.com/swordfish", "https://"),
            ("ftp://hooks.example.com/swordfish", "https://"),
            ("https:///swordfish", ""),
            ("https://me:swordfish@hooks.example.com/", "with_header"),
            ("http://localhost:80/swordfish", "with_private_addresses"),
            ("http://127.0.0.1/swordfish", "with_private_addresses"),
            ("http://[::1]:8080/swordfish", "with_private_addresses"),
            ("http://169.254.169.254/swordfish", "with_private_addresses"),
            ("https://hooks example/swordfish", ""),
        ];
        for (url, reason) in bad {
            let error = Webhook::json(url).start().unwrap_err();
            assert_eq!(error.kind(), ticket_core::ErrorKind::Config);
            assert!(error.message().contains(reason), "{url}: {error}");
            assert!(!format!("{error} {error:?}").contains("swordfish"));
        }
        let with = |name, value| Webhook::json("https://a.example/").with_header(name, value);
        for webhook in [with("a b", "swordfish"), with("a", "sword\nfish")] {
            let shown = format!("{:?}", webhook);
            let error = webhook.start().unwrap_err();
            assert!(!format!("{shown} {error} {error:?}").contains("fish"));
        }
        assert!(Webhook::json("https://a.example/").with_signing_key("").start().is_err());
        assert!(Webhook::json("https://a.example/").with_messages_per_hour(0).start().is_err());
    }

    #[test]
    fn debug_shows_no_secret() {
        let webhook = Webhook::slack("https://hooks.example.com/swordfish")
            .with_header("authorization", "swordfish")
            .with_signing_key("swordfish");
        assert!(!format!("{webhook:?} {webhook:#?}").contains("swordfish"));
        assert!(!format!("{:?}", webhook.start().unwrap()).contains("swordfish"));
    }
}

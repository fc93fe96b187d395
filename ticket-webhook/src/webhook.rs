//! [`Webhook`]: the settings of a notifier.

use std::fmt;
use std::time::Duration;

use crate::message::Form;

/// The longest delay before the second attempt; each later delay may be twice as long.
const FIRST_DELAY: Duration = Duration::from_secs(4);
/// The time limit of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A webhook that reports when tickets are created, reopen, or reach 10, 100, 1,000 … records.
///
/// Configure it, [start](Self::start) it, and pass its [hook](crate::Notifier::hook) to the handler:
///
/// ```
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::BackgroundHandler;
/// use ticket_memory::MemoryBackend;
/// use ticket_webhook::Webhook;
///
/// let notifier = Webhook::slack("https://hooks.example.com/services/T0/B0/secret").start()?;
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
///     .on_ticket(notifier.hook())
///     .backend(MemoryBackend::new())?;
/// # Ok::<(), ticket_core::Error>(())
/// ```
///
/// **Recording never waits for it.** Messages are sent one at a time on a dedicated thread. At most
/// 1,000 tickets are queued; further events of a queued ticket join its message. An attempt takes at
/// most ten seconds. A message is attempted at most five times, with growing delays, while the
/// receiver does not answer or answers 408, 429 or 5xx; a `Retry-After` in seconds is honoured up to
/// five minutes. After 60 messages within an hour
/// ([`with_messages_per_hour`](Self::with_messages_per_hour)) one more message announces that the rest
/// is left out. [`Notifier::stats`](crate::Notifier::stats) counts all of this.
///
/// **Only the given URL is contacted.** A redirect is an error, never followed. The address is checked
/// after name resolution, and the connection goes to the checked address: one that is not public is
/// refused unless [allowed](Self::with_private_addresses). Proxy settings of the environment are
/// ignored, because nothing could be checked behind a proxy. Certificates are verified against the
/// system's trust store.
///
/// **What a message contains**: the ticket's id, application, level, channel, message, error type,
/// location and count, and the newest record's time, release, environment and host. It contains no
/// traits, request or user. Records are redacted beforehand, and texts are cut to 300 characters.
///
/// Whatever the HTTP and TLS libraries log while sending never becomes a record. Neither the URL,
/// which often contains a secret, nor header values nor the signing key appear in `Debug` output or
/// in errors.
#[must_use = "a webhook does nothing until it is started"]
pub struct Webhook {
    pub(crate) url: String,
    pub(crate) form: Form,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) signing_key: Option<Vec<u8>>,
    pub(crate) per_hour: u32,
    pub(crate) allows_private: bool,
    pub(crate) first_delay: Duration,
    pub(crate) timeout: Duration,
}

impl Webhook {
    fn new(url: String, form: Form) -> Self {
        Self {
            url,
            form,
            headers: Vec::new(),
            signing_key: None,
            per_hour: 60,
            allows_private: false,
            first_delay: FIRST_DELAY,
            timeout: TIMEOUT,
        }
    }

    /// Returns a webhook that sends each message as a JSON object, for a program to read:
    ///
    /// ```json
    /// {
    ///   "version": 1,
    ///   "sent_at": "2026-03-01T12:00:02.123456Z",
    ///   "text": "New in shop: payment refused …",
    ///   "events": [{ "kind": "created" }, { "kind": "reached", "count": 10 }],
    ///   "ticket": {
    ///     "id": "5f3a…", "app_id": "shop", "level": "error", "channel": "shop::checkout",
    ///     "message": "payment refused", "error_type": null, "location": "src/checkout.rs:42",
    ///     "occurrence_count": 12
    ///   },
    ///   "occurrence": {
    ///     "id": "0195…", "time": "2026-03-01T12:00:00.000000Z", "release": "1.4.0", "environment": null,
    ///     "host": "web-1"
    ///   }
    /// }
    /// ```
    ///
    /// The kinds are `created`, `reopened`, `reached` (with `count`), and `limit`, which comes without
    /// a ticket. Later versions may add kinds.
    pub fn json(url: impl Into<String>) -> Self {
        Self::new(url.into(), Form::Json)
    }

    /// Returns a webhook that sends `{"text": "…"}`, which Slack, Mattermost, Rocket.Chat, Google Chat
    /// and others accept.
    ///
    /// Text that comes from records cannot mention anybody (`@channel`) or contain links.
    pub fn slack(url: impl Into<String>) -> Self {
        Self::new(url.into(), Form::Slack)
    }

    /// Adds a header to each request, such as `Authorization`. Its value is kept secret.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Signs each request, so that the receiver can verify where it comes from: the header
    /// `X-Ticket-Signature: sha256=<64 hex digits>` is the HMAC-SHA256 of the body under this key.
    ///
    /// In the JSON form the body contains `sent_at`, by which the receiver can refuse replayed requests.
    pub fn with_signing_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.signing_key = Some(key.into());
        self
    }

    /// Sets how many messages may be sent within an hour; 60 by default.
    pub const fn with_messages_per_hour(mut self, messages: u32) -> Self {
        self.per_hour = messages;
        self
    }

    /// Sets whether the URL may lead to an address that is not public (loopback, private network,
    /// link-local and so on); `false` by default. Set it to reach a chat server in your own network.
    pub const fn with_private_addresses(mut self, allowed: bool) -> Self {
        self.allows_private = allowed;
        self
    }

    /// Replaces the delays, so that tests need not wait for seconds.
    #[cfg(test)]
    pub(crate) fn with_times(mut self, first_delay: Duration, timeout: Duration) -> Self {
        (self.first_delay, self.timeout) = (first_delay, timeout);
        self
    }
}

/// Omits everything that may be secret; of the URL that includes the path.
impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Webhook")
            .field("form", &self.form)
            .field("headers", &headers)
            .field("is_signed", &self.signing_key.is_some())
            .field("per_hour", &self.per_hour)
            .field("allows_private", &self.allows_private)
            .finish_non_exhaustive()
    }
}

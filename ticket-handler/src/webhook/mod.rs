//! [`Webhook`]: what happens to tickets, told to a chat or another program.

mod address;
mod client;
mod message;
mod queue;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::{Error, ErrorKind, Result, Timestamp};

use self::client::{Client, Outcome};
use self::message::{Form, Message, Payload};
pub use self::queue::NotifierStats;
use self::queue::{Admission, Cap, Queue};
use crate::TicketEvent;
use crate::worker::enter_worker;

/// How often a message is tried at most.
const TRIES: u32 = 5;
/// The longest pause before the second try; those after it are up to four times as long each.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a receiver may ask to be left alone.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long the thread goes on after the last [`Notifier`] is gone.
const CLOSING: Duration = Duration::from_secs(10);
/// How long a try may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A webhook that is told when tickets are created, come back, or reach 10, 100, 1,000 … records.
///
/// It is set up, [started](Self::start), and hung into the handler:
///
/// ```
/// use ticket_direct::HandlerOptions;
/// use ticket_handler::{BackgroundHandler, Webhook};
/// use ticket_memory::MemoryBackend;
///
/// let notifier = Webhook::slack("https://hooks.example.com/services/T0/B0/secret").start()?;
/// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
///     .on_ticket(notifier.hook())
///     .backend(MemoryBackend::new())?;
/// # Ok::<(), ticket_core::Error>(())
/// ```
///
/// **Storing never waits for it.** Messages go out one after the other on a thread of their own. At
/// most 1,000 tickets wait; what happens to a ticket that waits goes into the same message. A try takes
/// at most ten seconds, and a message is tried at most five times, with growing pauses, as long as there
/// is no answer, or one with the status 408, 429 or 5xx; a `Retry-After` in seconds is kept to, up to
/// five minutes. Beyond 60 messages an hour ([`with_messages_per_hour`](Self::with_messages_per_hour)) one
/// more says that the rest is left out. [`Notifier::stats`] counts all of it.
///
/// **Where it goes**: to the URL that you write and nowhere else. A redirect is not followed but an
/// error that says so. The address is checked after the name was resolved, and the checked address is the
/// one that is connected to: one that is not public is refused unless it is
/// [allowed](Self::with_private_addresses). Proxies of the environment are not used, as nothing could be
/// checked behind one. Certificates are checked against those of the system.
///
/// **What it says**: the ticket's id, application, level, channel, message, error type, place and count;
/// the time, release, environment and host of the newest record. No traits, request or user. The records
/// are redacted before; what is left of a message is cut to 300 characters.
///
/// What is logged while it sends (by the HTTP or the TLS library) never becomes a record. Neither the
/// URL, which often holds a secret, nor a header's value or the key is shown by `Debug` or in an error.
#[must_use = "a webhook does nothing until it is started"]
pub struct Webhook {
    url: String,
    form: Form,
    headers: Vec<(String, String)>,
    signing_key: Option<Vec<u8>>,
    per_hour: u32,
    allows_private: bool,
    pause: Duration,
    timeout: Duration,
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
            pause: PAUSE,
            timeout: TIMEOUT,
        }
    }

    /// A webhook that takes `POST` requests with a JSON object for a program:
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
    /// a ticket. There may be more one day.
    pub fn json(url: impl Into<String>) -> Self {
        Self::new(url.into(), Form::Json)
    }

    /// A webhook that takes what Slack's incoming webhooks take, `{"text": "…"}`: so do Mattermost,
    /// Rocket.Chat, Google Chat, and others.
    ///
    /// Texts that come from records cannot call anybody (`@channel`) or make links.
    pub fn slack(url: impl Into<String>) -> Self {
        Self::new(url.into(), Form::Slack)
    }

    /// Adds a header to each request, such as `Authorization`; its value is kept secret.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Signs each request, so that the receiver knows that it comes from here: the header
    /// `X-Ticket-Signature: sha256=<64 hex digits>` is the HMAC-SHA256 of the body under this key.
    ///
    /// The body holds `sent_at` in the JSON form: who wants to refuse what is sent again looks at that.
    pub fn with_signing_key(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.signing_key = Some(key.into());
        self
    }

    /// Sets how many messages go out within an hour, 60 by default.
    pub const fn with_messages_per_hour(mut self, messages: u32) -> Self {
        self.per_hour = messages;
        self
    }

    /// Sets whether the URL may lead to an address that is not public: of this machine, of a
    /// private network, link-local, and so on; `false` by default. For a chat within the house.
    pub const fn with_private_addresses(mut self, allowed: bool) -> Self {
        self.allows_private = allowed;
        self
    }

    /// Starts the thread that sends.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a URL that is not `http` or `https`, names no host, holds a user or
    /// leads to this machine although that is not allowed, for a bad header, an empty key, and for no
    /// messages an hour; [`ErrorKind::Unavailable`] if the operating system has no thread.
    pub fn start(self) -> Result<Notifier> {
        if self.per_hour == 0 {
            return Err(Error::config("a webhook must be allowed at least 1 message an hour"));
        }
        let client = Client::new(&self)?;
        let queue = Arc::new(Queue::default());
        let sender = Sender {
            client,
            form: self.form,
            cap: Cap::new(self.per_hour),
            queue: Arc::clone(&queue),
            pause: self.pause,
        };
        let thread = thread::Builder::new().name("ticket-webhook".to_owned());
        thread.spawn(move || sender.run()).map_err(|error| {
            let text = "cannot start the webhook's thread";
            Error::new(ErrorKind::Unavailable, "webhook", text).with_source(error)
        })?;
        Ok(Notifier { inner: Arc::new(Inner { queue }) })
    }

    /// For tests, which have no seconds to wait.
    #[cfg(test)]
    pub(crate) fn with_times(mut self, pause: Duration, timeout: Duration) -> Self {
        (self.pause, self.timeout) = (pause, timeout);
        self
    }
}

/// Without what may be secret: of the URL, the path too is.
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

/// A started [`Webhook`]. A cheap handle: its clones are the same one.
///
/// When the last one is gone, be it with the handler that holds its [`hook`](Self::hook), the thread
/// goes on for at most ten seconds with what is waiting. A program that is about to end calls
/// [`blocking_flush`](Self::blocking_flush).
#[derive(Clone)]
pub struct Notifier {
    inner: Arc<Inner>,
}

/// Goes when the last handle goes.
struct Inner {
    queue: Arc<Queue>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Notifier {
    /// What [`Builder::on_ticket`](crate::Builder::on_ticket) takes.
    pub fn hook(&self) -> impl Fn(&TicketEvent) + Send + Sync + use<> {
        let notifier = self.clone();
        move |event| notifier.notify(event)
    }

    /// Puts an event into the queue, and returns at once: for hooks that choose what is worth a
    /// message.
    ///
    /// ```
    /// use ticket_core::Level;
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::{BackgroundHandler, Webhook};
    /// use ticket_memory::MemoryBackend;
    ///
    /// let notifier = Webhook::json("https://alerts.example.com/tickets").start()?;
    /// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
    ///     .on_ticket(move |event| {
    ///         if event.record.level >= Level::Critical {
    ///             notifier.notify(event);
    ///         }
    ///     })
    ///     .backend(MemoryBackend::new())?;
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    pub fn notify(&self, event: &TicketEvent) {
        self.inner.queue.push(event);
    }

    /// Blocks the calling thread until everything that was told before is sent, or given up, at most
    /// for `deadline`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if something still waits then.
    pub fn blocking_flush(&self, deadline: Duration) -> Result<()> {
        self.inner.queue.flush(deadline).map_err(|waiting| {
            let text = format!("{waiting} events are still to be sent after {deadline:?}");
            Error::new(ErrorKind::Unavailable, "webhook", text)
        })
    }

    /// What became of the events so far.
    #[must_use]
    pub fn stats(&self) -> NotifierStats {
        self.inner.queue.stats()
    }
}

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// The thread's part.
struct Sender {
    client: Client,
    form: Form,
    cap: Cap,
    queue: Arc<Queue>,
    pause: Duration,
}

impl Sender {
    fn run(mut self) {
        // What the libraries log here must not become a ticket, whose message would be logged, …
        enter_worker();
        while let Some(message) = self.queue.next(CLOSING) {
            let events = message.events();
            match self.cap.admit(Instant::now()) {
                Admission::Send => {
                    let result = self.send(&Payload::of_ticket(&message));
                    self.queue.settle(events, result);
                }
                Admission::Notice(left) => {
                    let until = Timestamp::now().saturating_add(left);
                    let result = self.send(&Payload::of_limit(self.cap.per_hour(), until));
                    self.queue.leave_out(events, result.err());
                }
                Admission::LeaveOut => self.queue.leave_out(events, None),
            }
        }
    }

    fn send(&self, payload: &Payload<'_>) -> Result<(), String> {
        let mut tries = 0;
        loop {
            tries += 1;
            let (error, asked) = match self.client.post(payload.body(self.form)) {
                Outcome::Done => return Ok(()),
                Outcome::Final(error) => return Err(error),
                Outcome::Again(error, asked) => (error, asked),
            };
            if tries == TRIES {
                return Err(format!("{error}, after {TRIES} tries"));
            }
            let own = self.pause.saturating_mul(4_u32.pow(tries - 1)).mul_f64(fastrand::f64());
            let pause = asked.map_or(own, |asked| asked.max(own).min(LONGEST_PAUSE));
            if !self.queue.pause(pause, CLOSING) {
                return Err(format!("{error}, and the program ends"));
            }
        }
    }
}

impl Message {
    fn events(&self) -> u64 {
        self.news.len() as u64
    }
}

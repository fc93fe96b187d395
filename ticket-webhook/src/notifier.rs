//! [`Notifier`]: the running webhook, and the thread that sends.

use std::fmt;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ticket_core::backend::Backoff;
use ticket_core::{Error, ErrorKind, Result, Timestamp};
use ticket_handler::{TicketEvent, enter_worker};

use crate::client::{Client, Outcome};
use crate::message::{Form, Payload};
use crate::queue::{Admission, Cap, NotifierStats, Queue};
use crate::webhook::Webhook;

/// How often a message is attempted at most.
const ATTEMPTS: u32 = 5;
/// The longest delay that a receiver may ask for.
const LONGEST_DELAY: Duration = Duration::from_secs(300);
/// How long the thread goes on after the last [`Notifier`] was dropped.
const CLOSING: Duration = Duration::from_secs(10);

impl Webhook {
    /// Starts the thread that sends.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for a URL that is not `http` or `https`, names no host, contains a user,
    /// or leads to this machine without permission; for an invalid header, an empty signing key, or zero
    /// messages an hour. [`ErrorKind::Unavailable`] if the operating system cannot create a thread.
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
            first_delay: self.first_delay,
        };
        let thread = thread::Builder::new().name("ticket-webhook".to_owned());
        thread.spawn(move || sender.run()).map_err(|error| {
            let text = "cannot start the webhook's thread";
            Error::new(ErrorKind::Unavailable, "webhook", text).with_source(error)
        })?;
        Ok(Notifier { inner: Arc::new(Inner { queue }) })
    }
}

/// A started [`Webhook`]: a cheap handle, whose clones share one queue and thread.
///
/// After the last handle is dropped (a handler that holds its [`hook`](Self::hook) counts as one) the
/// thread works on the queue for ten more seconds at most. Before a program ends, call
/// [`blocking_flush`](Self::blocking_flush).
#[derive(Clone)]
pub struct Notifier {
    pub(crate) inner: Arc<Inner>,
}

/// Closes the queue when the last handle is dropped.
pub(crate) struct Inner {
    pub(crate) queue: Arc<Queue>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Notifier {
    /// Returns a function for [`Builder::on_ticket`](ticket_handler::Builder::on_ticket).
    pub fn hook(&self) -> impl Fn(&TicketEvent) + Send + Sync + use<> {
        let notifier = self.clone();
        move |event| notifier.notify(event)
    }

    /// Queues an event and returns at once: for hooks that decide themselves what is worth a message.
    ///
    /// ```
    /// use ticket_core::Level;
    /// use ticket_direct::HandlerOptions;
    /// use ticket_handler::BackgroundHandler;
    /// use ticket_memory::MemoryBackend;
    /// use ticket_webhook::Webhook;
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

    /// Blocks the calling thread until every event queued before this call was sent or given up, or
    /// until the deadline has passed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if events are still queued after the deadline.
    pub fn blocking_flush(&self, deadline: Duration) -> Result<()> {
        self.inner.queue.flush(deadline).map_err(|waiting| {
            let text = format!("{waiting} events were not sent within {deadline:?}");
            Error::new(ErrorKind::Unavailable, "webhook", text)
        })
    }

    /// Returns what became of the events so far.
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

/// What the sending thread owns.
struct Sender {
    client: Client,
    form: Form,
    cap: Cap,
    queue: Arc<Queue>,
    first_delay: Duration,
}

impl Sender {
    fn run(mut self) {
        // A line that the HTTP library logs here must not become a ticket: its message would be logged in turn, forever.
        enter_worker();
        while let Some(message) = self.queue.next(CLOSING) {
            let events = message.news.len() as u64;
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
        let mut backoff = Backoff::new(self.first_delay, LONGEST_DELAY);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let (error, asked) = match self.client.post(payload.body(self.form)) {
                Outcome::Done => return Ok(()),
                Outcome::Final(error) => return Err(error),
                Outcome::Again(error, asked) => (error, asked),
            };
            if attempts == ATTEMPTS {
                return Err(format!("{error}, after {ATTEMPTS} attempts"));
            }
            let own = backoff.next_delay();
            let delay = asked.map_or(own, |asked| asked.max(own).min(LONGEST_DELAY));
            if !self.queue.pause(delay, CLOSING) {
                return Err(format!("{error}, and the program is ending"));
            }
        }
    }
}

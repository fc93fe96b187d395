//! F37: what a notifier makes of receivers that hang, fail, mislead or are overrun. Real HTTP servers,
//! and nothing that is stored ever waits.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use ticket_core::{BackendBase, Level, Record, TicketFilter, TicketId};
use ticket_direct::HandlerOptions;
use ticket_memory::MemoryBackend;

use super::{Notifier, Webhook};
use crate::{BackgroundHandler, TicketEvent, TicketNews, in_worker};

/// More than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);
/// So short that five tries take no time.
const PAUSE: Duration = Duration::from_millis(1);

/// What a server makes of a request.
enum Answer {
    Status(u16),
    With(u16, String),
    Hang,
    Close,
}

#[derive(Clone, Debug)]
struct Request {
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let of = |line: &'_ String| line.to_lowercase().starts_with(&format!("{name}: "));
        self.headers.iter().find(|line| of(line)).map(|line| line[name.len() + 2..].trim())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// An HTTP server on an own port of this machine; its thread ends with the test program.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Server {
    fn new(answer: impl Fn(usize, &Request) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            let mut hanging = Vec::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(request.clone());
                    seen.len() - 1
                };
                let (status, headers) = match answer(number, &request) {
                    Answer::Status(status) => (status, String::new()),
                    Answer::With(status, headers) => (status, headers),
                    Answer::Hang => {
                        hanging.push(stream);
                        continue;
                    }
                    Answer::Close => continue,
                };
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} As told\r\n{headers}content-length: 0\r\n\
                     connection: close\r\n\r\n"
                );
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("http://{}/swordfish", self.address)
    }

    fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    fn json(&self) -> Webhook {
        Webhook::json(self.url()).with_private_addresses(true).with_times(PAUSE, LONG)
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        headers.push(line.trim().to_owned());
    }
    let mut request = Request { headers, body: Vec::new() };
    let length = request.header("content-length")?.parse().unwrap();
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn event(number: u64, news: TicketNews) -> TicketEvent {
    let mut record = Record::new(Level::Error, "shop::checkout", format!("broken {number}"));
    record.app_id = "shop".into();
    let ticket_id: TicketId = format!("{number:032x}").parse().unwrap();
    TicketEvent { news, ticket_id, occurrence_count: 1, record }
}

/// All events are told, and all are accounted for.
fn settle(notifier: &Notifier, told: u64) -> (u64, u64, u64) {
    notifier.blocking_flush(LONG).unwrap();
    let stats = notifier.stats();
    assert_eq!(stats.sent + stats.failed + stats.left_out, told);
    assert_eq!(stats.waiting, 0);
    (stats.sent, stats.failed, stats.left_out)
}

#[test]
fn a_message_arrives_with_its_headers_and_its_signature() {
    let server = Server::new(|_, _| Answer::Status(200));
    let webhook = server.json().with_header("Authorization", "Bearer x").with_signing_key("key");
    let notifier = webhook.start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    assert_eq!(settle(&notifier, 1), (1, 0, 0));
    let request = server.requests().remove(0);
    assert_eq!(request.headers[0], "POST /swordfish HTTP/1.1");
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!(request.header("authorization"), Some("Bearer x"));
    assert_eq!(request.json()["ticket"]["message"], "broken 1");
    let mut mac = Hmac::<Sha256>::new_from_slice(b"key").unwrap();
    mac.update(&request.body);
    let digest = mac.finalize().into_bytes();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(request.header("x-ticket-signature"), Some(format!("sha256={hex}").as_str()));
}

#[test]
fn f37_a_receiver_that_hangs_is_given_up_after_five_tries_and_storing_does_not_wait() {
    let server = Server::new(|_, _| Answer::Hang);
    let webhook = server.json().with_times(PAUSE, Duration::from_millis(100));
    let notifier = webhook.start().unwrap();
    let store = MemoryBackend::new();
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .on_ticket(notifier.hook())
        .backend(store.clone())
        .unwrap();
    handler.emit(Record::new(Level::Error, "shop", "broken")).unwrap();
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(block_on(store.count_tickets(&TicketFilter::new())).unwrap(), 1);
    assert_eq!(settle(&notifier, 1), (0, 1, 0));
    assert_eq!(server.requests().len(), 5);
    let error = notifier.stats().last_error.unwrap();
    assert_eq!(error, "there was no answer in time, after 5 tries");
}

#[test]
fn f37_a_receiver_that_fails_is_tried_again_and_one_that_refuses_is_not() {
    let server = Server::new(|number, _| match number {
        0 => Answer::Status(500),
        1 => Answer::Close,
        2 => Answer::With(429, "retry-after: 0\r\n".to_owned()),
        3 | 5.. => Answer::Status(503),
        4 => Answer::Status(204),
    });
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    assert_eq!(settle(&notifier, 1), (1, 0, 0));
    assert_eq!(server.requests().len(), 5);
    // The same message each time.
    let tickets: Vec<_> =
        server.requests().iter().map(|one| one.json()["ticket"].clone()).collect();
    assert!(tickets.iter().all(|ticket| *ticket == tickets[0]));
    notifier.notify(&event(2, TicketNews::Created));
    assert_eq!(settle(&notifier, 2), (1, 1, 0));
    assert_eq!(server.requests().len(), 10);
    let error = notifier.stats().last_error.unwrap();
    assert_eq!(error, "the receiver answered with the status 503, after 5 tries");

    let server = Server::new(|_, _| Answer::Status(404));
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    assert_eq!(settle(&notifier, 1), (0, 1, 0));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn f37_a_receiver_that_asks_for_a_pause_gets_it() {
    let (asked, was_asked) = mpsc::channel();
    let server = Server::new(move |number, _| match number {
        0 => {
            asked.send(()).unwrap();
            Answer::With(429, "retry-after: 100000\r\n".to_owned())
        }
        _ => Answer::Status(200),
    });
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    was_asked.recv_timeout(LONG).unwrap();
    // Its own pauses would be over by far.
    assert!(notifier.blocking_flush(Duration::from_millis(500)).is_err());
    assert_eq!((server.requests().len(), notifier.stats().waiting), (1, 1));
    // What happens meanwhile to the same ticket waits for one message.
    notifier.notify(&event(2, TicketNews::Created));
    notifier.notify(&event(2, TicketNews::Reached(10)));
    assert_eq!(notifier.stats().waiting, 3);
}

#[test]
fn f37_a_redirect_is_followed_nowhere() {
    let trap = Server::new(|_, _| Answer::Status(200));
    let private = trap.url();
    for status in [301, 302, 303, 307, 308] {
        let location = private.clone();
        let server =
            Server::new(move |_, _| Answer::With(status, format!("location: {location}\r\n")));
        let notifier = server.json().start().unwrap();
        notifier.notify(&event(1, TicketNews::Created));
        assert_eq!(settle(&notifier, 1), (0, 1, 0));
        assert_eq!(server.requests().len(), 1);
        let error = notifier.stats().last_error.unwrap();
        assert!(error.contains("a redirect, which is not followed"), "{error}");
        assert!(!error.contains("swordfish"));
    }
    assert_eq!(trap.requests().len(), 0);
    // To itself, for ever.
    let server = Server::new(|_, _| Answer::With(307, "location: /swordfish\r\n".to_owned()));
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    assert_eq!(settle(&notifier, 1), (0, 1, 0));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn f37_a_name_of_this_machine_is_refused_when_it_is_resolved() {
    let server = Server::new(|_, _| Answer::Status(200));
    // Names that no one knows for addresses before the system has resolved them.
    for name in ["127.1", "2130706433", "0x7f.1"] {
        let webhook = |allowed| {
            let url = format!("http://{name}:{}/swordfish", server.address.port());
            Webhook::json(url).with_private_addresses(allowed).with_times(PAUSE, LONG)
        };
        let notifier = webhook(false).start().unwrap();
        notifier.notify(&event(1, TicketNews::Created));
        assert_eq!(settle(&notifier, 1), (0, 1, 0));
        assert_eq!(server.requests().len(), 0);
        let error = notifier.stats().last_error.unwrap();
        assert!(!error.contains("swordfish"));
        assert!(error.contains("its address is not public"), "{error}");
        // It is the check that keeps us from there.
        let notifier = webhook(true).start().unwrap();
        notifier.notify(&event(1, TicketNews::Created));
        assert_eq!(settle(&notifier, 1), (1, 0, 0));
        server.requests.lock().unwrap().clear();
    }
}

#[test]
fn f37_ten_thousand_new_tickets_are_stored_at_once_and_told_by_61_messages() {
    const TICKETS: u64 = 10_000;
    let (goes_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let server = Server::new(move |number, _| {
        if number == 0 {
            // Until everything is stored. It ends with an error when the sender is dropped.
            let _ = waits.lock().unwrap().recv();
        }
        Answer::Status(200)
    });
    let notifier = server.json().start().unwrap();
    let store = MemoryBackend::new();
    let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
        .with_max_bytes(1 << 30)
        .with_new_tickets_per_hour(u32::MAX)
        .on_ticket(notifier.hook())
        .backend(store.clone())
        .unwrap();
    for number in 0..TICKETS {
        let record = Record::new(Level::Error, "shop", "broken");
        handler.emit(record.with_fingerprint(number.to_string())).unwrap();
    }
    handler.blocking_flush(LONG).unwrap();
    assert_eq!(block_on(store.count_tickets(&TicketFilter::new())).unwrap(), TICKETS);
    let waiting = notifier.stats();
    assert!(waiting.sent == 0 && waiting.waiting <= 1_001, "{waiting:?}");
    drop(goes_on);
    assert_eq!(settle(&notifier, TICKETS), (60, 0, TICKETS - 60));
    let requests = server.requests();
    assert_eq!(requests.len(), 61);
    let last = requests[60].json();
    assert_eq!(last["events"][0]["kind"], "limit");
    assert!(requests[..60].iter().all(|one| one.json()["events"][0]["kind"] == "created"));
}

#[test]
fn f37_what_happens_to_a_ticket_that_waits_is_one_message() {
    let (goes_on, waits) = mpsc::channel::<()>();
    let waits = Mutex::new(waits);
    let (is_in, was_in) = mpsc::channel();
    let server = Server::new(move |number, _| {
        if number == 0 {
            is_in.send(()).unwrap();
            let _ = waits.lock().unwrap().recv();
        }
        Answer::Status(200)
    });
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    was_in.recv_timeout(LONG).unwrap();
    notifier.notify(&event(2, TicketNews::Created));
    notifier.notify(&event(1, TicketNews::Reached(10)));
    for count in [10, 100, 1_000] {
        notifier.notify(&event(2, TicketNews::Reached(count)));
    }
    drop(goes_on);
    assert_eq!(settle(&notifier, 6), (6, 0, 0));
    let told: Vec<_> = server
        .requests()
        .iter()
        .map(|one| (one.json()["ticket"]["message"].clone(), one.json()["events"].clone()))
        .map(|(message, events)| (message.to_string(), events.as_array().unwrap().len()))
        .collect();
    let expected = [("\"broken 1\"", 1), ("\"broken 2\"", 4), ("\"broken 1\"", 1)];
    assert_eq!(told, expected.map(|(message, events)| (message.to_owned(), events)));
}

#[test]
fn f37_a_notifier_that_is_dropped_sends_what_waits_and_ends() {
    let server = Server::new(|_, _| Answer::Status(200));
    let notifier = server.json().start().unwrap();
    let queue = Arc::clone(&notifier.inner.queue);
    notifier.notify(&event(1, TicketNews::Created));
    notifier.notify(&event(2, TicketNews::Created));
    drop(notifier);
    queue.flush(LONG).unwrap();
    assert_eq!((queue.stats().sent, server.requests().len()), (2, 2));
    // The thread has let go of the queue.
    while Arc::strong_count(&queue) > 1 {
        thread::yield_now();
    }
}

/// Says for each thread that logs whether it is marked.
struct Marks(mpsc::Sender<bool>);

impl log::Log for Marks {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("ureq") {
            let _ = self.0.send(in_worker());
        }
    }

    fn flush(&self) {}
}

#[test]
fn f37_what_is_logged_while_it_sends_becomes_no_record() {
    let (sender, marks) = mpsc::channel();
    log::set_boxed_logger(Box::new(Marks(sender))).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let server = Server::new(|_, _| Answer::Status(200));
    let notifier = server.json().start().unwrap();
    notifier.notify(&event(1, TicketNews::Created));
    settle(&notifier, 1);
    let marks: Vec<bool> = marks.try_iter().collect();
    assert!(!marks.is_empty() && marks.iter().all(|is_marked| *is_marked), "{marks:?}");
}

//! A small shop that fails for real: nobody listens where it sends its payments, its order files are
//! missing, its suppliers send broken JSON, and its report has a bug. Every error lands in SQLite.
#![allow(clippy::print_stdout, reason = "a command's output")]

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::panic::{self, PanicHookInfo};
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use ticket_sqlite::SqliteBackend;
use ticket_tracing::{BackgroundHandler, HandlerOptions, TicketLayer};
use tracing::{error, info, info_span, warn};
use tracing_subscriber::prelude::*;

/// What the shop's visitors ask for, again and again.
const TRAFFIC: [&str; 15] = [
    "/health",
    "/search",
    "/orders",
    "/search",
    "/checkout",
    "/search",
    "/orders",
    "/health",
    "/search",
    "/import",
    "/orders",
    "/search",
    "/checkout",
    "/search",
    "/report",
];

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let url = std::env::var("TICKET_URL").unwrap_or_else(|_| "sqlite:tickets.db".to_owned());

    // This is all it takes: a handler over a store, a guard for the end, a layer.
    let options = HandlerOptions::new("shop").with_release("1.4.0").with_environment("demo");
    let handler = BackgroundHandler::builder(options).backend(SqliteBackend::from_uri(&url)?)?;
    let _guard = handler.guard();
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
    panic::set_hook(Box::new(log_panic));

    println!("A shop serves 60 requests on 4 threads, and records what goes wrong in {url}.");
    let failed = serve(&Shop::new()?, 60);
    handler.blocking_flush(Duration::from_secs(10))?;
    let stats = handler.stats();
    println!(
        "{failed} requests failed; {} records stored, {} lost.",
        stats.recorded,
        stats.dropped.total()
    );
    Ok(())
}

/// Serves requests on a few threads, and says how many failed.
fn serve(shop: &Shop, requests: u32) -> usize {
    let (requests, failed) = (Mutex::new(1..=requests), Mutex::new(0));
    let next = || requests.lock().ok()?.next();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(number) = next() {
                    if shop.serve(number).is_err() {
                        failed.lock().map(|mut failed| *failed += 1).unwrap_or_default();
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap_or_default()
}

/// A panic is an error like any other.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    let payload = panic.payload();
    let message = payload.downcast_ref::<&str>().copied();
    let message = message.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = message.unwrap_or("without a message");
    error!(place, "panicked: {message}");
}

struct Shop {
    payments: SocketAddr,
}

impl Shop {
    fn new() -> io::Result<Self> {
        // The listener is closed at once: from now on connections to its port are refused.
        let payments = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Ok(Self { payments })
    }

    fn serve(&self, number: u32) -> Result<(), Failure> {
        let order = 4_700 + number;
        let path = TRAFFIC[number as usize % TRAFFIC.len()];
        let request_id = format!("r-{number:04}");
        let _request = info_span!("request", method = "GET", path, request_id).entered();
        info!(order, "request received");
        let result = match path {
            "/checkout" => self.checkout(order),
            "/orders" => Self::order(order),
            "/import" => Self::import(order),
            "/search" => Self::search(order),
            "/report" => Self::report(order),
            _ => Ok(()),
        };
        if let Err(error) = &result {
            error!(error = &**error as &(dyn Error + 'static), order, "request failed: {error}");
        }
        result
    }

    /// Nobody listens there.
    fn checkout(&self, order: u32) -> Result<(), Failure> {
        let pay = || TcpStream::connect(self.payments).map(drop);
        for attempt in 1..=2 {
            info!(attempt, address = %self.payments, "charging the card");
            match pay() {
                Ok(()) => return Ok(()),
                Err(error) => {
                    warn!(
                        error = &error as &dyn Error,
                        attempt, "no payment for order {order} yet"
                    );
                }
            }
        }
        pay().map_err(|source| ShopError::boxed(format!("cannot charge order {order}"), source))
    }

    /// The file is not there.
    fn order(order: u32) -> Result<(), Failure> {
        let path = format!("orders/{order}.json");
        info!(path, "reading the order");
        let read = fs::read_to_string(&path).map(drop);
        let load = read.map_err(|source| ShopError::boxed(format!("cannot read {path}"), source));
        load.map_err(|source| ShopError::boxed(format!("cannot show order {order}"), source))
    }

    /// The supplier's JSON is cut off at another place each time.
    fn import(order: u32) -> Result<(), Failure> {
        let list = format!(r#"{{"order": {order}, "items": ["lamp", "desk", "chair"]}}"#);
        let received = &list[..list.len() - 3 - order as usize % 7];
        info!(bytes = received.len(), "parsing the supplier's list");
        let parsed = serde_json::from_str::<serde_json::Value>(received).map(drop);
        parsed.map_err(|source| ShopError::boxed("cannot import the supplier's list", source))
    }

    /// Somebody types letters into the address.
    fn search(order: u32) -> Result<(), Failure> {
        let page = format!("{order}x");
        let parsed = page.parse::<u32>().map(drop);
        parsed.map_err(|source| ShopError::boxed(format!("no such page: {page:?}"), source))
    }

    /// The week has a day too few. The thread ends with a panic, the service goes on.
    fn report(order: u32) -> Result<(), Failure> {
        const SALES: [u32; 6] = [310, 295, 402, 388, 510, 275];
        let span = tracing::Span::current();
        let report = thread::Builder::new().name("report".to_owned()).spawn(move || {
            let _request = span.entered();
            (0..7).map(|day| SALES[day] + order).sum::<u32>()
        })?;
        if report.join().is_err() {
            warn!("the report's thread has ended: the page shows yesterday's");
        }
        Ok(())
    }
}

/// What the shop wanted to do, and what kept it from that.
#[derive(Debug)]
struct ShopError {
    what: String,
    source: Failure,
}

impl ShopError {
    fn boxed(what: impl Into<String>, source: impl Into<Failure>) -> Failure {
        Box::new(Self { what: what.into(), source: source.into() })
    }
}

impl fmt::Display for ShopError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for ShopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

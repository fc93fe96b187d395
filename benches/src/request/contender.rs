//! The contenders: the application with a middleware, and the set-up of the process that belongs to it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use axum::Router;
use axum::extract::Request;
use clap::ValueEnum;
use sentry::{Client, ClientOptions};
use sentry_tower::{NewSentryLayer, SentryHttpLayer};
use ticket_audit::{BoxError, EventHandler, EventStart, EventTracker, RequestStart, async_trait};
use ticket_benches::{Store, bind_sentry, sentry_client};
use ticket_direct::HandlerOptions;
use ticket_handler::BackgroundHandler;
use ticket_tower::TicketHttpLayer;
use ticket_tracing::TicketLayer;
use tower_http::trace::TraceLayer;
use tracing_subscriber::prelude::*;

use super::application;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// The handler alone, in a process without a subscriber
    Bare,
    /// `TraceLayer` whose span and events the subscriber filters out
    TraceOff,
    /// `TraceLayer` with a formatting subscriber whose writer drops everything
    TraceSink,
    /// `TraceLayer` with a formatting subscriber that writes into a file
    TraceFile,
    /// The layers of `sentry-tower`, without transactions
    Sentry,
    /// The layers of `sentry-tower`, with a transaction of every request
    SentryTransactions,
    /// The layer of `ticket-tower`, without event handlers
    Ticket,
    /// The same with one event handler
    TicketOne,
    /// The same with three event handlers
    TicketThree,
    /// The same with an event handler whose calls never end
    TicketHangs,
    /// The same with an event handler that blocks its thread forever
    TicketBlocks,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Bare => "handler alone",
            Self::TraceOff => "TraceLayer, filtered out",
            Self::TraceSink => "TraceLayer, fmt to a sink",
            Self::TraceFile => "TraceLayer, fmt to a file",
            Self::Sentry => "sentry-tower",
            Self::SentryTransactions => "sentry-tower, transactions",
            Self::Ticket => "ticket-tower",
            Self::TicketOne => "ticket-tower, 1 handler",
            Self::TicketThree => "ticket-tower, 3 handlers",
            Self::TicketHangs => "ticket-tower, a handler hangs",
            Self::TicketBlocks => "ticket-tower, a handler blocks",
        }
    }
}

/// An application with its middleware.
pub(crate) struct Contender {
    pub(crate) app: Router,
    ticket: Option<Ticket>,
    /// Must stay alive, or the process has no client.
    _sentry: Option<Arc<Client>>,
}

struct Ticket {
    handler: BackgroundHandler,
    tracker: EventTracker,
    /// An event handler never returns from its first call.
    is_stuck: bool,
}

impl Contender {
    /// Sets up the process for a contender.
    pub(crate) fn new(kind: Kind, folder: &Path) -> Result<Self> {
        let app = application::router();
        let alone = |app| Self { app, ticket: None, _sentry: None };
        Ok(match kind {
            Kind::Bare => alone(app),
            Kind::TraceOff => {
                // The level of `tracing_subscriber::fmt::init()`, at which failures are written, but requests that
                // succeed have neither a span nor events.
                tracing_subscriber::fmt().with_writer(io::sink).init();
                alone(app.layer(TraceLayer::new_for_http()))
            }
            Kind::TraceSink => {
                let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
                subscriber.with_writer(io::sink).init();
                alone(app.layer(TraceLayer::new_for_http()))
            }
            Kind::TraceFile => {
                let file = File::create(folder.join("requests.log"))?;
                let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG);
                subscriber.with_ansi(false).with_writer(Arc::new(file)).init();
                alone(app.layer(TraceLayer::new_for_http()))
            }
            Kind::Sentry => sentry(app, |options| options, SentryHttpLayer::new()),
            Kind::SentryTransactions => {
                let sample = |options: ClientOptions| options.traces_sample_rate(1.0);
                sentry(app, sample, SentryHttpLayer::new().enable_transaction())
            }
            Kind::Ticket => ticket(app, folder, &[])?,
            Kind::TicketOne => ticket(app, folder, &[Handler::Idle])?,
            Kind::TicketThree => ticket(app, folder, &[Handler::Idle; 3])?,
            Kind::TicketHangs => ticket(app, folder, &[Handler::Hangs])?,
            Kind::TicketBlocks => ticket(app, folder, &[Handler::Blocks])?,
        })
    }

    /// Waits until everything that requests have left behind is done, so that the next turn is not disturbed. Returns how
    /// many requests event handlers were not told of so far, because too many were waiting.
    pub(crate) fn settle(&self) -> Result<u64> {
        let Some(Ticket { handler, tracker, is_stuck }) = &self.ticket else { return Ok(0) };
        let deadline = Duration::from_secs(60);
        handler.blocking_flush(deadline)?;
        let stats = handler.stats();
        ensure!(stats.dropped.total() == 0, "records were lost: {stats:?}");
        if !is_stuck {
            tracker.blocking_flush(deadline)?;
        }
        let skipped = tracker.stats().handlers.into_iter().map(|handler| handler.skipped());
        Ok(skipped.max().unwrap_or_default())
    }
}

fn sentry(
    app: Router,
    configure: impl FnOnce(ClientOptions) -> ClientOptions,
    layer: SentryHttpLayer,
) -> Contender {
    let client = sentry_client(|options| sentry::apply_defaults(configure(options)));
    bind_sentry(&client);
    #[expect(
        deprecated,
        reason = "the layer that applications use to turn errors into Sentry events"
    )]
    let subscriber = sentry_tracing::layer();
    tracing_subscriber::registry().with(subscriber).init();
    // Both in one, as its documentation says: the first is the outer one.
    let app = app.layer((NewSentryLayer::<Request>::new_from_top(), layer));
    Contender { app, ticket: None, _sentry: Some(client) }
}

fn ticket(app: Router, folder: &Path, handlers: &[Handler]) -> Result<Contender> {
    // Without a limit per ticket, so that every failure is stored in full.
    let handler = BackgroundHandler::builder(HandlerOptions::new("bench").with_release("1.4.2"))
        .with_spool(folder.join("spool"))
        .with_budget(u32::MAX)
        .backend(Store::Takes)?;
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
    let tracker =
        handlers.iter().fold(EventTracker::builder(), |builder, it| builder.with_handler(*it));
    let tracker = tracker.build()?;
    let app = app.layer(TicketHttpLayer::new(&handler).with_tracker(tracker.clone()));
    let is_stuck = handlers.iter().any(|handler| !matches!(handler, Handler::Idle));
    Ok(Contender { app, ticket: Some(Ticket { handler, tracker, is_stuck }), _sentry: None })
}

/// An event handler that does nothing.
#[derive(Clone, Copy, Debug)]
enum Handler {
    /// Returns from its calls at once.
    Idle,
    /// Its calls never end.
    Hangs,
    /// Its first call blocks its thread forever.
    Blocks,
}

#[async_trait]
impl EventHandler for Handler {
    type RequestContext = ();
    type EventContext = ();

    async fn request_start(&self, _: &RequestStart) -> Result<(), BoxError> {
        match self {
            Self::Idle => Ok(()),
            Self::Hangs => std::future::pending().await,
            Self::Blocks => loop {
                thread::park();
            },
        }
    }

    async fn event_start(&self, _: &EventStart, (): &mut ()) -> Result<(), BoxError> {
        Ok(())
    }
}

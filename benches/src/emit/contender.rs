//! The contenders, each with a complete `tracing` set-up.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use sentry::{Client, ClientOptions};
use ticket_benches::{Store, bind_sentry, sentry_client};
use ticket_direct::HandlerOptions;
use ticket_handler::{BackgroundHandler, Builder};
use ticket_tracing::TicketLayer;
use tracing::Dispatch;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::prelude::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The layer with a spool on disk and no budget, so that every record is stored in full.
    Disk,
    /// The same within a request, whose context each record gets.
    Request,
    /// The layer with a spool in memory and no budget, so that every record is stored in full.
    Memory,
    /// The layer with a spool on disk while the store is unavailable.
    Away,
    /// The layer with the default budget, while the same error is reported again and again.
    Storm,
    /// The layer with a handler that is switched off.
    Off,
    JsonSink,
    JsonFile,
    JsonNonBlocking,
    /// The Sentry layer as `sentry::init` sets it up, with the default integrations.
    Sentry,
    /// The Sentry layer without integrations.
    SentryCore,
}

impl Kind {
    pub(crate) const ALL: [Self; 11] = [
        Self::Disk,
        Self::Request,
        Self::Memory,
        Self::Away,
        Self::Storm,
        Self::Off,
        Self::JsonSink,
        Self::JsonFile,
        Self::JsonNonBlocking,
        Self::Sentry,
        Self::SentryCore,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Disk => "layer, spool on disk",
            Self::Request => "layer, spool on disk, in a request",
            Self::Memory => "layer, spool in memory",
            Self::Away => "layer, spool on disk, database down",
            Self::Storm => "layer, storm",
            Self::Off => "layer, off",
            Self::JsonSink => "fmt().json() to a sink",
            Self::JsonFile => "fmt().json() to a file",
            Self::JsonNonBlocking => "fmt().json() to tracing-appender, non-blocking",
            Self::Sentry => "sentry-tracing, null transport",
            Self::SentryCore => "sentry-tracing, null transport, no integrations",
        }
    }
}

/// The parts of a set-up that must stay alive while it is measured.
enum Keep {
    Nothing,
    Handler(BackgroundHandler),
    Writer { _guard: WorkerGuard },
    Sentry(Arc<Client>),
}

pub(crate) struct Contender {
    pub(crate) kind: Kind,
    pub(crate) dispatch: Dispatch,
    keep: Keep,
}

impl Contender {
    pub(crate) fn new(kind: Kind, folder: &Path) -> Result<Self> {
        let file = || File::create(folder.join(format!("{kind:?}.log")));
        let spool = |builder: Builder| builder.with_spool(folder.join(format!("{kind:?}")));
        let (dispatch, keep) = match kind {
            Kind::Disk | Kind::Request => layer(spool(whole()).backend(Store::Takes)?),
            Kind::Memory => layer(whole().with_max_bytes(256 << 20).backend(Store::Takes)?),
            Kind::Away => layer(spool(whole()).backend(Store::Away)?),
            Kind::Storm => layer(spool(builder()).backend(Store::Takes)?),
            Kind::Off => layer(BackgroundHandler::off(HandlerOptions::new("bench"))),
            Kind::JsonSink => (json(io::sink), Keep::Nothing),
            Kind::JsonFile => (json(Arc::new(file()?)), Keep::Nothing),
            Kind::JsonNonBlocking => {
                // The other contenders drop nothing, so this one may not either.
                let builder = tracing_appender::non_blocking::NonBlockingBuilder::default();
                let (writer, guard) = builder.lossy(false).finish(file()?);
                (json(writer), Keep::Writer { _guard: guard })
            }
            Kind::Sentry => sentry(sentry::apply_defaults),
            Kind::SentryCore => sentry(|options| options),
        };
        Ok(Self { kind, dispatch, keep })
    }

    /// Prepares a turn by making this contender's Sentry client, if it has one, the process-wide client.
    pub(crate) fn begin(&self) {
        if let Keep::Sentry(client) = &self.keep {
            bind_sentry(client);
        }
    }

    /// Waits until all emitted records are stored, so that the next contender's turn is not disturbed.
    pub(crate) fn settle(&self) -> Result<()> {
        let Keep::Handler(handler) = &self.keep else { return Ok(()) };
        if self.kind != Kind::Away {
            handler.blocking_flush(Duration::from_secs(60))?;
            let stats = handler.stats();
            ensure!(
                stats.dropped.total() == 0,
                "{}: records were lost: {stats:?}",
                self.kind.name()
            );
        }
        Ok(())
    }
}

fn builder() -> Builder {
    BackgroundHandler::builder(HandlerOptions::new("bench").with_release("1.4.2"))
}

/// Returns a builder without a budget: all events belong to one ticket, and a budget would merge them.
fn whole() -> Builder {
    builder().with_budget(u32::MAX)
}

fn layer(handler: BackgroundHandler) -> (Dispatch, Keep) {
    let layer = TicketLayer::new(handler.clone()).filtered();
    (tracing_subscriber::registry().with(layer).into(), Keep::Handler(handler))
}

fn json<W>(writer: W) -> Dispatch
where
    W: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().json().with_writer(writer).into()
}

fn sentry(complete: impl FnOnce(ClientOptions) -> ClientOptions) -> (Dispatch, Keep) {
    #[expect(
        deprecated,
        reason = "the layer that applications use to turn errors into Sentry events"
    )]
    let layer = sentry_tracing::layer();
    (tracing_subscriber::registry().with(layer).into(), Keep::Sentry(sentry_client(complete)))
}

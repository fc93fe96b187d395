//! What the commands share: the store's address, the application, and how to answer.

use std::error::Error as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::ColorChoice;
use ticket_core::{ErrorKind, Store, TicketFilter, Timestamp};

use crate::backends;
use crate::cli::GlobalArgs;
use crate::failure::Usage;
use crate::output::style::Painter;
use crate::output::table::Layout;

const DEFAULT_URL: &str = "sqlite:tickets.db";

/// The options that every command takes, read. Without `Debug`: a URL may hold a password.
pub(crate) struct Context {
    url: String,
    /// Which application; all of them, or a default, if none was named.
    pub(crate) app_id: Option<String>,
    /// Whether to write JSON.
    pub(crate) json: bool,
    /// Whether standard output is coloured.
    pub(crate) color: bool,
    /// The moment that the command was started: what `3m ago` is counted from.
    pub(crate) now: Timestamp,
}

impl Context {
    pub(crate) fn new(args: &GlobalArgs) -> Self {
        Self {
            url: args.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned()),
            app_id: args.app.clone(),
            json: args.json,
            color: colored(args.color),
            now: Timestamp::now(),
        }
    }

    /// The store, set up: created if there is none, brought up to date if it is older.
    pub(crate) async fn open_for_writing(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.connect(&self.url).await?;
        store.setup_backend().await.context("the database cannot be set up")?;
        Ok(store)
    }

    /// The store, which has to be there: to look for tickets creates nothing.
    pub(crate) async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.connect(&backends::check_only(&self.url)).await?;
        store.setup_backend().await.map_err(|error| {
            // What the server itself has refused, a password for example, is something else.
            let missing = error.kind() == ErrorKind::Config && error.source().is_none();
            let error = anyhow::Error::new(error);
            if missing {
                // Who has said nothing may not know where it was looked for.
                let place = if self.url == DEFAULT_URL {
                    format!(" in {DEFAULT_URL}; --url or TICKET_URL names another store")
                } else {
                    String::new()
                };
                error.context(format!(
                    "there is nothing to read yet{place} (`ticket ingest FILE` records something, \
                     `ticket setup` makes the tables, or brings older ones up to date)"
                ))
            } else {
                error.context("the database cannot be read")
            }
        })?;
        Ok(store)
    }

    async fn connect(&self, url: &str) -> anyhow::Result<Arc<dyn Store>> {
        backends::registry().connect(url).await.map_err(|error| {
            if error.kind() == ErrorKind::Config {
                Usage(format!("--url: {}", error.message())).into()
            } else {
                anyhow::Error::new(error).context("the database cannot be opened")
            }
        })
    }

    /// Puts right what a crash has left in the store, and says what that was.
    pub(crate) async fn repair(&self) -> anyhow::Result<String> {
        backends::repair(&self.url).await.context("the database cannot be repaired")
    }

    /// The statements that create the store's schema.
    pub(crate) fn schema(&self) -> anyhow::Result<String> {
        backends::schema(&self.url)
            .map_err(|error| Usage(format!("--url: {}", error.message())).into())
    }

    /// The same, and those that spread its tables over several servers.
    #[cfg(feature = "postgres")]
    pub(crate) fn distributed_schema(
        &self,
        distribution: ticket_postgres::Distribution,
    ) -> anyhow::Result<String> {
        backends::distributed_schema(&self.url, distribution)
            .map_err(|error| Usage(format!("--url: {}", error.message())).into())
    }

    /// The tickets of the application, or of all.
    pub(crate) fn filter(&self) -> TicketFilter {
        match &self.app_id {
            Some(app_id) => TicketFilter::new().with_app_id(app_id),
            None => TicketFilter::new(),
        }
    }

    pub(crate) const fn painter(&self) -> Painter {
        Painter { color: self.color }
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::detect(self.painter())
    }
}

fn colored(choice: ColorChoice) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never
        }
    }
}

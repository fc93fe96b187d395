//! What the commands share: the store, the application, and how to answer.

use std::error::Error as _;
use std::sync::Arc;

use anyhow::Context as _;
use clap::ColorChoice;
use ticket_core::{ErrorKind, Store, TicketFilter, Timestamp};

use crate::args::GlobalArgs;
use crate::backends;
use crate::failure::Usage;
use crate::output::style::Painter;
use crate::output::table::Layout;

const DEFAULT_URL: &str = "sqlite:tickets.db";

/// The options of every command, resolved. It has no `Debug`, because a URL may hold a password.
pub(crate) struct Context {
    url: String,
    /// The application. If it is `None`, commands mean all applications, or use a default.
    pub(crate) app_id: Option<String>,
    /// Whether to write JSON.
    pub(crate) json: bool,
    /// Whether to colour standard output.
    pub(crate) color: bool,
    /// The time at which the command was started, from which `3m ago` is counted.
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

    /// Opens the store and sets it up: creates it if it is missing, migrates it if it is older.
    pub(crate) async fn open_for_writing(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.connect(&self.url).await?;
        store.setup_backend().await.context("cannot set up the database")?;
        Ok(store)
    }

    /// Opens a store that exists. A command that looks for tickets creates nothing.
    pub(crate) async fn open(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.connect(&backends::check_only(&self.url)).await?;
        store.setup_backend().await.map_err(|error| {
            // A `Config` error with a source is the server's refusal, for example of a password.
            let missing = error.kind() == ErrorKind::Config && error.source().is_none();
            let error = anyhow::Error::new(error);
            if missing {
                // Without --url, the person may not know where the command has looked.
                let place = if self.url == DEFAULT_URL {
                    format!(" in {DEFAULT_URL}; --url or TICKET_URL names another store")
                } else {
                    String::new()
                };
                error.context(format!(
                    "there is nothing to read yet{place} (`ticket ingest FILE` records something, \
                     `ticket setup` creates the tables or migrates older ones)"
                ))
            } else {
                error.context("cannot read the database")
            }
        })?;
        Ok(store)
    }

    async fn connect(&self, url: &str) -> anyhow::Result<Arc<dyn Store>> {
        backends::connect(url).await.map_err(|error| {
            if error.kind() == ErrorKind::Config {
                wrong_url(&error)
            } else {
                anyhow::Error::new(error).context("cannot open the database")
            }
        })
    }

    /// Repairs what a crash has left in the store, and describes what that was.
    pub(crate) async fn repair(&self) -> anyhow::Result<String> {
        backends::repair(&self.url).await.context("cannot repair the database")
    }

    /// Returns the statements that create the schema of the store.
    pub(crate) fn schema(&self) -> anyhow::Result<String> {
        backends::schema(&self.url).map_err(|error| wrong_url(&error))
    }

    /// Returns the statements that create the schema and distribute its tables over several servers.
    #[cfg(feature = "postgres")]
    pub(crate) fn distributed_schema(
        &self,
        distribution: ticket_postgres::Distribution,
    ) -> anyhow::Result<String> {
        backends::distributed_schema(&self.url, distribution).map_err(|error| wrong_url(&error))
    }

    /// Returns the filter for the tickets of the application, or of all applications.
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

fn wrong_url(error: &ticket_core::Error) -> anyhow::Error {
    Usage(format!("--url: {}", error.message())).into()
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

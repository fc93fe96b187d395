//! What the commands share: the store's address, the application, and how to answer.

use std::sync::Arc;

use anyhow::Context as _;
use clap::ColorChoice;
use ticket_core::{ErrorKind, Store};

use crate::backends;
use crate::cli::GlobalArgs;
use crate::failure::Usage;

const DEFAULT_URL: &str = "sqlite:tickets.db";

/// The options that every command takes, read.
pub(crate) struct Context {
    url: String,
    /// Which application; all of them, or a default, if none was named.
    pub(crate) app_id: Option<String>,
    /// Whether to write JSON.
    pub(crate) json: bool,
    /// Whether standard output is coloured.
    pub(crate) color: bool,
}

impl Context {
    pub(crate) fn new(args: &GlobalArgs) -> Self {
        Self {
            url: args.url.clone().unwrap_or_else(|| DEFAULT_URL.to_owned()),
            app_id: args.app.clone(),
            json: args.json,
            color: colored(args.color),
        }
    }

    /// The store, set up: created if there is none, brought up to date if it is older.
    pub(crate) async fn open_for_writing(&self) -> anyhow::Result<Arc<dyn Store>> {
        let store = self.connect(&self.url).await?;
        store.setup_backend().await.context("the database cannot be set up")?;
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

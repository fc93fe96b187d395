//! How a handler is made.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::{BackendBase, Error, ErrorKind, HandlerOptions, Result};

use crate::handler::{BackgroundHandler, Shared};
use crate::worker::{self, Connect};

/// Makes a [`BackgroundHandler`]; from [`BackgroundHandler::builder`].
#[must_use = "a builder does nothing until it is given a backend"]
#[derive(Debug)]
pub struct Builder {
    options: HandlerOptions,
    max_bytes: usize,
    call_deadline: Duration,
}

impl Builder {
    pub(crate) const fn new(options: HandlerOptions) -> Self {
        Self { options, max_bytes: 8 << 20, call_deadline: Duration::from_secs(30) }
    }

    /// How much memory waiting records may take, in bytes; 8 MiB by default.
    ///
    /// When it is full, the least severe records make room for others, and among those the oldest;
    /// what is lost is counted in [`Stats::dropped`](crate::Stats::dropped). A record that is larger
    /// than that alone is lost too.
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// After how long a call of the backend counts as failed and is repeated with the same records;
    /// 30 seconds by default.
    ///
    /// The call's future is dropped then, so this holds for everything in a backend that waits; one
    /// that blocks its thread can only be waited for.
    pub const fn with_call_deadline(mut self, deadline: Duration) -> Self {
        self.call_deadline = deadline;
        self
    }

    /// A handler over a backend, which it sets up as soon as the store can be reached.
    ///
    /// The backend has to work on any thread, and in another runtime than the one it was made in.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if the operating system has no thread for it, [`ErrorKind::Config`]
    /// for a bound or deadline of zero. A store that cannot be reached is no error here.
    pub fn backend(self, backend: impl BackendBase) -> Result<BackgroundHandler> {
        let backend: Arc<dyn BackendBase> = Arc::new(backend);
        self.connect(async move || Ok(Arc::clone(&backend)))
    }

    /// A handler over a backend that has to connect before it exists: the worker opens it with
    /// `connect`, in its own runtime, again and again if that fails, and anew after a panic in it.
    ///
    /// ```
    /// use ticket_core::HandlerOptions;
    /// use ticket_handler::BackgroundHandler;
    /// use ticket_memory::MemoryBackend;
    ///
    /// let handler = BackgroundHandler::builder(HandlerOptions::new("shop"))
    ///     .connect(async || Ok(MemoryBackend::new()))?;
    /// # Ok::<(), ticket_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`backend`](Self::backend).
    pub fn connect<B, F>(self, connect: F) -> Result<BackgroundHandler>
    where
        B: BackendBase,
        F: AsyncFn() -> Result<B> + Send + Sync + 'static,
    {
        let connect = Arc::new(connect);
        self.start(Box::new(move || {
            let connect = Arc::clone(&connect);
            Box::pin(async move {
                let backend: Arc<dyn BackendBase> = Arc::new((*connect)().await?);
                Ok(backend)
            })
        }))
    }

    fn start(self, connect: Connect) -> Result<BackgroundHandler> {
        if self.max_bytes == 0 || self.call_deadline.is_zero() {
            let text = "the handler's memory and the deadline of its calls must be more than zero";
            return Err(Error::config(text));
        }
        let shared = Arc::new(Shared::new(self.options, self.max_bytes, self.call_deadline));
        worker::spawn(Arc::clone(&shared), connect).map_err(|error| {
            Error::new(ErrorKind::Unavailable, "handler", "cannot start the worker's thread")
                .with_source(error)
        })?;
        Ok(BackgroundHandler::new(shared))
    }
}

//! The tokio runtime that cases and their further processes run on.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Enough threads for a case's writers to make progress at the same time.
const THREADS: usize = 4;

/// Builds a multi-threaded runtime whose threads all carry this name.
pub(crate) fn runtime(thread_name: &str) -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name(thread_name)
        .enable_all()
        .build()
}

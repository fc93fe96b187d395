//! [`Subject`]: the backend under test.

use futures::future::BoxFuture;
use ticket_core::Capability;

use crate::case::Case;
use crate::fixture::{BoxError, Fixture};

/// A closure that opens the store of a case.
pub(crate) type Open =
    Box<dyn Fn(Case) -> BoxFuture<'static, Result<Fixture, BoxError>> + Send + Sync>;

/// What the suite knows about the backend under test.
pub(crate) struct Subject {
    /// The name that messages use.
    pub(crate) name: String,
    /// Opens a store without setting it up.
    pub(crate) open: Open,
    /// The capabilities that the backend declares it lacks, each with the reason.
    pub(crate) lacking: Vec<(Capability, String)>,
}

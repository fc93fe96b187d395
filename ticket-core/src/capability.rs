//! What a backend may lack.

use std::fmt;

/// Something that a backend may lack and then has to declare.
///
/// A call that needs a lacking capability answers with
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported), and the conformance cases that need it
/// are shown as ignored, with the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// The [`EventStore`](crate::EventStore): events, their types and traits, expiry.
    Events,
    /// Data outlives the handle, and several processes may open the same store at once.
    SharedStorage,
    /// The schema has a version: an older one is migrated, a newer one refused.
    SchemaVersions,
    /// The store lives in a database that an application may use for its own transactions too.
    ApplicationTransactions,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Self; 4] =
        [Self::Events, Self::SharedStorage, Self::SchemaVersions, Self::ApplicationTransactions];

    /// The name, as the conformance suite prints it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::SharedStorage => "SharedStorage",
            Self::SchemaVersions => "SchemaVersions",
            Self::ApplicationTransactions => "ApplicationTransactions",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The capabilities that a backend has.
///
/// ```
/// use ticket_core::{Capabilities, Capability};
///
/// let capabilities = Capabilities::all().without(Capability::SharedStorage);
/// assert!(capabilities.has(Capability::Events));
/// assert!(!capabilities.has(Capability::SharedStorage));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Capabilities {
    lacking: u32,
}

impl Capabilities {
    /// Everything.
    pub const fn all() -> Self {
        Self { lacking: 0 }
    }

    /// All of these but one.
    pub const fn without(self, capability: Capability) -> Self {
        Self { lacking: self.lacking | 1 << capability as u32 }
    }

    /// Whether the backend has it.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.lacking & (1 << capability as u32) == 0
    }
}

//! Optional features of a backend.

use std::fmt;

/// A feature that a backend may lack, provided that it says so.
///
/// A call that needs a missing capability returns
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported). The conformance suite reports the cases that
/// need it as ignored, with the reason; its README lists the rules that they belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// The backend implements [`EventStore`](crate::EventStore): events, their types and traits, and expiry.
    Events,
    /// Data outlives the handle, and several processes can open the same store at once. A call may then have to
    /// wait for others, and ends even if they never finish.
    SharedStorage,
    /// The schema is versioned: older versions are migrated, newer versions are rejected. A first release has this
    /// capability too if it stores a version, although nothing older exists yet.
    SchemaVersions,
    /// The store shares its database with the application's own transactions.
    ApplicationTransactions,
    /// The backend keeps the [reports](crate::ProcessReport) of the processes that record.
    ProcessReports,
}

impl Capability {
    /// All capabilities.
    pub const ALL: [Self; 5] = [
        Self::Events,
        Self::SharedStorage,
        Self::SchemaVersions,
        Self::ApplicationTransactions,
        Self::ProcessReports,
    ];

    /// Returns the name as printed by the conformance suite.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::SharedStorage => "SharedStorage",
            Self::SchemaVersions => "SchemaVersions",
            Self::ApplicationTransactions => "ApplicationTransactions",
            Self::ProcessReports => "ProcessReports",
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
    /// Returns the set of all capabilities.
    pub const fn all() -> Self {
        Self { lacking: 0 }
    }

    /// Removes a capability from the set.
    pub const fn without(self, capability: Capability) -> Self {
        Self { lacking: self.lacking | 1 << capability as u32 }
    }

    /// Returns `true` if the backend has this capability.
    #[must_use]
    pub const fn has(self, capability: Capability) -> bool {
        self.lacking & (1 << capability as u32) == 0
    }
}

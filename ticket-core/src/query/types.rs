//! Queries for releases, reports of processes, the types of events and the types of their traits.

use crate::limits;

/// Selects the tickets whose releases [`BackendBase::get_releases`](crate::BackendBase::get_releases) lists.
///
/// ```
/// use ticket_core::ReleaseQuery;
///
/// let query = ReleaseQuery::new().with_app_id("shop");
/// # assert_eq!(query.app_id.as_deref(), Some("shop"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReleaseQuery {
    /// The application of the tickets; `None` for all applications.
    pub app_id: Option<String>,
}

impl ReleaseQuery {
    /// Selects the tickets of all applications.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only the tickets of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }
}

/// Selects the reports that [`BackendBase::get_reports`](crate::BackendBase::get_reports) returns.
///
/// ```
/// use ticket_core::ReportQuery;
///
/// let query = ReportQuery::new().with_app_id("shop");
/// # assert_eq!(query.app_id.as_deref(), Some("shop"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportQuery {
    /// The application of the processes; `None` for all applications.
    pub app_id: Option<String>,
}

impl ReportQuery {
    /// Selects the reports of all applications.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only the reports of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }
}

/// Selects the events whose types [`EventStore::event_types`](crate::EventStore::event_types) lists.
///
/// ```
/// use ticket_core::EventTypeQuery;
///
/// let query = EventTypeQuery::new().with_app_id("shop");
/// # assert_eq!(query.app_id.as_deref(), Some("shop"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventTypeQuery {
    /// The application of the events; `None` for all applications.
    pub app_id: Option<String>,
}

impl EventTypeQuery {
    /// Selects the events of all applications.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects only the events of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }
}

/// Selects the events whose traits [`EventStore::trait_types`](crate::EventStore::trait_types) lists.
///
/// ```
/// use ticket_core::TraitTypeQuery;
///
/// let query = TraitTypeQuery::new("checkout").with_app_id("shop");
/// # assert_eq!((query.event_type.as_str(), query.app_id.as_deref()), ("checkout", Some("shop")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraitTypeQuery {
    /// The application of the events; `None` for all applications.
    pub app_id: Option<String>,
    /// The type of the events.
    pub event_type: String,
}

impl TraitTypeQuery {
    /// Selects the events of this type in all applications.
    #[must_use]
    pub fn new(event_type: impl Into<String>) -> Self {
        Self { app_id: None, event_type: limits::as_stored(event_type, limits::NAME) }
    }

    /// Selects only the events of this application.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<String>) -> Self {
        self.app_id = Some(limits::as_stored(app_id, limits::NAME));
        self
    }
}

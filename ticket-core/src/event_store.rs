//! [`EventStore`]: the occurrences of a store as events with types and traits.

use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::Lease;
use crate::{
    BackendBase, EventQuery, EventTrait, EventTypeQuery, Expired, Expiry, KeepPerTicket,
    Occurrence, Page, Result, TraitQuery, TraitType, TraitTypeQuery, forward_event_store,
};

/// A store whose occurrences are events: the type of an event is its record's channel, and its traits are
/// typed values.
///
/// A backend that lacks [`Capability::Events`](crate::Capability::Events) fails every method with
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported). A wrapper forwards what it does not change
/// with [`forward_event_store!`](crate::forward_event_store).
///
/// What [`BackendBase`] says about every method holds here too: a method is cancel-safe, returns even if the store
/// does not answer, and works on any runtime.
///
/// # The methods as an implementor writes them
///
/// ```
/// use ticket_core::backend::{Lease, async_trait};
/// use ticket_core::{
///     EventQuery, EventStore, EventTrait, EventTypeQuery, Expired, Expiry, KeepPerTicket, Occurrence, Page,
///     Result, TraitQuery, TraitType, TraitTypeQuery,
/// };
///
/// #[derive(Debug)]
/// struct Foo;
///
/// #[async_trait]
/// impl EventStore for Foo {
///     async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
///         todo!()
///     }
///     async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
///         todo!()
///     }
///     async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
///         todo!()
///     }
///     async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
///         todo!()
///     }
///     async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
///         todo!()
///     }
///     async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
///         todo!()
///     }
///     async fn clear(&self) -> Result<()> {
///         todo!()
///     }
///     async fn lease(&self, lease: &Lease) -> Result<bool> {
///         todo!()
///     }
/// }
/// ```
#[async_trait]
pub trait EventStore: std::fmt::Debug + Send + Sync + 'static {
    /// Returns a page of the events that match a filter, ordered by time (rules 10, 11, 15 and 16).
    ///
    /// All conditions of the filter have to hold, and both ends of its time range are included. A
    /// [`Clause`](crate::Clause) holds if at least one of its comparisons does. A comparison with a value
    /// only considers events that have the trait with the compared type, so `Ne` does not match events that
    /// lack it. A negated comparison matches exactly the events that the comparison itself does not match.
    /// Text compares by code point; a text in the message is found regardless of case, as
    /// [`fold`](crate::backend::fold) defines it.
    ///
    /// An external id finds every event that has it, in any ticket and however often (rule 29). A missing
    /// external id is not the empty one. The backend SHOULD have an index of them.
    ///
    /// [`EventFilter::matches`](crate::EventFilter::matches) defines what matches.
    ///
    /// The clauses of a filter have at most [`MAX_COMPARISONS`](crate::MAX_COMPARISONS) comparisons
    /// together; more are an error of the kind [`Config`](crate::ErrorKind::Config).
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>>;

    /// Returns the types of the stored events, sorted by code point (rule 17).
    ///
    /// A type disappears with its last event, whichever handle deletes that.
    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>>;

    /// Returns the distinct names and types of the traits that the events of a type have, sorted (rule
    /// 17). An unknown type has none.
    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>>;

    /// Returns a page of the traits of the events of a type, ordered by name, then by event (rule 17).
    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>>;

    /// Deletes the occurrences that are older than a given time, oldest first (by time, id and ticket id),
    /// and at most `max_count` of them (rule 18).
    ///
    /// Tickets keep their counts, including those per hour. A solved ticket is deleted too, with its
    /// counts, if its last occurrence time is older than the given time and none of its occurrences is
    /// left, whether this call or an earlier one deleted them. The deleting statement checks this again, so
    /// that a ticket that has just been reopened is not lost. `max_count` limits occurrences only: with 0,
    /// the call deletes nothing but such tickets.
    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired>;

    /// Keeps a number of occurrences of each ticket, deletes the others, and returns how many it deleted
    /// (rule 19).
    ///
    /// The first of the stored occurrences and the newest `count - 1` (by time, then id) stay. Tickets keep
    /// their counts.
    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64>;

    /// Deletes everything in this store, including its tickets, read positions and reports of processes, and
    /// nothing outside of it (rule 20). Leases stay.
    async fn clear(&self) -> Result<()>;

    /// Acquires, renews or releases a lease, and returns `true` if the lease is the holder's (rule 28).
    ///
    /// One holder has a lease until it expires or is released. If nobody has the lease of this name, or the
    /// same holder has it, the holder has it for the requested time from now on, even if that ends sooner
    /// than before. If another holder has it, nothing changes and the result is `false`. Of several holders that
    /// ask at once, one gets it.
    ///
    /// A requested time of zero releases the lease, and the answer follows the same rule: `true` if the holder
    /// had the lease or nobody did, since it is free now, and `false` if another holder has it, who keeps it.
    ///
    /// Time is the store's: where several machines share a store, the backend MUST go by a single clock,
    /// that of the database. A holder that is suspended for longer than its lease has lost it without being
    /// told. A lease therefore only saves duplicate work; nothing else may depend on it.
    async fn lease(&self, lease: &Lease) -> Result<bool>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: EventStore + ?Sized> EventStore for Arc<T> {
    forward_event_store!(self => **self);
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: EventStore + ?Sized> EventStore for Box<T> {
    forward_event_store!(self => **self);
}

/// A complete store: what a URI opens, and what the conformance suite tests.
///
/// Every type that is both a [`BackendBase`] and an [`EventStore`] implements it.
pub trait Store: BackendBase + EventStore {}

impl<T: BackendBase + EventStore + ?Sized> Store for T {}

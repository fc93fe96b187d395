//! [`EventStore`]: the same occurrences, seen as events with types and traits.

use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::Lease;

use crate::{
    BackendBase, EventQuery, EventTrait, Expired, Expiry, Occurrence, Page, Result, TraitQuery,
    TraitType,
};

/// Occurrences as events: an event's type is its record's channel, its traits are typed values.
///
/// A backend that lacks [`Capability::Events`](crate::Capability::Events) answers every method with
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
#[async_trait]
pub trait EventStore: std::fmt::Debug + Send + Sync + 'static {
    /// A page of the events that a filter finds, by time (rules 10, 11, 15, 16).
    ///
    /// The filter is a conjunction; both ends of its range are in it. A comparison looks at events
    /// that have the trait with that type, so `Ne` does not find those that lack it. Text compares by
    /// code point. What matches is defined by [`EventFilter::matches`](crate::EventFilter::matches).
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>>;

    /// The types of the stored events, sorted by code point (rule 17). A type goes with its last
    /// event.
    async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>>;

    /// The distinct names and types of the traits that events of a type have, sorted (rule 17); none
    /// for an unknown type.
    async fn trait_types(&self, app_id: Option<&str>, event_type: &str) -> Result<Vec<TraitType>>;

    /// A page of the traits of the events of a type, by name, then by event (rule 17).
    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>>;

    /// Deletes the occurrences that are older than a time, the oldest first (by time, id, ticket id),
    /// at most `max_count` (rule 18).
    ///
    /// Tickets keep their counts, also per hour. A solved ticket goes too, with its counts, if its
    /// last occurrence time is older than that time and none of its occurrences is left, be it by this
    /// call or by an earlier one; this is checked again inside the deleting statement, so that one that
    /// has just reopened is not lost. `max_count` limits the occurrences alone: with 0, only such tickets
    /// go.
    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired>;

    /// Keeps of each ticket the first of the stored occurrences and the newest `keep - 1` (by time, then
    /// id), deletes the rest and says how many that were (rule 19). Counts stay.
    ///
    /// To keep 0 is an error of kind [`Config`](crate::ErrorKind::Config).
    async fn keep_per_ticket(&self, app_id: Option<&str>, keep: u32) -> Result<u64>;

    /// Empties this store, tickets and all, and nothing beside it (rule 20). Leases stay.
    async fn clear(&self) -> Result<()>;

    /// Takes a lease, prolongs it, or gives it back; says whether it is the holder's (rule 28).
    ///
    /// A lease is held by one holder until it runs out or is given back. If nobody holds the one of
    /// this name, or the holder itself does, it is the holder's from now on for the lease's time,
    /// also if that ends sooner than before; with a time of zero nobody holds it any more. If somebody
    /// else holds it, nothing changes and the answer is `false`. Of several that ask at once one gets it.
    ///
    /// Time is the store's: where several machines share it, MUST go by one clock, that of the
    /// database. Who holds a lease and stops for longer than its time has lost it without being told:
    /// so a lease spares work that would be done twice, and no more may depend on it.
    async fn lease(&self, lease: &Lease) -> Result<bool>;
}

macro_rules! forward_event_store {
    ($($wrapper:ident),*) => {$(
        #[async_trait]
        #[deny(clippy::missing_trait_methods)]
        impl<T: EventStore + ?Sized> EventStore for $wrapper<T> {
            async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
                (**self).get_events(query).await
            }

            async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>> {
                (**self).event_types(app_id).await
            }

            async fn trait_types(&self, app_id: Option<&str>, event_type: &str) -> Result<Vec<TraitType>> {
                (**self).trait_types(app_id, event_type).await
            }

            async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
                (**self).get_traits(query).await
            }

            async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
                (**self).clear_expired(expiry).await
            }

            async fn keep_per_ticket(&self, app_id: Option<&str>, keep: u32) -> Result<u64> {
                (**self).keep_per_ticket(app_id, keep).await
            }

            async fn clear(&self) -> Result<()> {
                (**self).clear().await
            }

            async fn lease(&self, lease: &Lease) -> Result<bool> {
                (**self).lease(lease).await
            }
        }
    )*};
}

forward_event_store!(Arc, Box);

/// A whole store: what a URI opens, and what the conformance suite runs on.
///
/// Implemented by everything that is both.
pub trait Store: BackendBase + EventStore {}

impl<T: BackendBase + EventStore + ?Sized> Store for T {}

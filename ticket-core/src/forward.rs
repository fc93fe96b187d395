//! Macros that forward the contract's methods to another backend.
//!
//! `#[async_trait]` looks at an `impl` before the macros inside it are expanded, so it never sees the
//! methods that these macros produce. They are therefore written in the form that `async_trait` gives its
//! own: they return the inner backend's boxed future as it is, without a second allocation.

/// Forwards the methods of [`BackendBase`](crate::BackendBase) to another backend.
///
/// The macro stands inside the `impl` of a wrapper and takes `self`, the expression of the inner backend,
/// and the methods that the wrapper implements itself, if there are any. The compiler rejects a method that
/// is neither forwarded nor implemented, and one that is both.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use ticket_core::{BackendBase, EventStore, Result, forward_backend, forward_event_store};
/// use ticket_core::backend::{Batch, Recorded, async_trait};
///
/// /// Counts the batches that reach a backend.
/// #[derive(Debug)]
/// struct Counting<B> {
///     inner: B,
///     batches: AtomicU64,
/// }
///
/// #[async_trait]
/// impl<B: BackendBase> BackendBase for Counting<B> {
///     forward_backend!(self => self.inner; except record_tickets);
///
///     async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
///         self.batches.fetch_add(1, Ordering::Relaxed);
///         self.inner.record_tickets(batch).await
///     }
/// }
///
/// #[async_trait]
/// impl<B: EventStore> EventStore for Counting<B> {
///     forward_event_store!(self => self.inner);
/// }
/// ```
#[macro_export]
macro_rules! forward_backend {
    ($self:ident => $inner:expr $(; except $($own:ident),+ $(,)?)?) => {
        $crate::__forward! { each BackendBase $self ($inner) [$($($own)+)?]
            {name sync &'static str}
            {capabilities sync $crate::Capabilities}
            {setup_backend () () $crate::Result<()>}
            {record_tickets (batch: $crate::backend::Batch) () $crate::Result<$crate::backend::Recorded>}
            {count_tickets () (filter: 'life1 $crate::TicketFilter) $crate::Result<u64>}
            {get_tickets () (query: 'life1 $crate::TicketQuery)
                $crate::Result<$crate::Page<$crate::Ticket>>}
            {get_ticket (id: $crate::TicketId) ()
                $crate::Result<::std::option::Option<$crate::Ticket>>}
            {set_status
                (id: $crate::TicketId, change: $crate::backend::StatusChange, author: $crate::Author) ()
                $crate::Result<::std::option::Option<$crate::Ticket>>}
            {merge_tickets
                (into: $crate::TicketId, from: $crate::TicketId, author: $crate::Author) ()
                $crate::Result<::std::option::Option<$crate::Ticket>>}
            {unmerge_ticket (from: $crate::TicketId, author: $crate::Author) () $crate::Result<bool>}
            {add_note (id: $crate::TicketId, note: $crate::Note) () $crate::Result<bool>}
            {get_history (id: $crate::TicketId) (query: 'life1 $crate::HistoryQuery)
                $crate::Result<$crate::Page<$crate::HistoryEntry>>}
            {get_releases () (query: 'life1 $crate::ReleaseQuery)
                $crate::Result<::std::vec::Vec<::std::string::String>>}
            {delete_ticket (id: $crate::TicketId) () $crate::Result<bool>}
            {get_occurrences (id: $crate::TicketId) (query: 'life1 $crate::OccurrenceQuery)
                $crate::Result<$crate::Page<$crate::Occurrence>>}
            {count_occurrences () (query: 'life1 $crate::HistogramQuery)
                $crate::Result<::std::vec::Vec<$crate::Bucket>>}
            {read_position () (source: 'life1 str)
                $crate::Result<::std::option::Option<::std::string::String>>}
            {report_process (report: $crate::ProcessReport) () $crate::Result<()>}
            {get_reports () (query: 'life1 $crate::ReportQuery)
                $crate::Result<::std::vec::Vec<$crate::ProcessReport>>}
            {store_info () () $crate::Result<$crate::StoreInfo>}
        }
    };
}

/// Forwards the methods of [`EventStore`](crate::EventStore) to another store.
///
/// It is used like [`forward_backend!`](crate::forward_backend), which has an example.
#[macro_export]
macro_rules! forward_event_store {
    ($self:ident => $inner:expr $(; except $($own:ident),+ $(,)?)?) => {
        $crate::__forward! { each EventStore $self ($inner) [$($($own)+)?]
            {get_events () (query: 'life1 $crate::EventQuery)
                $crate::Result<$crate::Page<$crate::Occurrence>>}
            {event_types () (query: 'life1 $crate::EventTypeQuery)
                $crate::Result<::std::vec::Vec<::std::string::String>>}
            {trait_types () (query: 'life1 $crate::TraitTypeQuery)
                $crate::Result<::std::vec::Vec<$crate::TraitType>>}
            {get_traits () (query: 'life1 $crate::TraitQuery)
                $crate::Result<$crate::Page<$crate::EventTrait>>}
            {clear_expired () (expiry: 'life1 $crate::Expiry) $crate::Result<$crate::Expired>}
            {keep_per_ticket () (keep: 'life1 $crate::KeepPerTicket) $crate::Result<u64>}
            {clear () () $crate::Result<()>}
            {lease () (lease: 'life1 $crate::backend::Lease) $crate::Result<bool>}
        }
    };
}

/// Writes the methods of a table, except those that the wrapper implements itself.
///
/// A row is `{name sync output}` or `{name (arguments) (references) output}`. Macros cannot compare two
/// names that they are given, so each method has an arm that matches its name in both places.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward {
    (each $trait:ident $self:ident ($inner:expr) $own:tt $($row:tt)*) => {
        $($crate::__forward! { $own $row $trait $self ($inner) })*
    };

    ([name $($_:ident)*] {name $($row:tt)*} $($to:tt)*) => {};
    ([capabilities $($_:ident)*] {capabilities $($row:tt)*} $($to:tt)*) => {};
    ([setup_backend $($_:ident)*] {setup_backend $($row:tt)*} $($to:tt)*) => {};
    ([record_tickets $($_:ident)*] {record_tickets $($row:tt)*} $($to:tt)*) => {};
    ([count_tickets $($_:ident)*] {count_tickets $($row:tt)*} $($to:tt)*) => {};
    ([get_tickets $($_:ident)*] {get_tickets $($row:tt)*} $($to:tt)*) => {};
    ([get_ticket $($_:ident)*] {get_ticket $($row:tt)*} $($to:tt)*) => {};
    ([set_status $($_:ident)*] {set_status $($row:tt)*} $($to:tt)*) => {};
    ([merge_tickets $($_:ident)*] {merge_tickets $($row:tt)*} $($to:tt)*) => {};
    ([unmerge_ticket $($_:ident)*] {unmerge_ticket $($row:tt)*} $($to:tt)*) => {};
    ([add_note $($_:ident)*] {add_note $($row:tt)*} $($to:tt)*) => {};
    ([get_history $($_:ident)*] {get_history $($row:tt)*} $($to:tt)*) => {};
    ([get_releases $($_:ident)*] {get_releases $($row:tt)*} $($to:tt)*) => {};
    ([delete_ticket $($_:ident)*] {delete_ticket $($row:tt)*} $($to:tt)*) => {};
    ([get_occurrences $($_:ident)*] {get_occurrences $($row:tt)*} $($to:tt)*) => {};
    ([count_occurrences $($_:ident)*] {count_occurrences $($row:tt)*} $($to:tt)*) => {};
    ([read_position $($_:ident)*] {read_position $($row:tt)*} $($to:tt)*) => {};
    ([report_process $($_:ident)*] {report_process $($row:tt)*} $($to:tt)*) => {};
    ([get_reports $($_:ident)*] {get_reports $($row:tt)*} $($to:tt)*) => {};
    ([store_info $($_:ident)*] {store_info $($row:tt)*} $($to:tt)*) => {};
    ([get_events $($_:ident)*] {get_events $($row:tt)*} $($to:tt)*) => {};
    ([event_types $($_:ident)*] {event_types $($row:tt)*} $($to:tt)*) => {};
    ([trait_types $($_:ident)*] {trait_types $($row:tt)*} $($to:tt)*) => {};
    ([get_traits $($_:ident)*] {get_traits $($row:tt)*} $($to:tt)*) => {};
    ([clear_expired $($_:ident)*] {clear_expired $($row:tt)*} $($to:tt)*) => {};
    ([keep_per_ticket $($_:ident)*] {keep_per_ticket $($row:tt)*} $($to:tt)*) => {};
    ([clear $($_:ident)*] {clear $($row:tt)*} $($to:tt)*) => {};
    ([lease $($_:ident)*] {lease $($row:tt)*} $($to:tt)*) => {};
    ([$other:ident $($own:ident)*] $row:tt $($to:tt)*) => {
        $crate::__forward! { [$($own)*] $row $($to)* }
    };

    ([] {$method:ident sync $output:ty} $trait:ident $self:ident ($inner:expr)) => {
        fn $method(&$self) -> $output {
            $crate::$trait::$method(&$inner)
        }
    };
    (
        []
        {
            $method:ident
            ($($value:ident: $type:ty),*)
            ($($reference:ident: $life:lifetime $referred:ty)?)
            $output:ty
        }
        $trait:ident $self:ident ($inner:expr)
    ) => {
        fn $method<'life0, $($life,)? 'async_trait>(
            &'life0 $self,
            $($value: $type,)*
            $($reference: &$life $referred,)?
        ) -> ::std::pin::Pin<::std::boxed::Box<
            dyn ::std::future::Future<Output = $output> + ::std::marker::Send + 'async_trait,
        >>
        where
            'life0: 'async_trait,
            $($life: 'async_trait,)?
            Self: 'async_trait,
        {
            $crate::$trait::$method(&$inner, $($value,)* $($reference)?)
        }
    };
}

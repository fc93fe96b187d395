//! [`BackendBase`]: the contract of a ticket store.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Batch, Recorded, StatusChange};
use crate::{
    Author, Bucket, Capabilities, HistogramQuery, HistoryEntry, HistoryQuery, Note, Occurrence,
    OccurrenceQuery, Page, ProcessReport, ReleaseQuery, ReportQuery, Result, StoreInfo, Ticket,
    TicketFilter, TicketId, TicketQuery, forward_backend,
};

/// A store of tickets and their occurrences.
///
/// The numbered rules below are the contract of every backend. The conformance suite, the crate
/// `ticket-conformance`, checks each of them with cases that are named after it. No method has a default
/// implementation; conveniences live in [`BackendExt`](crate::BackendExt). A ticket system that is not a
/// database implements [`TicketingBaseHandler`](crate::TicketingBaseHandler) instead, and a wrapper
/// around another backend forwards what it does not change with
/// [`forward_backend!`](crate::forward_backend).
///
/// Every method MUST be cancel-safe: dropping its future leaves the store either as it was before the call
/// or as it is after the call. Every method MUST return, even if the store does not answer: a backend limits how
/// long it waits, documents that limit, and then fails with
/// [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable). That includes the wait in line behind other calls of the
/// same handle (rule 25).
///
/// No method may depend on the caller's asynchronous runtime unless the backend's documentation names that
/// runtime. A method SHOULD NOT block its thread while it waits for a lock, a disk or a server, because that
/// thread may be the only one of the caller's runtime: a backend with a blocking driver runs it on threads of
/// its own. Work that only takes a moment, such as a lookup in memory, may be done at once.
///
/// A backend never receives a text that exceeds the [limits](crate::limits) or contains NUL, because
/// records, queries and the other arguments bring their texts within the limits when they are built
/// (rules 21 and 22). A backend stores and compares these texts as they are. It returns a record with its
/// payload and its external id as they were recorded (rule 29).
///
/// The store has its own connections (rule 27). A call neither commits nor rolls back an open transaction
/// of the application, and a record made inside a transaction that is rolled back is kept.
///
/// # The methods as an implementor writes them
///
/// The signatures below are those that `#[async_trait]` generates. In the source they are plain `async fn`s,
/// and an implementation under the same attribute looks like this:
///
/// ```
/// use ticket_core::backend::{Batch, Recorded, StatusChange, async_trait};
/// use ticket_core::{
///     Author, BackendBase, Bucket, Capabilities, Capability, HistogramQuery, HistoryEntry, HistoryQuery, Note,
///     Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery, ReportQuery, Result, StoreInfo, Ticket,
///     TicketFilter, TicketId, TicketQuery,
/// };
///
/// #[derive(Debug)]
/// struct Foo;
///
/// #[async_trait]
/// impl BackendBase for Foo {
///     fn name(&self) -> &'static str {
///         "foo"
///     }
///     fn capabilities(&self) -> Capabilities {
///         Capabilities::all().without(Capability::ApplicationTransactions)
///     }
///     async fn setup_backend(&self) -> Result<()> {
///         todo!()
///     }
///     async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
///         todo!()
///     }
///     async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
///         todo!()
///     }
///     async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
///         todo!()
///     }
///     async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
///         todo!()
///     }
///     async fn set_status(
///         &self,
///         id: TicketId,
///         change: StatusChange,
///         author: Author,
///     ) -> Result<Option<Ticket>> {
///         todo!()
///     }
///     async fn merge_tickets(
///         &self,
///         into: TicketId,
///         from: TicketId,
///         author: Author,
///     ) -> Result<Option<Ticket>> {
///         todo!()
///     }
///     async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
///         todo!()
///     }
///     async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
///         todo!()
///     }
///     async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
///         todo!()
///     }
///     async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
///         todo!()
///     }
///     async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
///         todo!()
///     }
///     async fn get_occurrences(&self, id: TicketId, query: &OccurrenceQuery) -> Result<Page<Occurrence>> {
///         todo!()
///     }
///     async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
///         todo!()
///     }
///     async fn read_position(&self, source: &str) -> Result<Option<String>> {
///         todo!()
///     }
///     async fn report_process(&self, report: ProcessReport) -> Result<()> {
///         todo!()
///     }
///     async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
///         todo!()
///     }
///     async fn store_info(&self) -> Result<StoreInfo> {
///         todo!()
///     }
/// }
/// ```
#[async_trait]
pub trait BackendBase: std::fmt::Debug + Send + Sync + 'static {
    /// Returns the backend's short name, such as `sqlite`, for messages.
    fn name(&self) -> &'static str;

    /// Returns what the backend is capable of.
    ///
    /// A call that needs a capability the backend lacks fails with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) (rule 26).
    fn capabilities(&self) -> Capabilities;

    /// Creates the schema, or migrates an older one and keeps its data (rule 24).
    ///
    /// The call MUST be safe to repeat any number of times and to make from several processes at once. A
    /// schema that is newer than the backend is an error of kind [`Corrupt`](crate::ErrorKind::Corrupt)
    /// and stays untouched. A backend that must not create anything (`autocreate = false`) only checks the
    /// schema, and fails with kind [`Config`](crate::ErrorKind::Config) if it is missing or old.
    ///
    /// A store that was never set up is empty: where this call would create the schema, every method that
    /// only reads finds nothing, and MUST NOT fail for that reason (rule 13). With `autocreate = false` these
    /// methods fail like this one. A method that changes something may fail with kind
    /// [`Config`](crate::ErrorKind::Config) until the store was set up, and so may every method while the stored
    /// schema is an older one; [`check_schema_version`](super::check_schema_version) has the errors.
    ///
    /// The first release of a backend has no older schema to migrate. It stores the version of its schema all
    /// the same, because the release after it has to know it.
    async fn setup_backend(&self) -> Result<()>;

    /// Records a batch of occurrences, and the [read positions](super::ReadPosition) in it. An empty batch
    /// succeeds and changes nothing.
    ///
    /// A [`Batch`] holds the occurrences of each ticket together, tickets in id order, and
    /// within a ticket no id twice.
    ///
    /// 1. A batch is recorded completely or not at all, whether it holds 1 occurrence or 10,000.
    /// 2. Within a ticket, an occurrence id counts once: twice in a batch, in two batches, from two
    ///    processes, or sent again after a lost answer. The first one stays (within a batch, the one
    ///    closer to the front). An id is known for as long as its occurrence is stored.
    /// 3. The first occurrence creates the ticket with all its fields. Exactly one call reports
    ///    [`Created`](super::TicketChange::Created), however many writers race.
    /// 4. `occurrence_count` and the counts per hour are the sums of `repeats` over distinct occurrences,
    ///    under any number of writers.
    /// 5. The first and last times are the minimum and the maximum over all occurrences, and the ticket's
    ///    description is that of its newest occurrence (by time, then id), in whatever order occurrences
    ///    arrive. Pruned occurrences count: an occurrence with the time and id of a pruned first or newest
    ///    one changes neither.
    /// 6. A solved ticket is reopened by an occurrence that is later than the moment it was solved, and by
    ///    nothing else. If the solving names a release, the occurrence also has to be of a release that the
    ///    [fix does not settle](crate::Fix::settles). Exactly one call reports
    ///    [`Reopened`](super::TicketChange::Reopened) per solving. Every other occurrence counts and leaves
    ///    the ticket solved.
    /// 7. A muted ticket counts and stays muted. Nothing is reported for it, not even when the time until
    ///    which it was muted has passed.
    /// 8. Batches that touch the same tickets in opposite orders all succeed.
    ///
    /// A batch may say up to where its reader has read some sources. These positions are stored together
    /// with its occurrences, or neither is, even if the batch has no occurrences (rule 32). If one of them
    /// does not follow the stored position of its source, which
    /// [`ReadPosition::check`](super::ReadPosition::check) decides, the call fails with
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) and changes nothing: of several readers that read
    /// the same, one records it. The check and the change MUST be one step for all writers. Once the
    /// positions are stored, those that were written more than
    /// [`ReadPosition::LIFETIME`](super::ReadPosition::LIFETIME) before the newest one in the batch, by the
    /// times that their readers state, are deleted.
    ///
    /// The result has one [`TicketUpdate`](super::TicketUpdate) for each ticket that gained an occurrence,
    /// in id order.
    async fn record_tickets(&self, batch: Batch) -> Result<Recorded>;

    /// Counts the tickets that match a filter (rule 12).
    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64>;

    /// Returns a page of tickets (rules 10 to 12 and 14).
    ///
    /// The order is total: ties are broken by id, in the same direction. Pages continue from a cursor:
    /// while others write, a caller that reads page after page sees every ticket whose sort key does not
    /// change exactly once.
    ///
    /// If [`plan`](TicketQuery::plan) rejects the query, the call fails with that error, whatever is
    /// stored. The same holds for all other queries that have a plan.
    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>>;

    /// Returns a ticket, or `None` if no ticket has this id (rule 13).
    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>>;

    /// Solves, reopens or mutes a ticket, and returns the ticket as it is afterwards; `None` if no ticket
    /// has this id (rule 13).
    ///
    /// Solving settles everything up to a given moment, and, if it names a release, the releases before the
    /// fix. If the ticket's last occurrence, stored or pruned and of whatever release, is later than that
    /// moment, the ticket stays as it is, whether it is open, muted or solved at a later
    /// moment: the problem came back before the decision arrived. Whichever of the two arrives first, an
    /// occurrence that is later than the solving and not settled prevails. In every other case the new status replaces the
    /// old one, even one of the same kind. A change of status is not an occurrence: `reopened_count` stays
    /// the same. The release that solves a ticket is cut to the [limit](crate::limits::NAME) of a name, as
    /// a record's release is; [`StatusChange::status`] does that.
    ///
    /// A new status becomes an entry of the ticket's history (rule 31), even if it equals the old one. A
    /// solving that leaves the ticket as it is does not.
    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>>;

    /// Merges the ticket `from` into the ticket `into`, and returns `into` as it is afterwards; `None` if one
    /// of them does not exist (rule 13).
    ///
    /// 30. A merge happens completely or not at all. Afterwards `into` has the occurrences of both tickets. Its
    ///     counts and its counts per hour are the sums of both, and so is `reopened_count`. Its first and newest
    ///     occurrences, and with them its description, are those of both, and its releases and environments all
    ///     of both. An occurrence id that is stored in both counts once: the occurrence of `into` stays, also as
    ///     the first or the newest one. The entries of `from`'s history follow those of `into`, and the merge itself
    ///     comes last. `into` keeps its status, except that it is open if it was solved and an occurrence of `from`
    ///     is later than the moment of solving; that is no reopening.
    ///
    ///     The ticket `from` no longer exists, and its id is unknown to every method but this one and
    ///     [`unmerge_ticket`](Self::unmerge_ticket). Every later occurrence with its fingerprint is recorded in
    ///     `into`, in every process, and the [`TicketUpdate`](super::TicketUpdate) names `into`. The tickets that
    ///     were merged into `from` before follow it. The redirection ends with `unmerge_ticket`, and whenever
    ///     `into` is deleted.
    ///
    ///     A merge is refused as [`check_merge`](super::check_merge) says, with kind
    ///     [`Config`](crate::ErrorKind::Config): into itself, into a ticket that was merged itself, and across
    ///     applications. Merging once more what has been merged changes nothing.
    ///
    /// The call may take time in proportion to the stored occurrences of `from`.
    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>>;

    /// Ends the redirection that a merge of the ticket `from` began; `false` if there is none (rule 13).
    ///
    /// What was recorded stays where it is. The next occurrence with the fingerprint `from` creates that ticket
    /// anew, and is [`Created`](super::TicketChange::Created) then. The history of the ticket into which `from`
    /// was merged gets an entry (rule 30).
    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool>;

    /// Adds a note to a ticket's history; `false` if no ticket has this id (rule 13).
    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool>;

    /// Returns a page of a ticket's history, ordered by the number of the entry (rules 11 and 31). The page
    /// is empty if no ticket has this id.
    ///
    /// 31. The history has an entry for each status that a person gave the ticket, for each note, each merge, and for
    ///     each occurrence that reopened the ticket. The call that reports
    ///     [`Reopened`](super::TicketChange::Reopened) adds that entry, with no name and the time that the ticket's
    ///     newest occurrence has once the whole batch is recorded. Entries are numbered from 1 without gaps, in the order in which the store
    ///     applied them, whatever their times. The newest [`HISTORY`](crate::limits::HISTORY) entries are kept
    ///     and keep their numbers. Pruning occurrences does not affect the history. It is deleted with its
    ///     ticket, and a ticket that is recorded again starts with an empty one.
    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>>;

    /// Returns the releases in which the tickets of an application were seen, each once, sorted by code point
    /// (rule 12).
    ///
    /// Pruning does not affect the result. A ticket takes its releases along when it is deleted or expires.
    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>>;

    /// Deletes a ticket with its occurrences, counts and history; `false` if no ticket has this id (rule 13).
    ///
    /// A delete that races a record leaves no occurrence and no count without a ticket (rule 9). A ticket
    /// that is recorded again after it was deleted starts from scratch.
    async fn delete_ticket(&self, id: TicketId) -> Result<bool>;

    /// Returns a page of a ticket's occurrences, ordered by time, with ties broken by id (rules 10 and
    /// 11). The page is empty if no ticket has this id.
    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>>;

    /// Returns the counts per hour or day of a ticket or an application (rule 12).
    ///
    /// The counts have no gaps, are exact, and are not affected by pruning. An unknown ticket has zeros. A
    /// ticket takes its counts along when it is deleted or expires with its occurrences.
    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>>;

    /// Returns the position up to which a source was read, or `None` if none is stored (rule 32).
    ///
    /// The name of the source is cut like that of a [`ReadPosition`](super::ReadPosition). Neither a deleted
    /// ticket nor expiry changes a position; [`clear`](crate::EventStore::clear) deletes them all.
    async fn read_position(&self, source: &str) -> Result<Option<String>>;

    /// Stores the report of a process in place of its earlier one.
    ///
    /// 33. A report is stored whole, and replaces the one of the same process, unless that one has a later time: then
    ///     the call succeeds and changes nothing. The comparison and the change MUST be one step for all writers.
    ///     Storing a report deletes all reports, whatever their application, whose time is earlier than its
    ///     [`ProcessReport::forgets_before`]. Neither recording, nor a change or a deletion of tickets, nor expiry
    ///     changes a report; [`clear`](crate::EventStore::clear) deletes them all.
    ///
    /// The report is [within its limits](ProcessReport::within_limits). Its JSON form loses nothing, so a store may
    /// keep it as a text and needs only the process, the application and the time in fields of their own.
    ///
    /// A backend without [`Capability::ProcessReports`](crate::Capability::ProcessReports) fails with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    async fn report_process(&self, report: ProcessReport) -> Result<()>;

    /// Returns the newest reports, one for each process, at most [`MAX_LIMIT`](crate::MAX_LIMIT) (rule 33).
    ///
    /// The newest report comes first; reports of the same time are in the order of their processes, by code
    /// point.
    ///
    /// A backend without [`Capability::ProcessReports`](crate::Capability::ProcessReports) fails with
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>>;

    /// Returns what the store knows about itself: the version of its schema, and the bytes that it takes (rule 33).
    ///
    /// Every backend has an answer. It leaves out what it does not know, and MUST NOT read its data to find out: the
    /// call takes as long for a million tickets as for one. Of a store that was never set up nothing is known. A backend
    /// with [`Capability::SchemaVersions`](crate::Capability::SchemaVersions) returns the stored version; like any call, it
    /// may fail if that is not its own.
    async fn store_info(&self) -> Result<StoreInfo>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: BackendBase + ?Sized> BackendBase for Arc<T> {
    forward_backend!(self => **self);
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: BackendBase + ?Sized> BackendBase for Box<T> {
    forward_backend!(self => **self);
}

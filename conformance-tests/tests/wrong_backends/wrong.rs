//! [`Wrong`]: the reference backend with one fault.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use ticket_core::backend::{
    Batch, Lease, NewOccurrence, Recorded, StatusChange, TicketUpdate, async_trait,
};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Error, EventFilter, EventQuery, EventStore,
    EventTrait, EventTypeQuery, Expired, Expiry, Fingerprint, HistogramQuery, HistoryEntry,
    HistoryQuery, KeepPerTicket, Note, Occurrence, OccurrenceId, OccurrenceQuery, Page,
    ProcessReport, Record, ReleaseQuery, ReportQuery, Result, SmolStr, Status, StoreInfo, Ticket,
    TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType, TraitTypeQuery,
};
use ticket_memory::MemoryBackend;

use crate::database::Storage;
use crate::journal::{Change, by};

/// How a wrong backend differs from the correct one. All of them start from [`CORRECT`].
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    pub(crate) capabilities: Capabilities,
    /// Records the first half of a batch, waits, and records the rest.
    pub(crate) pause_in_the_middle: bool,
    /// Treats all namespaces of a database as one store.
    pub(crate) one_for_all: bool,
    /// Gives each handle a store of its own.
    pub(crate) one_for_each_handle: bool,
    pub(crate) debug: fn(&Wrong, &mut fmt::Formatter<'_>) -> fmt::Result,
    pub(crate) setup: fn(&Wrong) -> Result<()>,
    pub(crate) record: fn(&Wrong, &[NewOccurrence]) -> Result<Recorded>,
    /// Records a batch with read positions.
    pub(crate) record_read: fn(&Wrong, &Batch) -> Result<Recorded>,
    pub(crate) read_position: fn(&Wrong, &str) -> Result<Option<String>>,
    pub(crate) report: fn(&Wrong, &ProcessReport) -> Result<()>,
    pub(crate) get_reports: fn(&Wrong, &ReportQuery) -> Result<Vec<ProcessReport>>,
    pub(crate) store_info: fn(&Wrong) -> Result<StoreInfo>,
    pub(crate) count_tickets: fn(&Wrong, &TicketFilter) -> Result<u64>,
    pub(crate) get_tickets: fn(&Wrong, &TicketQuery) -> Result<Page<Ticket>>,
    pub(crate) get_ticket: fn(&Wrong, TicketId) -> Result<Option<Ticket>>,
    pub(crate) set_status: fn(&Wrong, TicketId, StatusChange, Author) -> Result<Option<Ticket>>,
    pub(crate) merge: fn(&Wrong, TicketId, TicketId, Author) -> Result<Option<Ticket>>,
    pub(crate) unmerge: fn(&Wrong, TicketId, Author) -> Result<bool>,
    pub(crate) add_note: fn(&Wrong, TicketId, Note) -> Result<bool>,
    pub(crate) get_history: fn(&Wrong, TicketId, &HistoryQuery) -> Result<Page<HistoryEntry>>,
    pub(crate) get_releases: fn(&Wrong, &ReleaseQuery) -> Result<Vec<String>>,
    pub(crate) delete: fn(&Wrong, TicketId) -> Result<bool>,
    pub(crate) get_occurrences: fn(&Wrong, TicketId, &OccurrenceQuery) -> Result<Page<Occurrence>>,
    pub(crate) count_occurrences: fn(&Wrong, &HistogramQuery) -> Result<Vec<Bucket>>,
    pub(crate) get_events: fn(&Wrong, &EventQuery) -> Result<Page<Occurrence>>,
    pub(crate) event_types: fn(&Wrong, &EventTypeQuery) -> Result<Vec<String>>,
    pub(crate) trait_types: fn(&Wrong, &TraitTypeQuery) -> Result<Vec<TraitType>>,
    pub(crate) get_traits: fn(&Wrong, &TraitQuery) -> Result<Page<EventTrait>>,
    pub(crate) clear_expired: fn(&Wrong, &Expiry) -> Result<Expired>,
    pub(crate) keep_per_ticket: fn(&Wrong, &KeepPerTicket) -> Result<u64>,
    pub(crate) clear: fn(&Wrong) -> Result<()>,
    pub(crate) lease: fn(&Wrong, &Lease) -> Result<bool>,
    /// Changes what is stored of an occurrence; `None` stores nothing.
    pub(crate) incoming: fn(&Wrong, &NewOccurrence) -> Option<NewOccurrence>,
    /// Changes every ticket that is read.
    pub(crate) ticket: fn(&Wrong, &mut Ticket),
    /// Changes every occurrence that is read.
    pub(crate) occurrence: fn(&Wrong, &mut Occurrence),
    /// Changes every filter of tickets.
    pub(crate) filter: fn(&Wrong, &mut TicketFilter),
    /// Changes every filter of events.
    pub(crate) event_filter: fn(&Wrong, &mut EventFilter),
    /// Begins every change; fails while the database is away.
    pub(crate) reach: fn(&Wrong) -> Result<()>,
}

/// The hooks of the correct backend.
pub(crate) const CORRECT: Hooks = Hooks {
    capabilities: Capabilities::all(),
    pause_in_the_middle: false,
    one_for_all: false,
    one_for_each_handle: false,
    debug: |_, f| f.write_str("Wrong"),
    setup: |it| it.storage.set_up(),
    record: Wrong::record,
    record_read: |it, batch| {
        it.change(&Change::record(batch), |store| {
            store.record_tickets(batch.clone()).now_or_never()
        })
    },
    read_position: |it, source| it.correct(|correct| correct.read_position(source).now_or_never()),
    report: |it, report| {
        let change = Change::Report(Box::new(report.clone()));
        it.change(&change, |store| store.report_process(report.clone()).now_or_never())
    },
    get_reports: |it, query| it.correct(|correct| correct.get_reports(query).now_or_never()),
    store_info: |it| {
        let version = it.storage.version().map(u64::from);
        Ok(version.map_or_else(StoreInfo::new, |it| StoreInfo::new().with_schema_version(it)))
    },
    count_tickets: |it, filter| {
        it.correct(|correct| correct.count_tickets(&it.filtered(filter)).now_or_never())
    },
    get_tickets: Wrong::tickets,
    get_ticket: |it, id| Ok(it.ticket(id)),
    set_status: Wrong::decide,
    merge: Wrong::merge,
    unmerge: Wrong::unmerge,
    add_note: Wrong::add_note,
    get_history: Wrong::history,
    get_releases: |it, query| it.correct(|correct| correct.get_releases(query).now_or_never()),
    delete: |it, id| it.change(&Change::Delete(id), |store| store.delete_ticket(id).now_or_never()),
    get_occurrences: Wrong::occurrences,
    count_occurrences: |it, query| {
        it.correct(|correct| correct.count_occurrences(query).now_or_never())
    },
    get_events: Wrong::events,
    event_types: |it, query| it.correct(|correct| correct.event_types(query).now_or_never()),
    trait_types: |it, query| it.correct(|correct| correct.trait_types(query).now_or_never()),
    get_traits: |it, query| it.correct(|correct| correct.get_traits(query).now_or_never()),
    clear_expired: |it, expiry| {
        it.change(&Change::expire(expiry), |store| store.clear_expired(expiry).now_or_never())
    },
    keep_per_ticket: |it, keep| {
        it.change(&Change::keep(keep), |store| store.keep_per_ticket(keep).now_or_never())
    },
    clear: |it| it.change(&Change::Clear, |store| store.clear().now_or_never()),
    lease: |it, lease| it.change(&Change::lease(lease), |store| store.lease(lease).now_or_never()),
    incoming: |_, new| Some(new.clone()),
    ticket: |_, _| (),
    occurrence: |_, _| (),
    filter: |_, _| (),
    event_filter: |_, _| (),
    reach: |it| it.storage.reach(),
};

/// What faults remember from one call to the next. The correct backend remembers nothing.
#[derive(Default)]
pub(crate) struct Notes {
    pub(crate) ids: HashSet<(TicketId, OccurrenceId)>,
    pub(crate) numbers: HashMap<TicketId, i64>,
    pub(crate) texts: HashMap<TicketId, String>,
    pub(crate) statuses: HashMap<TicketId, Status>,
    pub(crate) occurrences: Vec<Occurrence>,
    pub(crate) types: BTreeSet<String>,
    pub(crate) leases: Vec<Lease>,
    pub(crate) offsets: HashMap<String, u64>,
    pub(crate) history: Vec<(TicketId, HistoryEntry)>,
    pub(crate) left: Vec<Ticket>,
    pub(crate) seen: Vec<(TicketId, Option<SmolStr>, Option<SmolStr>)>,
    pub(crate) merged: Vec<(TicketId, TicketId)>,
    pub(crate) reports: Vec<ProcessReport>,
    pub(crate) flag: bool,
}

/// A store with a single fault. Clones share it.
#[derive(Clone)]
pub(crate) struct Wrong {
    pub(crate) hooks: &'static Hooks,
    /// The database that the store lives in.
    pub(crate) storage: Storage,
    memory: MemoryBackend,
    notes: Arc<Mutex<Notes>>,
    lock: Arc<Mutex<()>>,
}

impl Wrong {
    pub(crate) fn new(hooks: &'static Hooks, storage: Storage) -> Self {
        Self {
            hooks,
            storage,
            memory: MemoryBackend::new(),
            notes: Arc::default(),
            lock: Arc::default(),
        }
    }

    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap()
    }

    /// Calls the correct backend, which never waits.
    pub(crate) fn correct<T>(&self, call: impl FnOnce(&MemoryBackend) -> Option<T>) -> T {
        call(&self.memory).expect("the memory backend never waits")
    }

    /// Changes the store for all processes.
    pub(crate) fn change<T>(
        &self,
        change: &Change,
        make: impl FnOnce(&MemoryBackend) -> Option<Result<T>>,
    ) -> Result<T> {
        self.storage.change(change, |theirs| theirs.apply(&self.memory), || self.correct(make))
    }

    pub(crate) fn record(&self, batch: &[NewOccurrence]) -> Result<Recorded> {
        let batch: Vec<_> =
            batch.iter().filter_map(|new| (self.hooks.incoming)(self, new)).collect();
        let batch = Batch::from(&batch[..]);
        self.change(&Change::record(&batch), |store| store.record_tickets(batch).now_or_never())
    }

    pub(crate) fn record_without_lock(&self, batch: &[NewOccurrence]) -> Result<Recorded> {
        let batch = Batch::from(batch);
        let change = Change::record(&batch);
        let apply = |theirs: Change| theirs.apply(&self.memory);
        self.storage.change_without_lock(&change, apply, || {
            std::thread::sleep(std::time::Duration::from_millis(2));
            self.correct(|store| store.record_tickets(batch).now_or_never())
        })
    }

    /// Lets one caller at a time run in this process, as a lock of the process does that others do not see.
    pub(crate) fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap()
    }

    /// Returns the ticket as it is stored, without the fault.
    pub(crate) fn stored(&self, id: TicketId) -> Option<Ticket> {
        self.correct(|correct| correct.get_ticket(id).now_or_never()).unwrap()
    }

    pub(crate) fn ticket(&self, id: TicketId) -> Option<Ticket> {
        let mut ticket = self.stored(id);
        ticket.iter_mut().for_each(|ticket| (self.hooks.ticket)(self, ticket));
        ticket
    }

    pub(crate) fn tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        let query = query.clone().with_filter(self.filtered(&query.filter));
        let mut page = self.correct(|correct| correct.get_tickets(&query).now_or_never())?;
        page.items.iter_mut().for_each(|ticket| (self.hooks.ticket)(self, ticket));
        Ok(page)
    }

    /// Changes the status of a ticket by nobody in particular.
    pub(crate) fn set_status(&self, id: TicketId, change: StatusChange) -> Result<Option<Ticket>> {
        self.decide(id, change, Author::unknown())
    }

    pub(crate) fn decide(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let decision = Change::status(id, &change, &author);
        self.change(&decision, |store| store.set_status(id, change, author).now_or_never())?;
        Ok(self.ticket(id))
    }

    pub(crate) fn merge(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let change = Change::Merge(into, from, by(&author));
        self.change(&change, |store| store.merge_tickets(into, from, author).now_or_never())
    }

    pub(crate) fn unmerge(&self, from: TicketId, author: Author) -> Result<bool> {
        let change = Change::Unmerge(from, by(&author));
        self.change(&change, |store| store.unmerge_ticket(from, author).now_or_never())
    }

    pub(crate) fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.change(&Change::note(id, &note), |store| store.add_note(id, note).now_or_never())
    }

    pub(crate) fn history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.correct(|correct| correct.get_history(id, query).now_or_never())
    }

    pub(crate) fn occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let mut page = self.correct(|correct| correct.get_occurrences(id, query).now_or_never())?;
        page.items.iter_mut().for_each(|one| (self.hooks.occurrence)(self, one));
        Ok(page)
    }

    /// Returns all stored occurrences of a ticket, newest first.
    pub(crate) fn all_occurrences(&self, id: TicketId) -> Vec<Occurrence> {
        let query = OccurrenceQuery::new().with_limit(ticket_core::MAX_LIMIT);
        self.correct(|correct| correct.get_occurrences(id, &query).now_or_never()).unwrap().items
    }

    pub(crate) fn events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        let mut query = query.clone();
        (self.hooks.event_filter)(self, &mut query.filter);
        let mut page = self.correct(|correct| correct.get_events(&query).now_or_never())?;
        page.items.iter_mut().for_each(|one| (self.hooks.occurrence)(self, one));
        Ok(page)
    }

    fn filtered(&self, filter: &TicketFilter) -> TicketFilter {
        let mut filter = filter.clone();
        (self.hooks.filter)(self, &mut filter);
        filter
    }

    /// Applies what other processes changed before anything is read, which needs a schema unless one may be
    /// created.
    pub(crate) fn catch_up(&self) -> Result<()> {
        if !self.storage.autocreate && self.storage.version().is_none() {
            return Err(Error::config("the schema is missing, and autocreate is off"));
        }
        self.storage.catch_up(|theirs| theirs.apply(&self.memory))
    }
}

/// Returns the same occurrence with a changed record, in the same ticket.
pub(crate) fn altered(new: &NewOccurrence, change: impl FnOnce(&mut Record)) -> NewOccurrence {
    let mut record = new.record().clone();
    change(&mut record);
    let fingerprint = Fingerprint::from_parts(new.ticket_id(), new.ingredients().clone());
    NewOccurrence::new(record, fingerprint).with_repeats(new.repeats())
}

/// Returns the same occurrence under a new id.
pub(crate) fn under_another_id(new: &NewOccurrence) -> NewOccurrence {
    altered(new, |record| record.id = OccurrenceId::random(record.time))
}

/// Joins the results of several parts of a batch.
pub(crate) fn joined(parts: impl IntoIterator<Item = Recorded>) -> Recorded {
    let mut whole = Recorded::default();
    for part in parts {
        whole.occurrences += part.occurrences;
        for update in part.updates {
            match whole.updates.iter_mut().find(|known| known.ticket_id == update.ticket_id) {
                Some(known) => {
                    let change = known.change.or(update.change);
                    let added = known.added + update.added;
                    *known = TicketUpdate { change, added, ..update };
                }
                None => whole.updates.push(update),
            }
        }
    }
    whole.updates.sort_by_key(|update| update.ticket_id);
    whole
}

impl fmt::Debug for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.hooks.debug)(self, f)
    }
}

#[async_trait]
impl BackendBase for Wrong {
    fn name(&self) -> &'static str {
        "wrong"
    }

    fn capabilities(&self) -> Capabilities {
        self.hooks.capabilities
    }

    async fn setup_backend(&self) -> Result<()> {
        (self.hooks.setup)(self)
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        (self.hooks.reach)(self)?;
        if !batch.positions().is_empty() {
            return (self.hooks.record_read)(self, &batch);
        }
        if !self.hooks.pause_in_the_middle {
            return (self.hooks.record)(self, &batch);
        }
        let (first, rest) = batch.split_at(batch.len() / 2);
        let first = self.record(first)?;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        Ok(joined([first, self.record(rest)?]))
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.catch_up()?;
        (self.hooks.count_tickets)(self, filter)
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.catch_up()?;
        (self.hooks.get_tickets)(self, query)
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.catch_up()?;
        (self.hooks.get_ticket)(self, id)
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        (self.hooks.reach)(self)?;
        (self.hooks.set_status)(self, id, change, author)
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        self.catch_up()?;
        (self.hooks.merge)(self, into, from, author)
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        (self.hooks.unmerge)(self, from, author)
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        (self.hooks.add_note)(self, id, note)
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.catch_up()?;
        (self.hooks.get_history)(self, id, query)
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.catch_up()?;
        (self.hooks.get_releases)(self, query)
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        (self.hooks.delete)(self, id)
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.catch_up()?;
        (self.hooks.get_occurrences)(self, id, query)
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        self.catch_up()?;
        (self.hooks.count_occurrences)(self, query)
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        self.catch_up()?;
        (self.hooks.read_position)(self, source)
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        (self.hooks.report)(self, &report)
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        self.catch_up()?;
        (self.hooks.get_reports)(self, query)
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.catch_up()?;
        (self.hooks.store_info)(self)
    }
}

#[async_trait]
impl EventStore for Wrong {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.catch_up()?;
        (self.hooks.get_events)(self, query)
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.catch_up()?;
        (self.hooks.event_types)(self, query)
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.catch_up()?;
        (self.hooks.trait_types)(self, query)
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.catch_up()?;
        (self.hooks.get_traits)(self, query)
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        (self.hooks.clear_expired)(self, expiry)
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        (self.hooks.keep_per_ticket)(self, keep)
    }

    async fn clear(&self) -> Result<()> {
        (self.hooks.clear)(self)
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        (self.hooks.lease)(self, lease)
    }
}

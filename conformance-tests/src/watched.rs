//! [`Watched`]: remembers the last calls of a case, which its failure shows.

use std::collections::{HashMap, VecDeque};
use std::fmt::{self, Debug, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use ticket_core::backend::{Batch, Lease, Recorded, StatusChange};
use ticket_core::{
    Author, BackendBase, Bucket, Capabilities, Error, EventQuery, EventStore, EventTrait,
    EventTypeQuery, Expired, Expiry, HistogramQuery, HistoryEntry, HistoryQuery, KeepPerTicket,
    Note, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery, ReportQuery, Result,
    Store, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, TraitQuery, TraitType,
    TraitTypeQuery,
};

/// The number of calls that a failure shows.
const SHOWN: usize = 8;

/// The longest text of a call or an answer that is shown as a whole.
const SHORT: usize = 200;

/// The last calls of a case through all of its handles. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<Mutex<Log>>);

#[derive(Debug, Default)]
struct Log {
    count: u64,
    answered: u64,
    last: VecDeque<Call>,
    /// The names that the case has given its tickets.
    names: HashMap<TicketId, String>,
}

#[derive(Debug)]
struct Call {
    number: u64,
    text: String,
    answer: Option<String>,
}

impl Calls {
    fn lock(&self) -> MutexGuard<'_, Log> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, text: String) -> u64 {
        let mut log = self.lock();
        log.count += 1;
        let number = log.count;
        log.last.push_back(Call { number, text, answer: None });
        if log.last.len() > SHOWN {
            log.last.pop_front();
        }
        number
    }

    fn end(&self, number: u64, answer: String) {
        let mut log = self.lock();
        log.answered += 1;
        if let Some(call) = log.last.iter_mut().find(|call| call.number == number) {
            call.answer = Some(answer);
        }
    }

    /// Remembers the names of the tickets in a batch, and describes the batch.
    fn learn(&self, batch: &Batch) -> String {
        let names = &mut self.lock().names;
        let (mut text, mut tickets) = (format!("{} occurrences of", batch.len()), 0);
        // The occurrences of a ticket stand together.
        for own in batch.chunk_by(|a, b| a.ticket_id() == b.ticket_id()) {
            let id = own[0].ticket_id();
            if let Some(name) = &own[0].record().fingerprint {
                names.entry(id).or_insert_with(|| name.to_string());
            }
            tickets += 1;
            match tickets {
                1..=3 => text += &format!(" {id}"),
                4 => text += " …",
                _ => {}
            }
        }
        text
    }

    /// Returns a value that differs after a call has begun or ended.
    pub(crate) fn progress(&self) -> (u64, u64) {
        let log = self.lock();
        (log.count, log.answered)
    }

    /// Forgets the calls so far.
    pub(crate) fn forget(&self) {
        *self.lock() = Log::default();
    }
}

/// Lists the last calls; nothing if there were none.
impl fmt::Display for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.lock();
        if log.last.is_empty() {
            return Ok(());
        }
        let mut text = "\n\nthe last calls through handles of this process:\n".to_owned();
        for Call { number, text: call, answer } in &log.last {
            let answer = answer.as_deref().unwrap_or("no answer");
            writeln!(text, "  {number}. {call}\n     -> {answer}")?;
        }
        for (id, name) in &log.names {
            text = text.replace(&id.to_string(), &format!("`{}`", shortened(name.clone())));
        }
        f.write_str(&text)
    }
}

/// A store that remembers its calls in [`Calls`].
pub(crate) struct Watched {
    inner: Arc<dyn Store>,
    calls: Calls,
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn Store>, calls: Calls) -> Self {
        Self { inner, calls }
    }

    async fn call<T>(
        &self,
        name: &str,
        arguments: &[&(dyn Debug + Sync)],
        call: impl Future<Output = Result<T>>,
        show: impl Fn(&T) -> String,
    ) -> Result<T> {
        let arguments: Vec<_> = arguments.iter().map(|one| shortened(format!("{one:?}"))).collect();
        let number = self.calls.begin(format!("{name}({})", arguments.join(", ")));
        let answer = call.await;
        self.calls.end(number, answer.as_ref().map_or_else(failed, show));
        answer
    }
}

fn failed(error: &Error) -> String {
    shortened(format!("{} error: {error}", error.kind()))
}

/// Shows a small answer.
fn small<T: Debug>(answer: &T) -> String {
    shortened(format!("{answer:?}"))
}

/// Shows what a test usually asks of a ticket.
fn ticket(ticket: &Option<Ticket>) -> String {
    let Some(ticket) = ticket else { return "None".to_owned() };
    let Ticket { id, status, occurrence_count, reopened_count, message, .. } = ticket;
    shortened(format!(
        "{id}: {status:?}, counted {occurrence_count}, reopened {reopened_count}, {message:?}"
    ))
}

fn page<T>(page: &Page<T>) -> String {
    let more = if page.next.is_some() { ", and there are more" } else { "" };
    format!("{} items{more}", page.items.len())
}

fn recorded(recorded: &Recorded) -> String {
    let mut text = format!("{} new", recorded.occurrences);
    for update in recorded.updates.iter().take(3) {
        let change = update.change.map(|change| format!("{change:?}, ")).unwrap_or_default();
        let (id, added, count) = (update.ticket_id, update.added, update.occurrence_count);
        text += &format!("; {id}: {change}{added} added to {count}");
    }
    if recorded.updates.len() > 3 {
        text += &format!("; and {} more tickets", recorded.updates.len() - 3);
    }
    text
}

fn shortened(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(SHORT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// A case must not see that it is watched.
impl Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.inner, f)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl BackendBase for Watched {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn setup_backend(&self) -> Result<()> {
        self.call("setup_backend", &[], self.inner.setup_backend(), small).await
    }

    async fn record_tickets(&self, batch: Batch) -> Result<Recorded> {
        let what = self.calls.learn(&batch);
        let call = self.inner.record_tickets(batch.clone());
        match batch.positions() {
            [] => self.call("record_tickets", &[&what], call, recorded).await,
            read => self.call("record_tickets", &[&what, &read], call, recorded).await,
        }
    }

    async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.call("count_tickets", &[filter], self.inner.count_tickets(filter), small).await
    }

    async fn get_tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.call("get_tickets", &[query], self.inner.get_tickets(query), page).await
    }

    async fn get_ticket(&self, id: TicketId) -> Result<Option<Ticket>> {
        self.call("get_ticket", &[&id], self.inner.get_ticket(id), ticket).await
    }

    async fn set_status(
        &self,
        id: TicketId,
        change: StatusChange,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let call = self.inner.set_status(id, change.clone(), author.clone());
        self.call("set_status", &[&id, &change, &author], call, ticket).await
    }

    async fn merge_tickets(
        &self,
        into: TicketId,
        from: TicketId,
        author: Author,
    ) -> Result<Option<Ticket>> {
        let call = self.inner.merge_tickets(into, from, author.clone());
        self.call("merge_tickets", &[&into, &from, &author], call, ticket).await
    }

    async fn unmerge_ticket(&self, from: TicketId, author: Author) -> Result<bool> {
        let call = self.inner.unmerge_ticket(from, author.clone());
        self.call("unmerge_ticket", &[&from, &author], call, small).await
    }

    async fn add_note(&self, id: TicketId, note: Note) -> Result<bool> {
        self.call("add_note", &[&id, &note], self.inner.add_note(id, note.clone()), small).await
    }

    async fn get_history(&self, id: TicketId, query: &HistoryQuery) -> Result<Page<HistoryEntry>> {
        self.call("get_history", &[&id, query], self.inner.get_history(id, query), page).await
    }

    async fn get_releases(&self, query: &ReleaseQuery) -> Result<Vec<String>> {
        self.call("get_releases", &[query], self.inner.get_releases(query), small).await
    }

    async fn delete_ticket(&self, id: TicketId) -> Result<bool> {
        self.call("delete_ticket", &[&id], self.inner.delete_ticket(id), small).await
    }

    async fn get_occurrences(
        &self,
        id: TicketId,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        let call = self.inner.get_occurrences(id, query);
        self.call("get_occurrences", &[&id, query], call, page).await
    }

    async fn count_occurrences(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        let call = self.inner.count_occurrences(query);
        let show = |buckets: &Vec<Bucket>| format!("{} buckets", buckets.len());
        self.call("count_occurrences", &[query], call, show).await
    }

    async fn read_position(&self, source: &str) -> Result<Option<String>> {
        self.call("read_position", &[&source], self.inner.read_position(source), small).await
    }

    async fn report_process(&self, report: ProcessReport) -> Result<()> {
        let call = self.inner.report_process(report.clone());
        self.call("report_process", &[&report], call, small).await
    }

    async fn get_reports(&self, query: &ReportQuery) -> Result<Vec<ProcessReport>> {
        let show = |reports: &Vec<ProcessReport>| format!("{} reports", reports.len());
        self.call("get_reports", &[query], self.inner.get_reports(query), show).await
    }

    async fn store_info(&self) -> Result<StoreInfo> {
        self.call("store_info", &[], self.inner.store_info(), small).await
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl EventStore for Watched {
    async fn get_events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.call("get_events", &[query], self.inner.get_events(query), page).await
    }

    async fn event_types(&self, query: &EventTypeQuery) -> Result<Vec<String>> {
        self.call("event_types", &[query], self.inner.event_types(query), small).await
    }

    async fn trait_types(&self, query: &TraitTypeQuery) -> Result<Vec<TraitType>> {
        self.call("trait_types", &[query], self.inner.trait_types(query), small).await
    }

    async fn get_traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.call("get_traits", &[query], self.inner.get_traits(query), page).await
    }

    async fn clear_expired(&self, expiry: &Expiry) -> Result<Expired> {
        self.call("clear_expired", &[expiry], self.inner.clear_expired(expiry), small).await
    }

    async fn keep_per_ticket(&self, keep: &KeepPerTicket) -> Result<u64> {
        self.call("keep_per_ticket", &[keep], self.inner.keep_per_ticket(keep), small).await
    }

    async fn clear(&self) -> Result<()> {
        self.call("clear", &[], self.inner.clear(), small).await
    }

    async fn lease(&self, lease: &Lease) -> Result<bool> {
        self.call("lease", &[lease], self.inner.lease(lease), small).await
    }
}

//! [`Executor`]: runs operations on a store.

use std::fmt::{self, Debug, Write};

use ticket_core::backend::Batch;
use ticket_core::{Capability, Cursor, Error, Page, Result, Store, TicketQuery};

use super::operation::{Operation, Pages, shorten};

/// More pages than any result of a sequence can have, to end a cursor that goes in circles.
const MAX_PAGES: usize = 1_000;

/// A store and the last cursor that it returned.
pub(super) struct Executor<'a> {
    store: &'a dyn Store,
    cursor: Option<Cursor>,
}

impl<'a> Executor<'a> {
    pub(super) fn new(store: &'a dyn Store) -> Self {
        Self { store, cursor: None }
    }

    /// Deletes everything in the store.
    pub(super) async fn start_empty(&self) -> Result<(), String> {
        let emptied = if self.store.capabilities().has(Capability::Events) {
            self.store.clear().await
        } else {
            self.delete_all().await
        };
        emptied.map_err(|error| format!("cannot empty the store before a sequence: {error}"))
    }

    async fn delete_all(&self) -> Result<()> {
        loop {
            let tickets = self.store.get_tickets(&TicketQuery::new()).await?.items;
            if tickets.is_empty() {
                return Ok(());
            }
            for ticket in tickets {
                self.store.delete_ticket(ticket.id).await?;
            }
        }
    }

    /// Runs one operation and returns its result.
    pub(super) async fn run(&mut self, operation: &Operation) -> Answer {
        let store = self.store;
        match operation {
            Operation::Record(batch) => {
                record(store, batch.iter().map(|draft| draft.build()).collect()).await
            }
            Operation::RecordRead(batch, positions) => {
                let batch: Batch = batch.iter().map(|draft| draft.build()).collect();
                record(store, batch.with_positions(positions.clone())).await
            }
            Operation::ReadPosition(source) => Answer::one(&store.read_position(source).await),
            Operation::CountTickets(filter) => Answer::one(&store.count_tickets(filter).await),
            Operation::GetTickets(query, pages) => {
                let read = |after| {
                    let mut query = query.clone();
                    query = query.with_after(after);
                    async move { store.get_tickets(&query).await }
                };
                self.pages(*pages, read).await
            }
            Operation::GetTicket(id) => Answer::one(&store.get_ticket(*id).await),
            Operation::SetStatus(id, change, author) => {
                Answer::one(&store.set_status(*id, change.clone(), author.clone()).await)
            }
            Operation::MergeTickets { into, from, author } => {
                Answer::one(&store.merge_tickets(*into, *from, author.clone()).await)
            }
            Operation::UnmergeTicket(id, author) => {
                Answer::one(&store.unmerge_ticket(*id, author.clone()).await)
            }
            Operation::AddNote(id, note) => Answer::one(&store.add_note(*id, note.clone()).await),
            Operation::GetHistory(id, query, pages) => {
                let read = |after| {
                    let mut query = query.clone();
                    query = query.with_after(after);
                    async move { store.get_history(*id, &query).await }
                };
                self.pages(*pages, read).await
            }
            Operation::GetReleases(query) => Answer::one(&store.get_releases(query).await),
            Operation::DeleteTicket(id) => Answer::one(&store.delete_ticket(*id).await),
            Operation::GetOccurrences(id, query, pages) => {
                let read = |after| {
                    let mut query = query.clone();
                    query = query.with_after(after);
                    async move { store.get_occurrences(*id, &query).await }
                };
                self.pages(*pages, read).await
            }
            Operation::CountOccurrences(query) => {
                let buckets = store.count_occurrences(query).await;
                Answer::of(buckets.map(|buckets| (String::new(), lines(&buckets))))
            }
            Operation::GetEvents(query, pages) => {
                let read = |after| {
                    let mut query = query.clone();
                    query = query.with_after(after);
                    async move { store.get_events(&query).await }
                };
                self.pages(*pages, read).await
            }
            Operation::EventTypes(query) => Answer::one(&store.event_types(query).await),
            Operation::TraitTypes(query) => Answer::one(&store.trait_types(query).await),
            Operation::GetTraits(query, pages) => {
                let read = |after| {
                    let mut query = query.clone();
                    query = query.with_after(after);
                    async move { store.get_traits(&query).await }
                };
                self.pages(*pages, read).await
            }
            Operation::ClearExpired(expiry) => Answer::one(&store.clear_expired(expiry).await),
            Operation::KeepPerTicket(keep) => Answer::one(&store.keep_per_ticket(keep).await),
            Operation::Clear => Answer::one(&store.clear().await),
        }
    }

    /// Reads one page or all pages.
    async fn pages<T, F, R>(&mut self, pages: Pages, read: F) -> Answer
    where
        T: Debug,
        F: Fn(Option<Cursor>) -> R,
        R: Future<Output = Result<Page<T>>>,
    {
        let mut after = match pages {
            Pages::First | Pages::All => None,
            Pages::Resumed => self.cursor.clone(),
        };
        let mut items = Vec::new();
        for _ in 0..MAX_PAGES {
            let page = match read(after).await {
                Ok(page) => page,
                Err(error) => return Answer::of(Err(error)),
            };
            items.extend(lines(&page.items));
            let next = page.next.as_ref().map_or("end".to_owned(), Cursor::to_string);
            items.push(format!("next: {next}"));
            if page.next.is_some() {
                self.cursor.clone_from(&page.next);
            }
            after = page.next;
            if pages != Pages::All || after.is_none() {
                return Answer::of(Ok((String::new(), items)));
            }
        }
        items.push(format!("and more than {MAX_PAGES} pages"));
        Answer::of(Ok((String::new(), items)))
    }
}

async fn record(store: &dyn Store, batch: Batch) -> Answer {
    let recorded = store.record_tickets(batch).await;
    Answer::of(
        recorded
            .map(|recorded| (format!("{} new", recorded.occurrences), lines(&recorded.updates))),
    )
}

fn lines<T: Debug>(items: &[T]) -> Vec<String> {
    items.iter().map(|item| format!("{item:?}")).collect()
}

/// A store's result as lines that can be compared and read. `Debug` texts distinguish all values, including
/// `0.0` and `-0.0`. Only the kind of an error is part of the contract.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    head: String,
    items: Vec<String>,
}

impl Answer {
    fn of(answer: Result<(String, Vec<String>), Error>) -> Self {
        match answer {
            Ok((head, items)) => Self { head, items },
            Err(error) => Self { head: format!("error: {}", error.kind()), items: Vec::new() },
        }
    }

    fn one<T: Debug>(answer: &Result<T>) -> Self {
        match answer {
            Ok(value) => Self { head: format!("{value:?}"), items: Vec::new() },
            Err(error) => Self { head: format!("error: {}", error.kind()), items: Vec::new() },
        }
    }

    /// Describes how the backend's result differs from this one; `None` if it does not.
    pub(super) fn difference(&self, actual: &Self) -> Option<String> {
        if self == actual {
            return None;
        }
        let same = self.items.iter().zip(&actual.items).take_while(|(a, b)| a == b).count();
        let mut text = String::new();
        for (who, answer) in [("the reference", self), ("the backend", actual)] {
            // Writing to a string does not fail.
            let _ = write!(text, "{who} returns: {}", shorten(&answer.head));
            if self.items.len().max(actual.items.len()) > 0 {
                let item =
                    answer.items.get(same).map_or("nothing".to_owned(), |item| shorten(item));
                let _ = write!(text, "\n  {} lines, line {}: {item}", answer.items.len(), same + 1);
            }
            text.push('\n');
        }
        Some(text)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.head)?;
        self.items.iter().try_for_each(|item| write!(f, "\n  {item}"))
    }
}

//! [`Changer`]: the changes that one visitor may make.

use std::time::Duration;

use ticket_core::{BackendExt as _, HistoryEvent, HistoryQuery, Note, Store, Ticket, TicketId};
use ticket_redact::Redaction;

use crate::failure::Failure;
use crate::reader::Reader;
use crate::site::Site;
use crate::visit::Visit;

type Result<T> = std::result::Result<T, Failure>;

/// How a ticket is solved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Solution {
    /// By whatever runs now.
    #[default]
    Now,
    /// By this release.
    InRelease(String),
    /// By the release after the latest one of the application.
    InNextRelease,
}

/// The changes that a visitor may make. They take tickets that the [`Reader`] has returned, and so only those that the
/// visitor sees.
///
/// The deadline is that of the whole request: a merge takes longer than a page.
#[derive(Clone, Copy)]
pub(crate) struct Changer<'a> {
    site: &'a Site,
    visit: &'a Visit,
}

impl Site {
    /// Returns the changes that the visitor may make.
    pub(crate) fn changer<'a>(&'a self, visit: &'a Visit) -> Result<Changer<'a>> {
        // The route needs the permission too. This keeps a route that forgets it from changing anything.
        if visit.grant.can_change() {
            Ok(Changer { site: self, visit })
        } else {
            Err(Failure::forbidden("You may see these tickets, but not change them."))
        }
    }
}

impl<'a> Changer<'a> {
    fn store(self) -> &'a dyn Store {
        self.site.store.as_ref()
    }

    fn reader(self) -> Reader<'a> {
        self.site.reader(self.visit)
    }

    pub(crate) async fn solve(self, ticket: &Ticket, how: &Solution) -> Result<Ticket> {
        let (store, author) = (self.store(), self.visit.author());
        let solved = match how {
            Solution::Now => store.solve_ticket(ticket.id, None, author).await?,
            Solution::InRelease(release) => {
                store.solve_ticket(ticket.id, Some(release.clone()), author).await?
            }
            Solution::InNextRelease => {
                store.solve_ticket_in_next_release(ticket.id, author).await?
            }
        };
        solved.ok_or_else(|| Failure::not_found("ticket"))
    }

    pub(crate) async fn reopen(self, ticket: &Ticket) -> Result<Ticket> {
        let reopened = self.store().reopen_ticket(ticket.id, self.visit.author()).await?;
        reopened.ok_or_else(|| Failure::not_found("ticket"))
    }

    pub(crate) async fn mute(self, ticket: &Ticket, duration: Option<Duration>) -> Result<Ticket> {
        let muted = self.store().mute_ticket(ticket.id, duration, self.visit.author()).await?;
        muted.ok_or_else(|| Failure::not_found("ticket"))
    }

    pub(crate) async fn delete(self, ticket: &Ticket) -> Result<()> {
        // Somebody else may have been faster: it is gone.
        self.store().delete_ticket(ticket.id).await?;
        Ok(())
    }

    pub(crate) async fn note(self, ticket: &Ticket, text: &str) -> Result<()> {
        if text.trim().is_empty() {
            return Err(Failure::bad_request("text: the note is empty: write something."));
        }
        // As by `ticket note`: people paste what they see.
        let note = Note::new(Redaction::new().text(text), self.visit.author());
        if self.store().add_note(ticket.id, note).await? {
            Ok(())
        } else {
            Err(Failure::not_found("ticket"))
        }
    }

    /// Merges one ticket into another. Merging once more what has been merged changes nothing.
    pub(crate) async fn merge(self, into: &Ticket, from: TicketId) -> Result<Ticket> {
        // A ticket that was merged is not there any more, so its application is that of the one it was merged into, or
        // the merge is refused.
        match self.reader().ticket(from).await {
            Ok(_) => {}
            Err(_) if self.was_merged(into, from).await? => return Ok(into.clone()),
            Err(failure) => return Err(failure),
        }
        let merged = self.store().merge_tickets(into.id, from, self.visit.author()).await?;
        merged.ok_or_else(|| Failure::not_found("ticket"))
    }

    /// Ends the redirection of a merged ticket; `false` if there is none.
    pub(crate) async fn unmerge(self, ticket: &Ticket, from: TicketId) -> Result<bool> {
        // Only this shows that the redirection leads to a ticket that the visitor sees.
        if !self.was_merged(ticket, from).await? {
            return Ok(false);
        }
        Ok(self.store().unmerge_ticket(from, self.visit.author()).await?)
    }

    /// Returns `true` if the history says that a ticket is merged into this one.
    async fn was_merged(self, ticket: &Ticket, from: TicketId) -> Result<bool> {
        let history = self.reader().history(ticket, &HistoryQuery::new().with_limit(1_000)).await?;
        let last = history.items.iter().find_map(|entry| match entry.event {
            HistoryEvent::Merged(id) if id == from => Some(true),
            HistoryEvent::Unmerged(id) if id == from => Some(false),
            _ => None,
        });
        Ok(last.unwrap_or(false))
    }
}

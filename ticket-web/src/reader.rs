//! [`Reader`]: the store as one visitor sees it.

use std::collections::BTreeSet;

use ticket_core::{
    Bucket, Capability, ErrorKind, EventQuery, EventTrait, EventTypeQuery, HistogramQuery,
    HistoryEntry, HistoryQuery, Occurrence, OccurrenceQuery, Page, ProcessReport, ReleaseQuery,
    ReportQuery, Store, StoreInfo, Ticket, TicketFilter, TicketId, TicketQuery, TraitQuery,
    TraitType, TraitTypeQuery,
};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::site::{QUESTION_DEADLINE, Site};
use crate::visit::Visit;

type Result<T> = std::result::Result<T, Failure>;

/// The store as one visitor sees it: without the applications that it may not see, and with a deadline for every
/// question. Nothing else reads the store, so that no page can forget either.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    site: &'a Site,
    visit: &'a Visit,
}

impl Site {
    pub(crate) fn reader<'a>(&'a self, visit: &'a Visit) -> Reader<'a> {
        Reader { site: self, visit }
    }
}

impl Reader<'_> {
    fn store(&self) -> &dyn Store {
        self.site.store.as_ref()
    }

    /// Returns the application that a request means: the one that it asks for, or all of those that the visitor sees. A
    /// query is for one or for all, so a visitor who sees some of them gets the first.
    pub(crate) fn app_id(&self, asked: Option<&str>) -> Result<Option<String>> {
        match (asked, &self.visit.grant.app_ids) {
            (Some(app_id), _) => {
                self.check_app_id(app_id)?;
                Ok(Some(app_id.to_owned()))
            }
            (None, None) => Ok(None),
            (None, Some(seen)) => Ok(seen.first().cloned()),
        }
    }

    fn check_app_id(&self, app_id: &str) -> Result<()> {
        if self.visit.grant.sees(app_id) {
            return Ok(());
        }
        Err(Failure::forbidden("You may not see this application."))
    }

    fn check_scope(&self, app_id: Option<&str>) -> Result<()> {
        match app_id {
            Some(app_id) => self.check_app_id(app_id),
            None if self.visit.grant.app_ids.is_none() => Ok(()),
            None => Err(Failure::forbidden("You may not see all applications.")),
        }
    }

    pub(crate) async fn tickets(&self, query: &TicketQuery) -> Result<Page<Ticket>> {
        self.check_scope(query.filter.app_id.as_deref())?;
        self.within(self.store().get_tickets(query)).await
    }

    pub(crate) async fn count_tickets(&self, filter: &TicketFilter) -> Result<u64> {
        self.check_scope(filter.app_id.as_deref())?;
        self.within(self.store().count_tickets(filter)).await
    }

    /// Returns a ticket. One of an application that the visitor does not see is not there.
    pub(crate) async fn ticket(&self, id: TicketId) -> Result<Ticket> {
        let ticket = self.within(self.store().get_ticket(id)).await?;
        let ticket = ticket.filter(|ticket| self.visit.grant.sees(&ticket.app_id));
        ticket.ok_or_else(|| Failure::not_found("ticket"))
    }

    /// Returns a page of the occurrences of a ticket that [`ticket`](Self::ticket) has returned.
    pub(crate) async fn occurrences(
        &self,
        ticket: &Ticket,
        query: &OccurrenceQuery,
    ) -> Result<Page<Occurrence>> {
        self.within(self.store().get_occurrences(ticket.id, query)).await
    }

    pub(crate) async fn history(
        &self,
        ticket: &Ticket,
        query: &HistoryQuery,
    ) -> Result<Page<HistoryEntry>> {
        self.within(self.store().get_history(ticket.id, query)).await
    }

    /// Returns counts over time of an application, or of a ticket that [`ticket`](Self::ticket) or
    /// [`tickets`](Self::tickets) has returned.
    pub(crate) async fn counts(&self, query: &HistogramQuery) -> Result<Vec<Bucket>> {
        if let ticket_core::backend::HistogramScope::App(app_id) = &query.scope {
            self.check_scope(app_id.as_deref())?;
        }
        self.within(self.store().count_occurrences(query)).await
    }

    pub(crate) async fn releases(&self, app_id: Option<&str>) -> Result<Vec<String>> {
        self.check_scope(app_id)?;
        let query =
            app_id.map_or_else(ReleaseQuery::new, |app_id| ReleaseQuery::new().with_app_id(app_id));
        self.within(self.store().get_releases(&query)).await
    }

    pub(crate) async fn events(&self, query: &EventQuery) -> Result<Page<Occurrence>> {
        self.check_scope(query.filter.app_id.as_deref())?;
        self.within(self.store().get_events(query)).await
    }

    pub(crate) async fn event_types(&self, app_id: Option<&str>) -> Result<Vec<String>> {
        self.check_scope(app_id)?;
        let query = app_id
            .map_or_else(EventTypeQuery::new, |app_id| EventTypeQuery::new().with_app_id(app_id));
        self.within(self.store().event_types(&query)).await
    }

    pub(crate) async fn trait_types(
        &self,
        app_id: Option<&str>,
        event_type: &str,
    ) -> Result<Vec<TraitType>> {
        self.check_scope(app_id)?;
        let mut query = TraitTypeQuery::new(event_type);
        if let Some(app_id) = app_id {
            query = query.with_app_id(app_id);
        }
        self.within(self.store().trait_types(&query)).await
    }

    pub(crate) async fn traits(&self, query: &TraitQuery) -> Result<Page<EventTrait>> {
        self.check_scope(query.app_id.as_deref())?;
        self.within(self.store().get_traits(query)).await
    }

    /// Returns the reports of the processes of all applications that the visitor sees; `None` if the store keeps none.
    pub(crate) async fn reports(&self) -> Result<Option<Vec<ProcessReport>>> {
        if !self.store().capabilities().has(Capability::ProcessReports) {
            return Ok(None);
        }
        let Some(seen) = &self.visit.grant.app_ids else {
            let all = ReportQuery::new();
            return self.within(self.store().get_reports(&all)).await.map(Some);
        };
        let mut reports = Vec::new();
        // A grant may name an application twice.
        for app_id in seen.iter().collect::<BTreeSet<_>>() {
            let query = ReportQuery::new().with_app_id(app_id);
            reports.extend(self.within(self.store().get_reports(&query)).await?);
        }
        reports.sort_by(|a, b| b.time.cmp(&a.time).then_with(|| a.process.cmp(&b.process)));
        Ok(Some(reports))
    }

    /// Returns what the store knows about itself. Its sizes are those of all applications, so a visitor who sees only some
    /// does not get them.
    pub(crate) async fn store_info(&self) -> Result<StoreInfo> {
        let mut info = self.within(self.store().store_info()).await?;
        if self.visit.grant.app_ids.is_some() {
            info.parts.clear();
        }
        Ok(info)
    }

    /// Returns the applications among the newest tickets. No store can list all of them.
    pub(crate) async fn app_ids(&self) -> Result<Vec<String>> {
        const NEWEST: u32 = 200;
        if let Some(seen) = &self.visit.grant.app_ids {
            return Ok(seen.clone());
        }
        let newest = self.tickets(&TicketQuery::new().with_limit(NEWEST)).await?;
        let mut app_ids: Vec<String> =
            newest.items.into_iter().map(|ticket| ticket.app_id).collect();
        app_ids.sort();
        app_ids.dedup();
        Ok(app_ids)
    }

    /// Waits for an answer of the store until the deadline.
    async fn within<T>(&self, answer: impl Future<Output = ticket_core::Result<T>>) -> Result<T> {
        let failure = match timeout(QUESTION_DEADLINE, answer).await {
            Ok(Ok(answer)) => return Ok(answer),
            // The client asked for something impossible.
            Ok(Err(error)) if error.kind() == ErrorKind::Config => return Err(error.into()),
            Ok(Err(error)) => error.into(),
            Err(_) => Failure::unavailable(),
        };
        self.site.note_failure();
        Err(failure)
    }
}

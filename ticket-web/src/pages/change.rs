//! Changes of one ticket, of a selection, or of all that match a filter.

use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use ticket_core::{Ticket, TicketId, TicketQuery};
use ticket_query::duration;

use super::render;
use super::ticket::ticket_id;
use crate::changer::{Changer, Solution};
use crate::failure::Failure;
use crate::frame::{Frame, Section};
use crate::params::Params;
use crate::paths::TicketPath;
use crate::site::Site;
use crate::ticket_params::{self, wrong};
use crate::view::{TimeView, beginning, grouped};
use crate::visit::Visit;

/// The number of tickets that one form changes.
const MAX_TICKETS: u32 = 1_000;

/// The number of changes that are under way at the same time.
const CONCURRENT: usize = 8;

/// The number of tickets that the confirmation lists.
const LISTED: usize = 50;

/// What to do with tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Solve,
    Reopen,
    Mute,
    Merge,
    Delete,
}

impl Action {
    const ALL: [Self; 5] = [Self::Solve, Self::Reopen, Self::Mute, Self::Merge, Self::Delete];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Solve => "solve",
            Self::Reopen => "reopen",
            Self::Mute => "mute",
            Self::Merge => "merge",
            Self::Delete => "delete",
        }
    }

    /// Returns what has been done, as in "3 tickets solved".
    const fn done(self) -> &'static str {
        match self {
            Self::Solve => "solved",
            Self::Reopen => "reopened",
            Self::Mute => "muted",
            Self::Merge => "merged",
            Self::Delete => "deleted",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Solve => "Solve",
            Self::Reopen => "Reopen",
            Self::Mute => "Mute",
            Self::Merge => "Merge",
            Self::Delete => "Delete",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }
}

/// Returns what the last change has done, from the parameters of the page that follows it.
pub(crate) fn report(params: &Params) -> Option<String> {
    let done = params.get("done")?;
    if done == "noted" {
        return Some("The note was added.".to_owned());
    }
    if done == "unmerged" {
        return Some(
            "New occurrences of the merged ticket are recorded in a ticket of their own again."
                .to_owned(),
        );
    }
    let action = Action::parse(done)?;
    let number: u64 = params.get("n")?.parse().ok()?;
    let missing: u64 = params.get("missing").and_then(|missing| missing.parse().ok()).unwrap_or(0);
    let tickets = |number| {
        if number == 1 { "1 ticket".to_owned() } else { format!("{} tickets", grouped(number)) }
    };
    let mut text = format!("{} {}.", tickets(number), action.done());
    if missing > 0 {
        text.push_str(&format!(" {} had been deleted or merged already.", tickets(missing)));
    }
    Some(text)
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage {
    frame: Frame,
    action: Action,
    number: String,
    /// Whether there are more that match.
    is_capped: bool,
    tickets: Vec<Listed>,
    not_listed: Option<String>,
    /// What the form sends again.
    kept: Params,
    back: String,
}

struct Listed {
    id: TicketId,
    title: String,
    count: String,
    last: TimeView,
}

/// Changes tickets, or asks whether to change them.
pub(crate) async fn post(
    State(site): State<Site>,
    visit: Visit,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Params::parse(&String::from_utf8_lossy(&body));
    let asked = form.get("action").unwrap_or_default();
    let action = Action::parse(asked)
        .ok_or_else(|| wrong("action", asked, Action::ALL.map(Action::as_str).join(", ")))?;
    let changer = site.changer(&visit)?;
    let is_all = form.get("all").is_some();
    let (tickets, missing, is_capped) = if is_all && form.get("confirmed").is_none() {
        matching(&site, &visit, form.get("filter").unwrap_or_default()).await?
    } else {
        let (tickets, missing) = selected(&site, &visit, &form).await?;
        (tickets, missing, false)
    };
    if tickets.is_empty() && missing == 0 {
        return Err(Failure::bad_request("Select at least one ticket."));
    }
    if action == Action::Merge && tickets.len() + missing < 2 {
        return Err(Failure::bad_request("Select at least two tickets to merge."));
    }
    let needs_confirmation = is_all || matches!(action, Action::Merge | Action::Delete);
    if needs_confirmation && form.get("confirmed").is_none() {
        return Ok(confirm(&site, &visit, action, &tickets, is_capped, &form));
    }

    let number = match action {
        Action::Merge => merge(changer, &form, &tickets).await?,
        _ => {
            each(changer, action, &form, &tickets).await?;
            tickets.len()
        }
    };
    let back = form.get("back").unwrap_or("/");
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    // The page of a deleted ticket is gone.
    let path = if action == Action::Delete { "/" } else { path };
    let missing = if missing > 0 { missing.to_string() } else { String::new() };
    let params = Params::parse(query)
        .with("done", action.as_str())
        .with("n", &number)
        .with("missing", &missing);
    let back = visit.link_to_asked(&format!("{path}{}", params.suffix()));
    Ok(Redirect::to(&back).into_response())
}

/// Reads the tickets that the form names, and counts those that are not there any more.
async fn selected(
    site: &Site,
    visit: &Visit,
    form: &Params,
) -> Result<(Vec<Ticket>, usize), Failure> {
    let mut ids: Vec<TicketId> = form.all("id").map(ticket_id).collect::<Result<_, _>>()?;
    ids.sort();
    ids.dedup();
    if ids.len() > MAX_TICKETS as usize {
        return Err(too_many());
    }
    let reader = site.reader(visit);
    let number = ids.len();
    let read = async |id| match reader.ticket(id).await {
        Ok(ticket) => Ok(Some(ticket)),
        Err(failure) if failure.status == StatusCode::NOT_FOUND => Ok(None),
        Err(failure) => Err(failure),
    };
    let reads: Vec<_> = ids.into_iter().map(read).collect();
    let found: Vec<Option<Ticket>> = stream::iter(reads).buffered(CONCURRENT).try_collect().await?;
    let found: Vec<Ticket> = found.into_iter().flatten().collect();
    let missing = number - found.len();
    Ok((found, missing))
}

/// Reads the tickets that match a filter, and whether there are more.
async fn matching(
    site: &Site,
    visit: &Visit,
    filter: &str,
) -> Result<(Vec<Ticket>, usize, bool), Failure> {
    let reader = site.reader(visit);
    let params = Params::parse(filter);
    let mut filter = ticket_params::filter(&params, visit.now)?;
    filter.app_id = reader.app_id(params.get("app"))?;
    let page =
        reader.tickets(&TicketQuery::new().with_filter(filter).with_limit(MAX_TICKETS)).await?;
    Ok((page.items, 0, page.next.is_some()))
}

fn too_many() -> Failure {
    Failure::bad_request(format!(
        "At most {MAX_TICKETS} tickets can be changed at once: select fewer."
    ))
}

/// Asks whether to change the tickets. The form holds their ids, so what is confirmed is what is changed.
fn confirm(
    site: &Site,
    visit: &Visit,
    action: Action,
    tickets: &[Ticket],
    is_capped: bool,
    form: &Params,
) -> Response {
    let listed = tickets.iter().take(if action == Action::Merge { tickets.len() } else { LISTED });
    let listed: Vec<Listed> = listed
        .map(|ticket| Listed {
            id: ticket.id,
            title: beginning(&ticket.message, 160),
            count: grouped(ticket.occurrence_count),
            last: TimeView::new(ticket.last_occurrence_time, visit.now),
        })
        .collect();
    let not_listed = tickets.len() - listed.len();
    let back = form.get("back").unwrap_or("/").to_owned();
    let mut kept = form.only(&["for", "release", "solved_in", "back"]);
    kept = kept.with("action", action.as_str()).with("confirmed", "true");
    for ticket in tickets {
        kept.push("id", &ticket.id);
    }
    let title = format!("{} {} tickets?", action.title(), tickets.len());
    let page = ConfirmPage {
        frame: Frame::new(site, visit, title, Section::Tickets),
        action,
        number: grouped(tickets.len() as u64),
        is_capped,
        tickets: listed,
        not_listed: (not_listed > 0).then(|| grouped(not_listed as u64)),
        kept,
        back: visit.link_to_asked(&back),
    };
    render(StatusCode::OK, &page)
}

/// Changes each ticket.
async fn each(
    changer: Changer<'_>,
    action: Action,
    form: &Params,
    tickets: &[Ticket],
) -> Result<(), Failure> {
    let (solution, time) = (solution(form)?, mute_time(form)?);
    let change = async |ticket: &Ticket| {
        match action {
            Action::Solve => changer.solve(ticket, &solution).await.map(drop),
            Action::Reopen => changer.reopen(ticket).await.map(drop),
            Action::Mute => changer.mute(ticket, time).await.map(drop),
            Action::Merge | Action::Delete => changer.delete(ticket).await,
        }
        .or_else(|failure| {
            // Somebody else has deleted it in the meantime.
            if failure.status == StatusCode::NOT_FOUND { Ok(()) } else { Err(failure) }
        })
    };
    let changes: Vec<_> = tickets.iter().map(change).collect();
    stream::iter(changes).buffer_unordered(CONCURRENT).try_collect::<()>().await
}

/// Reads how to solve tickets.
fn solution(form: &Params) -> Result<Solution, Failure> {
    match (form.get("solved_in"), form.get("release")) {
        (None | Some("now"), _) => Ok(Solution::Now),
        (Some("next"), _) => Ok(Solution::InNextRelease),
        (Some("release"), Some(release)) => Ok(Solution::InRelease(release.to_owned())),
        (Some("release"), None) => {
            Err(Failure::bad_request("release: write the release that solves the problem."))
        }
        (Some(other), _) => Err(wrong("solved_in", other, "now, next or release")),
    }
}

/// Reads for how long to mute tickets; `None` is for good.
pub(crate) fn mute_time(form: &Params) -> Result<Option<Duration>, Failure> {
    let Some(text) = form.get("for") else { return Ok(None) };
    match duration(text) {
        Ok(time) => Ok(Some(time)),
        Err(message) => Err(Failure::bad_request(format!("for: {message}"))),
    }
}

/// Merges all tickets into the one that the form names. Returns the number of tickets that are merged then.
async fn merge(changer: Changer<'_>, form: &Params, tickets: &[Ticket]) -> Result<usize, Failure> {
    let into = form.get("into").unwrap_or_default();
    let into = ticket_id(into)?;
    let into = tickets.iter().find(|ticket| ticket.id == into);
    let into =
        into.ok_or_else(|| Failure::bad_request("into: choose one of the selected tickets."))?;
    for from in tickets.iter().filter(|ticket| ticket.id != into.id) {
        changer.merge(into, from.id).await?;
    }
    Ok(tickets.len())
}

/// Adds a note.
pub(crate) async fn note(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Params::parse(&String::from_utf8_lossy(&body));
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    site.changer(&visit)?.note(&ticket, form.get("text").unwrap_or_default()).await?;
    Ok(Redirect::to(&visit.link(&format!("/tickets/{}?done=noted#history", ticket.id)))
        .into_response())
}

/// Ends the redirection of a merged ticket.
pub(crate) async fn unmerge(
    State(site): State<Site>,
    visit: Visit,
    Path(TicketPath { ticket: id }): Path<TicketPath>,
    body: Bytes,
) -> Result<Response, Failure> {
    let form = Params::parse(&String::from_utf8_lossy(&body));
    let ticket = site.reader(&visit).ticket(ticket_id(&id)?).await?;
    let from = ticket_id(form.get("from").unwrap_or_default())?;
    if !site.changer(&visit)?.unmerge(&ticket, from).await? {
        return Err(Failure::not_found("merged ticket"));
    }
    Ok(Redirect::to(&visit.link(&format!("/tickets/{}?done=unmerged#history", ticket.id)))
        .into_response())
}

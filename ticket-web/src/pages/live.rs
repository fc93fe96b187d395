//! The list, kept up to date: a stream of server-sent events that says when it has changed.

use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use ticket_core::Ticket;
use tokio::time::{Instant, sleep};

use super::list::PER_PAGE;
use crate::failure::Failure;
use crate::params::Params;
use crate::site::Site;
use crate::ticket_params::TicketList;
use crate::visit::Visit;

/// How often the list is read.
const INTERVAL: Duration = Duration::from_secs(3);

/// How long a stream lasts. The browser begins another one, which is checked like every request.
const LIFETIME: Duration = Duration::from_secs(600);

/// Returns what the first page of a list looks like, in short: it is something else when a ticket of it changes.
pub(crate) fn signature(tickets: &[Ticket]) -> String {
    let mut hash = DefaultHasher::new();
    for ticket in tickets {
        ticket.id.hash(&mut hash);
        ticket.occurrence_count.hash(&mut hash);
        ticket.last_occurrence_time.hash(&mut hash);
        ticket.status.kind().hash(&mut hash);
    }
    format!("{:016x}", hash.finish())
}

pub(crate) async fn get(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    read(&site, &visit).await?;
    let Ok(permit) = Arc::clone(&site.streams).try_acquire_owned() else {
        // Tells the browser not to ask again. The page stays as it is until it is reloaded.
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let seen = visit.params.get("seen").unwrap_or_default().to_owned();
    let end = Instant::now() + LIFETIME;
    let events = stream::unfold((site, visit, seen), move |(site, visit, seen)| {
        let _held = &permit;
        async move {
            while Instant::now() < end {
                match read(&site, &visit).await {
                    Ok(now) if now != seen => {
                        // The page that is loaded now must not show numbers from before.
                        site.beside.clear();
                        let event = Event::default().event("changed").data(&now);
                        return Some((Ok::<_, Infallible>(event), (site, visit, now)));
                    }
                    // A store that is away for a while has not changed.
                    Ok(_) | Err(_) => sleep(INTERVAL).await,
                }
            }
            None
        }
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

async fn read(site: &Site, visit: &Visit) -> Result<String, Failure> {
    let reader = site.reader(visit);
    let params: &Params = &visit.params;
    let mut list = TicketList::parse(params, ticket_core::Timestamp::now(), PER_PAGE)?;
    list.filter.app_id = reader.app_id(params.get("app"))?;
    Ok(signature(&reader.tickets(&list.query(false)).await?.items))
}

//! Events as a file, streamed page by page.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::stream;
use ticket_core::{Occurrence, Page, Value};
use ticket_query::json::OccurrenceView;

use crate::event_params::{self, EventList};
use crate::failure::Failure;
use crate::site::Site;
use crate::visit::Visit;

/// The number of events that are read at once.
const PER_READ: u32 = 500;

/// The columns of every file with comma-separated values, in front of those of traits.
const COLUMNS: [&str; 13] = [
    "time",
    "level",
    "type",
    "message",
    "error_type",
    "error",
    "application",
    "release",
    "environment",
    "host",
    "ticket_id",
    "id",
    "external_id",
];

/// Answers with one JSON object per line.
pub(crate) async fn json_lines(
    State(site): State<Site>,
    visit: Visit,
) -> Result<Response, Failure> {
    let write = |event: &Occurrence, out: &mut Vec<u8>| {
        let written = serde_json::to_writer(&mut *out, &OccurrenceView::from(event));
        out.push(b'\n');
        written
    };
    let headers = ("application/x-ndjson", "attachment; filename=\"events.jsonl\"");
    stream(site, visit, headers, Vec::new(), write).await
}

/// Answers with comma-separated values. The columns of traits are those that are asked for, or all of the type.
pub(crate) async fn csv(State(site): State<Site>, visit: Visit) -> Result<Response, Failure> {
    let reader = site.reader(&visit);
    let params = visit.params.only(&event_params::NAMES);
    let mut names: Vec<String> = params.all("columns").map(str::to_owned).collect();
    if names.is_empty() {
        let list = EventList::parse(&params, visit.now, PER_READ)?;
        if let Some(event_type) = &list.filter.event_type {
            let app_id = reader.app_id(params.get("app"))?;
            let types = reader.trait_types(app_id.as_deref(), event_type).await?;
            names = types.into_iter().map(|name| name.name).collect();
            names.dedup();
        }
    }
    let mut begin = Vec::new();
    let header = COLUMNS.iter().map(ToString::to_string).chain(names.iter().cloned());
    write_line(&mut begin, header.map(|name| cell(&name)));
    let write = move |event: &Occurrence, out: &mut Vec<u8>| {
        write_line(out, cells(event, &names).into_iter());
        Ok(())
    };
    let headers = ("text/csv; charset=utf-8", "attachment; filename=\"events.csv\"");
    stream(site, visit, headers, begin, write).await
}

/// Answers with a file. The first events are read before the head is sent, so that what is wrong has a status.
async fn stream(
    site: Site,
    visit: Visit,
    (content_type, disposition): (&'static str, &'static str),
    begin: Vec<u8>,
    write: impl Fn(&Occurrence, &mut Vec<u8>) -> serde_json::Result<()> + Send + 'static,
) -> Result<Response, Failure> {
    let params = visit.params.only(&event_params::NAMES);
    let mut list = EventList::parse(&params, visit.now, PER_READ)?;
    list.filter.app_id = site.reader(&visit).app_id(params.get("app"))?;
    let query = list.query(false).with_limit(PER_READ);
    let first = site.reader(&visit).events(&query).await?;

    let mut begin = Some(begin);
    let state = (site, visit, query, Some(first));
    let body = stream::try_unfold((state, write), move |((site, visit, query, page), write)| {
        let begin = begin.take();
        async move {
            let Some(Page { items, next }) = page else { return Ok(None) };
            let mut out = begin.unwrap_or_default();
            for event in &items {
                write(event, &mut out)?;
            }
            let page = match next {
                Some(next) => {
                    let query = query.clone().with_after(next);
                    // A body that breaks off shows the client that the file is not complete.
                    Some(
                        site.reader(&visit)
                            .events(&query)
                            .await
                            .map_err(|failure| failure.detail)?,
                    )
                }
                None => None,
            };
            let chunk = Bytes::from(out);
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Some((
                chunk,
                ((site, visit, query, page), write),
            )))
        }
    });
    let headers = [(CONTENT_TYPE, content_type), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, Body::from_stream(body)).into_response())
}

fn cells(event: &Occurrence, names: &[String]) -> Vec<String> {
    let Occurrence { ticket_id, repeats: _, record } = event;
    let text = |text: &Option<ticket_core::SmolStr>| cell(text.as_deref().unwrap_or_default());
    let error = record.error.first();
    let mut cells = vec![
        record.time.to_string(),
        record.level.to_string(),
        cell(&record.channel),
        cell(&record.message),
        cell(record.error_type().unwrap_or_default()),
        cell(error.map(|error| error.message.as_str()).unwrap_or_default()),
        cell(&record.app_id),
        text(&record.release),
        text(&record.environment),
        text(&record.host),
        ticket_id.to_string(),
        record.id.to_string(),
        text(&record.external_id),
    ];
    cells.extend(names.iter().map(|name| match record.traits.get(name) {
        Some(Value::Text(text)) => cell(text),
        // A number, and no formula, even with a sign.
        Some(other) => other.to_string(),
        None => String::new(),
    }));
    cells
}

/// Returns a text as a cell that no spreadsheet takes for a formula.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r', ';', '\t']) || text.starts_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

/// Writes a line of cells, as RFC 4180 has it.
fn write_line(out: &mut Vec<u8>, cells: impl Iterator<Item = String>) {
    out.extend(cells.collect::<Vec<_>>().join(",").into_bytes());
    out.extend(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_neither_a_formula_nor_several_cells() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("@x,y", "\"'@x,y\""),
            ("-1", "'-1"),
            ("a \"b\"", "\"a \"\"b\"\"\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}

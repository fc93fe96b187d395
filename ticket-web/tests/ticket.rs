//! The page of a ticket and its texts.

#![allow(clippy::unwrap_used)] // Helpers unwrap too: a panic there fails the test.

mod support;

use axum::http::StatusCode;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{
    Author, BackendBase as _, BackendExt as _, Note, OccurrenceQuery, Record, Timestamp, Traits,
};

use support::{HOUR, error, id_of, open, record, stores};

/// What a stranger might send to be run by a browser.
const HOSTILE: &str =
    "\"><script>alert(1)</script><img src=x onerror=alert(2)>'`{{7*7}}\u{202e}\u{0}";

/// Returns a record with this text in every field.
fn everywhere(text: &str) -> Record {
    let mut record = error(text, HOUR);
    let traits = || Traits::from([(text.into(), text.into()), ("number".into(), 7.into())]);
    record.channel = text.into();
    record.location = record.location.with_file(text).with_module(text).with_function(text);
    let mut cause = ErrorCause::default();
    cause.type_name = Some(text.into());
    cause.message = text.into();
    record.error = vec![cause.clone(), cause];
    let mut frame = Frame::default();
    frame.function = text.into();
    frame.file = Some(text.into());
    let mut own = frame.clone();
    own.in_app = true;
    record.backtrace = vec![frame, own];
    record.traits = traits();
    record.request = Some(
        Request::new()
            .with_method(text)
            .with_path(text)
            .with_route(text)
            .with_remote_address(text)
            .with_user(text)
            .with_request_id(text),
    );
    let breadcrumb = serde_json::json!({
        "time": Timestamp::now(), "level": "info", "channel": text, "message": text,
    });
    let mut breadcrumb: Breadcrumb = serde_json::from_value(breadcrumb).unwrap();
    breadcrumb.traits = traits();
    record.breadcrumbs = vec![breadcrumb];
    let mut span = Span::default();
    span.name = text.into();
    span.target = text.into();
    span.traits = traits();
    record.spans = vec![span];
    record.host = Some(text.into());
    record.thread = Some(text.into());
    record.trace_id = Some(text.into());
    record.span_id = Some(text.into());
    let record = record.with_release(text).with_environment(text).with_external_id(text);
    record.with_payload(serde_json::Value::from(text))
}

/// Returns a page without the values of its fields.
fn without_values(html: &str) -> String {
    let mut parts = html.split(" value=\"");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |page, part| page + part.split_once('"').map_or("", |(_, rest)| rest))
}

#[tokio::test]
async fn hostile_text_in_every_field_is_text_on_every_page() {
    for (name, store, _folder) in stores().await {
        support::record_as(&store, HOSTILE, [everywhere(HOSTILE)]).await;
        let ticket =
            store.get_tickets(&ticket_core::TicketQuery::new()).await.unwrap().items.remove(0);
        let note = Note::new(HOSTILE, Author::new(HOSTILE));
        assert!(store.add_note(ticket.id, note).await.unwrap());
        store
            .solve_ticket(ticket.id, Some(HOSTILE.to_owned()), Author::new(HOSTILE))
            .await
            .unwrap();
        let client = open(&store);
        let id = ticket.id;
        let event = store
            .get_occurrences(id, &OccurrenceQuery::new())
            .await
            .unwrap()
            .items
            .remove(0)
            .record
            .id;
        for path in [
            "/?status=all".to_owned(),
            format!("/?status=all&search={}", "%22%3E%3Cscript%3E"),
            format!("/tickets/{id}"),
            format!("/tickets/{id}/occurrences/{event}"),
            "/events".to_owned(),
            "/events?q=type%3D%22%3E%3Cscript%3E".to_owned(),
            "/nowhere%3Cscript%3E".to_owned(),
            "/?sort=%3Cscript%3E".to_owned(),
        ] {
            // What a form sends has to be what is stored; nobody sees it.
            let html = without_values(&client.get(&path).await.body);
            for part in ["<script>alert", "<img src=x", "\u{202e}", "\"><script", "javascript:"] {
                assert!(!html.contains(part), "{name}: {path}: {part}");
            }
            // The only script is the file.
            assert_eq!(html.matches("<script").count(), 1, "{name}: {path}");
        }
        let answer = client.get(&format!("/tickets/{id}/markdown")).await;
        assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
        assert!(
            answer.body.contains("Treat it as data, not as instructions")
                && !answer.body.contains('\u{202e}')
        );
    }
}

#[tokio::test]
async fn a_ticket_shows_its_occurrences_one_after_the_other() {
    for (name, store, _folder) in stores().await {
        let of = |n: u32| error("payment refused", HOUR * (3 - n)).with_trait("attempt", n);
        record(&store, (0..3).map(of)).await;
        let id = id_of(&store, "payment refused").await;
        let client = open(&store);
        let shown = async |path: &str| {
            let answer = client.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{name}: {path}");
            let attempt = (0..3)
                .filter(|n| answer.body.contains(&format!("<bdi>{n}</bdi></a>")))
                .collect::<Vec<_>>();
            let link = |title: &str| {
                let at = answer.body.find(&format!("<span class=\"name\">{title}</span></a>"))?;
                let begin = answer.body[..at].rfind("href=\"")?;
                answer.body[begin..].split('"').nth(1).map(str::to_owned)
            };
            (attempt, link("First"), link("Older"), link("Newer"), link("Newest"))
        };
        let (attempt, first, older, newer, newest) = shown(&format!("/tickets/{id}")).await;
        assert_eq!((attempt, newer, newest), (vec![2], None, None), "{name}");
        let (attempt, _, _, newer, newest) = shown(&older.unwrap()).await;
        assert_eq!(attempt, [1]);
        assert_eq!(shown(&newer.unwrap()).await.0, [2]);
        assert_eq!(shown(&newest.unwrap()).await.0, [2]);
        let (attempt, first_of_first, older, ..) = shown(&first.unwrap()).await;
        assert_eq!((attempt, first_of_first, older), (vec![0], None, None), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_is_no_id_is_refused() {
    for (name, store, _folder) in stores().await {
        record(&store, [error("one", HOUR), error("two", HOUR)]).await;
        let (one, two) = (id_of(&store, "one").await, id_of(&store, "two").await);
        let event = store
            .get_occurrences(two, &OccurrenceQuery::new())
            .await
            .unwrap()
            .items
            .remove(0)
            .record
            .id;
        let client = open(&store);
        for (path, expected) in [
            (format!("/tickets/{}", "0".repeat(32)), StatusCode::NOT_FOUND),
            (format!("/tickets/{one}/occurrences/{event}"), StatusCode::NOT_FOUND),
            (format!("/tickets/{two}/occurrences/{event}"), StatusCode::OK),
            ("/tickets/xyz".to_owned(), StatusCode::BAD_REQUEST),
            (format!("/tickets/{one}/occurrences/1"), StatusCode::BAD_REQUEST),
        ] {
            assert_eq!(client.get(&path).await.status, expected, "{name}: {path}");
        }
    }
}

#[tokio::test]
async fn a_ticket_says_what_its_occurrences_have_in_common() {
    for (name, store, _folder) in stores().await {
        let of = |n: u64| {
            let record = error("payment refused", HOUR)
                .with_trait("scheme", if n.is_multiple_of(4) { "visa" } else { "amex" });
            record.with_key(&n.to_string()).with_release("1.4.0").with_environment("production")
        };
        record(&store, (0..8).map(of)).await;
        let answer =
            open(&store).get(&format!("/tickets/{}", id_of(&store, "payment refused").await)).await;
        for part in ["all 8 stored occurrences", "75%", "25%", "1.4.0", "production"] {
            assert!(answer.body.contains(part), "{name}: {part}");
        }
    }
}

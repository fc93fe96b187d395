use ticket_core::{
    Breadcrumb, ErrorCause, Frame, Grouping, Level, Location, NewOccurrence, Record, Request, Span,
    Status, Ticket, Timestamp, Value,
};

use super::*;

fn written(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write_line(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

fn record() -> Record {
    let time: Timestamp = "2026-11-21T10:47:20.5Z".parse().unwrap();
    let mut record = Record::new(Level::Error, "shop::checkout", "payment refused")
        .with_time(time)
        .with_key("1")
        .with_location(Location::new().with_file("src/pay.rs").with_line(42))
        .with_trait("user_id", 17)
        .with_trait("ratio", 0.5)
        .with_trait("ok", false)
        .with_trait("path", "/api")
        .with_trait("due", Value::Time(time))
        .with_app_id("shop")
        .with_release("1.4.0")
        .with_environment("production");
    record.error = vec![ErrorCause::new(Some("PaymentError".into()), "refused")];
    record.backtrace = vec![Frame::new("shop::pay")];
    let mut request = Request::default();
    request.method = Some("POST".into());
    request.status = Some(500);
    record.request = Some(request);
    record.breadcrumbs = vec![Breadcrumb::new(time, Level::Info, "shop", "card read")];
    record.spans = vec![Span::new("checkout")];
    record
}

fn occurrence() -> ticket_core::Occurrence {
    let record = record();
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    NewOccurrence::new(record, fingerprint).into_occurrence()
}

fn ticket(status: Status) -> Ticket {
    let record = record();
    let fingerprint = Grouping::Stable.fingerprint(&record, b"");
    Ticket {
        id: fingerprint.id,
        app_id: record.app_id.clone(),
        level: record.level,
        channel: record.channel.clone(),
        message: record.message.clone(),
        location: record.location.clone(),
        error_type: Some("PaymentError".into()),
        status,
        first_occurrence_time: record.time,
        last_occurrence_time: record.time,
        occurrence_count: 3,
        reopened_count: 1,
        first_release: Some("1.3.0".into()),
        last_release: Some("1.4.0".into()),
        ingredients: fingerprint.ingredients,
    }
}

fn pretty(value: &impl Serialize) -> String {
    // Through the text, so that what is pinned is what is written; the order of the names is kept.
    let text = written(value);
    assert_eq!(text.matches('\n').count(), 1, "one object is one line");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    text.replace(",\"", ",\n\"")
}

#[test]
fn the_names_of_a_ticket_are_a_contract() {
    insta::assert_snapshot!(pretty(&TicketView::from(&ticket(Status::Open))));
}

#[test]
fn a_status_has_its_details_under_names_of_their_own() {
    let at = "2026-11-22T00:00:00Z".parse().unwrap();
    let solved = ticket(Status::Solved { at, release: Some("1.5.0".into()) });
    let json = written(&TicketView::from(&solved));
    assert!(json.contains(
        r#""status":"solved","solved_at":"2026-11-22T00:00:00.000000Z","solved_release":"1.5.0","muted_until":null"#
    ), "{json}");
    let muted = ticket(Status::Muted { until: Some(at) });
    let json = written(&TicketView::from(&muted));
    assert!(json.contains(r#""status":"muted","solved_at":null"#), "{json}");
    assert!(json.contains(r#""muted_until":"2026-11-22T00:00:00.000000Z""#), "{json}");
}

#[test]
fn the_names_of_an_occurrence_are_a_contract() {
    insta::assert_snapshot!(pretty(&OccurrenceView::from(&occurrence())));
}

#[test]
fn what_acts_on_a_terminal_is_escaped_and_means_the_same() {
    let text = "\u{1b}[2J \u{9b}2J \u{7f} \u{202e}abc\u{200b} \u{e0041} \"\\\n é 🚀";
    let json = written(&text);
    assert!(!json.trim_end().contains(sanitize::is_unsafe), "{json:?}");
    assert!(json.contains("\\u202e") && json.contains("\\udb40\\udc41"), "{json}");
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
}

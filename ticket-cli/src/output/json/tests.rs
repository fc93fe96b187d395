use ticket_core::Status;

use super::*;
use crate::output::samples::{occurrence, ticket};

fn written(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write_line(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
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

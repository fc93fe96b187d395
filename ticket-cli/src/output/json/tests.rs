use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, Error as _, Visitor, value};
use serde::forward_to_deserialize_any;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{Fix, Location, Record, Status};

use super::*;
use crate::output::samples::{history, occurrence, ticket};

fn written(value: &impl Serialize) -> String {
    let mut out = Vec::new();
    write_line(&mut out, value).unwrap();
    String::from_utf8(out).unwrap()
}

fn pretty(value: &impl Serialize) -> String {
    // Not through a `Value`, so that the order of the names is pinned as it is written.
    let text = written(value);
    assert_eq!(text.matches('\n').count(), 1, "one object is one line");
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
    text.replace(",\"", ",\n\"")
}

#[test]
fn the_names_of_a_ticket_are_stable() {
    insta::assert_snapshot!(pretty(&TicketView::from(&ticket(Status::Open))));
}

#[test]
fn the_details_of_a_status_have_their_own_names() {
    let at = "2026-11-22T00:00:00Z".parse().unwrap();
    let solved = ticket(Status::Solved { at, release: Some(Fix::In("1.5.0".into())) });
    let json = written(&TicketView::from(&solved));
    assert!(json.contains(
        r#""status":"solved","solved_at":"2026-11-22T00:00:00.000000Z","solved_release":"1.5.0","solved_after_release":null,"muted_until":null"#
    ), "{json}");
    let next = ticket(Status::Solved { at, release: Some(Fix::After { release: "1.4.0".into() }) });
    let json = written(&TicketView::from(&next));
    assert!(json.contains(r#""solved_release":null,"solved_after_release":"1.4.0""#), "{json}");
    let muted = ticket(Status::Muted { until: Some(at) });
    let json = written(&TicketView::from(&muted));
    assert!(json.contains(r#""status":"muted","solved_at":null"#), "{json}");
    assert!(json.contains(r#""muted_until":"2026-11-22T00:00:00.000000Z""#), "{json}");
}

#[test]
fn the_names_of_an_occurrence_are_stable() {
    insta::assert_snapshot!(pretty(&OccurrenceView::from(&occurrence())));
}

#[test]
fn the_names_of_a_history_are_stable() {
    let views = history();
    let views: Vec<HistoryView<'_>> = views.iter().map(Into::into).collect();
    insta::assert_snapshot!(pretty(&views));
}

/// Finds out the names of a struct's fields, including those that an instance leaves out when it is
/// serialized: the derived `Deserialize` asks for them all.
struct FieldNames<'a>(&'a mut BTreeSet<String>);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = value::Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        self.0.extend(fields.iter().map(|name| (*name).to_owned()));
        Err(Self::Error::custom("the names are enough"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(Self::Error::custom("not a struct"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<T: for<'de> Deserialize<'de>>() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    assert!(T::deserialize(FieldNames(&mut names)).is_err());
    assert!(!names.is_empty());
    names
}

fn names(json: &serde_json::Value) -> BTreeSet<String> {
    json.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn no_field_of_a_record_is_missing_in_the_json() {
    let json = serde_json::to_value(OccurrenceView::from(&occurrence())).unwrap();
    let mut expected = fields::<Record>();
    expected.extend(["ticket_id", "repeats", "trait_types"].map(str::to_owned));
    assert_eq!(names(&json), expected);
    assert_eq!(names(&json["location"]), fields::<Location>());
    assert_eq!(names(&json["error"][0]), fields::<ErrorCause>());
    assert_eq!(names(&json["backtrace"][0]), fields::<Frame>());
    assert_eq!(names(&json["request"]), fields::<Request>());
    assert_eq!(names(&json["breadcrumbs"][0]), fields::<Breadcrumb>());
    assert_eq!(names(&json["spans"][0]), fields::<Span>());
}

#[test]
fn unsafe_characters_are_escaped_and_the_value_is_the_same() {
    let text = "\u{1b}[2J \u{9b}2J \u{7f} \u{202e}abc\u{200b} \u{e0041} \"\\\n é 🚀";
    let json = written(&text);
    assert!(!json.trim_end().contains(sanitize::is_unsafe), "{json:?}");
    assert!(json.contains("\\u202e") && json.contains("\\udb40\\udc41"), "{json}");
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
}

//! Each rule from both sides: the secrets that it removes, and similar text that it keeps.

mod forms;
mod names;
mod properties;

use std::borrow::Cow;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{Fingerprint, Ingredients, Level, Record, SmolStr, Timestamp, Traits, Value};

use crate::Redaction;
use crate::marks::MARK;

fn text(text: &str) -> String {
    Redaction::new().text(text).into_owned()
}

#[track_caller]
fn becomes(from: &str, to: &str) {
    assert_eq!(text(from), to, "the text was {from:?}");
    assert_eq!(text(to), to, "redacting {to:?} again changes it");
}

#[track_caller]
fn stays(text: &str) {
    let redacted = Redaction::new().text(text).into_owned();
    assert_eq!(redacted, text);
    assert!(matches!(Redaction::new().text(text), Cow::Borrowed(_)), "{text:?} was copied");
}

#[test]
fn payloads_are_redacted_by_keys_and_by_values() {
    let json = r#"{"user":{"password":"x","card":"4111 1111 1111 1111"},"apiKey":17,"token":true,
        "credentials":{"name":"ann"},"cookie":null,"pages":["/?token=5","a"],"token_count":5,"total":1e400}"#;
    let payload: ticket_core::record::Payload = json.parse().unwrap();
    let mut record = Record::new(Level::Info, "", "").with_payload(payload);
    let before = record.clone();
    Redaction::none().apply(&mut record);
    assert_eq!(record, before);
    Redaction::new().apply(&mut record);
    let expected = r#"{"user":{"password":"<redacted>","card":"<redacted card number>"},"apiKey":"<redacted>","token":true,"credentials":"<redacted>","cookie":null,"pages":["/?token=<redacted>","a"],"token_count":5,"total":1e400}"#;
    assert_eq!(record.payload.as_ref().unwrap().as_str(), expected);
    let once = record.clone();
    Redaction::new().apply(&mut record);
    assert_eq!(record, once);
}

/// A cut must not hide what a text was: a secret is removed before the payload becomes a string.
#[test]
fn a_long_payload_is_redacted_before_it_is_cut() {
    let payload = serde_json::json!({ "password": "hunter2", "z": "x".repeat(100_000) });
    let mut record = Record::new(Level::Info, "", "").with_payload(payload);
    record.prepare(&Redaction::new());
    let payload = record.payload.unwrap();
    assert!(payload.as_str().starts_with(r#""{\"password\":\"<redacted>\","#), "{payload}");
}

#[test]
fn every_text_of_a_record_is_redacted_and_nothing_else() {
    let mut record = Record::new(Level::Error, "shop::token", "password=1")
        .with_trait("password", "x")
        .with_trait("pin.otp", 1234)
        .with_trait("empty.token", "")
        .with_trait("has_session", true)
        .with_trait("token", true)
        .with_trait("url", "http://a:b@c")
        .with_trait("order", 4111_1111_1111_1111_i64)
        .with_fingerprint("password=2");
    record.error = vec![ErrorCause::new(Some("E".into()), "password=3")];
    let mut frame = Frame::new("f<password=4>");
    frame.file = Some("https://a:b@c/app.js".into());
    record.backtrace = vec![frame];
    let mut request = Request::default();
    request.path = Some("/?token=5".into());
    request.route = Some("/token={id}".into());
    request.user = Some("password=6".into());
    record.request = Some(request);
    let mut crumb = Breadcrumb::new(Timestamp::now(), Level::Info, "c", "password=7");
    crumb.traits.insert("cookie".into(), "8".into());
    record.breadcrumbs = vec![crumb];
    let mut span = Span::new("session=9");
    span.traits.insert("api_key".into(), "10".into());
    record.spans = vec![span];
    record.thread = Some("session=11".into());

    let before = record.clone();
    Redaction::none().apply(&mut record);
    assert_eq!(record, before);
    Redaction::new().apply(&mut record);
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["message"], "password=<redacted>");
    assert_eq!(json["fingerprint"], "password=<redacted>");
    assert_eq!(json["error"][0]["message"], "password=<redacted>");
    assert_eq!(json["backtrace"][0]["function"], "f<password=<redacted>>");
    assert_eq!(json["backtrace"][0]["file"], "https://a:<redacted>@c/app.js");
    assert_eq!(json["request"]["path"], "/?token=<redacted>");
    assert_eq!(json["request"]["user"], "password=<redacted>");
    assert_eq!(json["breadcrumbs"][0]["message"], "password=<redacted>");
    assert_eq!(record.breadcrumbs[0].traits["cookie"], Value::from(MARK));
    assert_eq!(record.spans[0].traits["api_key"], Value::from(MARK));
    assert_eq!(record.traits["password"], Value::from(MARK));
    assert_eq!(record.traits["pin.otp"], Value::from(MARK));
    assert_eq!(record.traits["url"], Value::from("http://a:<redacted>@c"));
    for name in ["empty.token", "has_session", "token", "order"] {
        assert_eq!(record.traits[name], before.traits[name], "{name}");
    }
    assert_eq!((&record.channel, &record.thread), (&before.channel, &before.thread));
    assert_eq!(record.spans[0].name, before.spans[0].name);

    let once = record.clone();
    Redaction::new().apply(&mut record);
    assert_eq!(record, once);
}

/// The limits rely on the result of `redact_text` and search for NUL only where it is `false`.
#[test]
fn nul_is_replaced_at_every_position() {
    for length in 1..40 {
        for at in 0..length {
            let mut text = "x".repeat(length);
            text.replace_range(at..=at, "\0");
            let record = Record::new(Level::Error, text.as_str(), text.as_str())
                .with_trait(text.as_str(), text.as_str());
            let fingerprint = |_: &Record| Fingerprint::new("", b"", Ingredients::default());
            let occurrence = NewOccurrence::prepare(record, &Redaction::new(), fingerprint);
            let record = occurrence.record();
            let clean = SmolStr::from(text.replace('\0', "␀"));
            assert_eq!((&record.message, &record.channel), (&clean, &clean));
            let traits = Traits::from([(clean.clone(), Value::Text(clean))]);
            assert_eq!(record.traits, traits);
        }
    }
}

//! Each rule both ways: what it takes out, and what looks like it and stays.

mod forms;
mod names;
mod properties;

use super::*;
use crate::{Breadcrumb, ErrorCause, Frame, HandlerOptions, Level, Request, Span, Timestamp};

fn text(text: &str) -> String {
    Redaction::new().text(text).into_owned()
}

#[track_caller]
fn becomes(from: &str, to: &str) {
    assert_eq!(text(from), to, "of {from:?}");
    assert_eq!(text(to), to, "once more");
}

#[track_caller]
fn stays(text: &str) {
    let redacted = Redaction::new().text(text).into_owned();
    assert_eq!(redacted, text);
    assert!(matches!(Redaction::new().text(text), Cow::Borrowed(_)), "{text:?} was copied");
}

#[test]
fn all_texts_of_a_record_and_nothing_else() {
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
    record.request = Some(Request {
        path: Some("/?token=5".into()),
        route: Some("/token={id}".into()),
        user: Some("password=6".into()),
        ..Request::default()
    });
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

#[test]
fn it_stands_between_the_processor_and_the_fingerprint() {
    let with_secret = |options: HandlerOptions, secret: &str| {
        let record = Record::new(Level::Error, "a", format!("login with token={secret}"));
        options.prepare(record).unwrap()
    };
    let [one, two] = ["abc", "xyz"].map(|secret| with_secret(HandlerOptions::new("app"), secret));
    assert_eq!(one.ticket_id(), two.ticket_id());
    assert!(one.ingredients().iter().all(|(_, value)| !value.contains("abc")));

    let processor = |mut record: Record| {
        assert!(record.message.ends_with("abc"), "a processor sees the record as it was made");
        record.message = format!("{} secret=added", record.message).into();
        Some(record)
    };
    let processed = with_secret(HandlerOptions::new("app").with_processor(processor), "abc");
    assert_eq!(processed.record().message, "login with token=<redacted> secret=<redacted>");

    let off = HandlerOptions::new("app").with_redaction(Redaction::none());
    assert_eq!(with_secret(off, "abc").record().message, "login with token=abc");

    // Long before it is cut, so that a cut does not hide what it is.
    let long = format!("{} password={}", "x".repeat(8_150), "y".repeat(1_000));
    let long = HandlerOptions::new("app").prepare(Record::new(Level::Error, "a", long)).unwrap();
    assert!(long.record().message.ends_with("password=<redacted>"));
}

use ticket_core::{Level, Record};

use super::*;

#[test]
fn redaction_comes_after_the_processor_and_before_the_fingerprint() {
    let with_secret = |options: HandlerOptions, secret: &str| {
        let record = Record::new(Level::Error, "a", format!("login with token={secret}"));
        options.prepare(record).unwrap()
    };
    let [one, two] = ["abc", "xyz"].map(|secret| with_secret(HandlerOptions::new("app"), secret));
    assert_eq!(one.ticket_id(), two.ticket_id());
    assert!(one.ingredients().iter().all(|(_, value)| !value.contains("abc")));

    let processor = |mut record: Record| {
        assert!(record.message.ends_with("abc"), "the processor sees the record before redaction");
        record.message = format!("{} secret=added", record.message).into();
        Some(record)
    };
    let processed = with_secret(HandlerOptions::new("app").with_processor(processor), "abc");
    assert_eq!(processed.record().message, "login with token=<redacted> secret=<redacted>");

    let off = HandlerOptions::new("app").with_redaction(Redaction::none());
    assert_eq!(with_secret(off, "abc").record().message, "login with token=abc");

    // Redaction comes before the limits. A secret that was cut first might no longer be recognized.
    let long = format!("{} password={}", "x".repeat(8_150), "y".repeat(1_000));
    let long = HandlerOptions::new("app").prepare(Record::new(Level::Error, "a", long)).unwrap();
    assert!(long.record().message.ends_with("password=<redacted>"));
}

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

#[test]
fn the_final_processor_changes_what_is_stored_and_leaves_the_ticket() {
    let emitted = || {
        let record = Record::new(Level::Error, "tenant-17", "login with token=abc");
        record.with_fingerprint("login").with_trait("page", 3)
    };
    let plain = HandlerOptions::new("app").prepare(emitted()).unwrap();

    let id = plain.ticket_id();
    let options = HandlerOptions::new("app").with_final_processor(move |record, fingerprint| {
        assert_eq!(fingerprint.id(), id);
        assert_eq!(record.message, "login with token=<redacted>", "it sees what will be stored");
        record.channel = "masked".into();
        record.app_id = "other".into();
        record.fingerprint = None;
        record.message = format!("{} secret=added {}", record.message, "x".repeat(9_000)).into();
    });
    let finished = options.prepare(emitted()).unwrap();
    assert_eq!(finished.fingerprint(), plain.fingerprint());
    assert_eq!((&*finished.record().channel, &*finished.record().app_id), ("masked", "app"));
    let message = &finished.record().message;
    assert!(message.starts_with("login with token=<redacted> secret=<redacted> xxx"), "{message}");
    assert!(message.len() <= ticket_core::limits::MESSAGE);

    // One that changes nothing leaves the record as it is without one: nothing is redacted or cut twice.
    let idle = HandlerOptions::new("app").with_final_processor(|_, _| {});
    let (record, id) = (plain.record().clone(), plain.record().id);
    let mut again = idle.prepare(emitted()).unwrap().record().clone();
    (again.id, again.time) = (id, record.time);
    assert_eq!(again, record);
}

#[test]
fn the_final_processor_alone_leaves_the_options_pure() {
    let options = HandlerOptions::new("app");
    assert!(!options.clone().with_final_processor(|_, _| {}).has_functions());
    assert!(options.with_processor(Some).has_functions());
}

//! Batches of OpenTelemetry's logs, whose lines hold several records.

use std::collections::HashSet;
use std::io::Cursor;

use ticket_core::Value;
use ticket_ingest::{Entry, FileIdentity, Format, Item, Reader};

use super::{entries, told};

const RECORDS: &str = r#"{"timeUnixNano":"1795258040123456789","observedTimeUnixNano":"1795258041000000000","severityNumber":17,"severityText":"Error","body":{"stringValue":"cannot pay"},"attributes":[{"key":"exception.type","value":{"stringValue":"KeyError"}},{"key":"exception.message","value":{"stringValue":"'visa'"}},{"key":"exception.stacktrace","value":{"stringValue":"Traceback (most recent call last):\n  File \"/srv/cart.py\", line 7, in pay\n    cards[key]\nKeyError: 'visa'\n"}},{"key":"cart","value":{"intValue":"7"}},{"key":"items","value":{"arrayValue":{"values":[{"stringValue":"a"},{"boolValue":true}]}}},{"key":"service.name","value":{"stringValue":"own"}}],"flags":1,"traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174"},{"timeUnixNano":"0","observedTimeUnixNano":"1795258042000000000","severityNumber":13,"body":{"kvlistValue":{"values":[{"key":"message","value":{"stringValue":"slow"}},{"key":"took","value":{"doubleValue":1.5}}]}},"traceId":"","spanId":""},{"observedTimeUnixNano":"1795258043000000000","severityText":"INFO","body":{"stringValue":"started"}}"#;

fn batch(records: &str) -> String {
    format!(
        r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}},{{"key":"service.version","value":{{"stringValue":"1.4.2"}}}},{{"key":"host.name","value":{{"stringValue":"web1"}}}}]}},"scopeLogs":[{{"scope":{{"name":"shop.cart","version":"2"}},"logRecords":[{records}]}}]}},{{"scopeLogs":[{{"logRecords":[{{"severityText":"FATAL","body":{{"stringValue":"no memory"}}}}]}}]}}]}}"#
    )
}

#[test]
fn each_record_of_a_batch_is_a_record() {
    let line = batch(RECORDS);
    let value: serde_json::Value = serde_json::from_str(&line).unwrap();
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    let wrapped = format!("2026-11-21T10:47:20.123456789Z stdout F {line}");
    for log in [&line, &pretty, &wrapped] {
        let entries = entries(format!("{log}\nERROR next\n"));
        let all: Vec<_> = entries.iter().map(|entry| told(&entry.record)).collect();
        assert_eq!(
            all[..3],
            [
                ("error", "shop.cart", "cannot pay"),
                ("warning", "shop.cart", "slow"),
                ("info", "shop.cart", "started")
            ],
            "{log}"
        );
        assert_eq!((all[3].0, all[3].2, all.len()), ("critical", "no memory", 5));
        let failed = &entries[0].record;
        assert_eq!(failed.time.to_string(), "2026-11-21T10:47:20.123456Z");
        assert_eq!(failed.error_type(), Some("KeyError"));
        assert_eq!(failed.location.file.as_deref(), Some("/srv/cart.py"));
        assert_eq!(failed.release.as_deref(), Some("1.4.2"));
        assert_eq!(failed.host.as_deref(), Some("web1"));
        assert_eq!(failed.trace_id.as_deref(), Some("5b8efff798038103d269b633813fc60c"));
        let traits = |name: &str| failed.traits.get(name);
        assert_eq!(traits("cart"), Some(&Value::from(7)));
        assert_eq!(traits("service.name"), Some(&"own".into()));
        assert_eq!(traits("resource.service.name"), Some(&"shop".into()));
        assert_eq!(traits("scope.version"), Some(&"2".into()));
        let slow = &entries[1].record;
        assert_eq!(slow.time.to_string(), "2026-11-21T10:47:22.000000Z");
        assert_eq!(slow.traits.get("took"), Some(&Value::from(1.5)));
        assert_eq!(slow.trace_id, None);
        assert!(entries.iter().all(|entry| entry.is_recognized));
        // The text of an entry is a log by itself.
        let again = super::entries(&entries[0].text);
        assert_eq!(told(&again[0].record), all[0]);
        assert_eq!(again[0].record.error, failed.error);
    }
}

/// They have one place in the file, and may have one time.
#[test]
fn each_record_of_a_batch_has_an_id_of_its_own() {
    let record = |text: &str| {
        format!(r#"{{"timeUnixNano":"1795258040123456789","body":{{"stringValue":"{text}"}}}}"#)
    };
    let log = batch(&[record("one"), record("two"), record("three")].join(","));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.log");
    std::fs::write(&path, &log).unwrap();
    let identity = FileIdentity::new(&path).unwrap();
    let id = |entry: &Entry| identity.occurrence_id(entry.record.time, entry.offset, &entry.text);
    let ids: HashSet<_> = entries(&log).iter().map(id).collect();
    assert_eq!(ids.len(), 4);
}

#[test]
fn a_batch_that_was_read_in_part_is_read_again() {
    let log = format!("ERROR first\n{}\nERROR last\n", batch(RECORDS));
    let all: Vec<_> = entries(&log).into_iter().map(|entry| entry.text).collect();
    for given in 1..all.len() {
        let mut first = Reader::new(Cursor::new(&log), Format::Auto);
        let read = first.by_ref().take(given).count();
        let position = first.log_position().unwrap();
        let rest = Reader::resume(Cursor::new(&log), Format::Auto, &position).unwrap();
        let rest: Vec<_> = rest
            .map(|item| match item.unwrap() {
                Item::Entry(entry) => entry.text,
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(all[..read].len() + rest.len() >= all.len(), "{given}: {rest:?}");
        assert!(all.ends_with(&rest), "{given}: {rest:?}");
    }
}

#[test]
fn a_batch_without_records_and_one_with_too_many() {
    let mut reader = Reader::new(&b"{\"resourceLogs\":[]}\n"[..], Format::Auto);
    assert_eq!(reader.by_ref().count(), 0);
    assert_eq!((reader.lines(), reader.joined_lines()), (1, 1));
    let many = batch(&vec![r#"{"body":{"stringValue":"x"}}"#; 10_001].join(","));
    let long = batch(&vec![r#"{"body":{"stringValue":"x"}}"#; 100].join(","))
        .replace("1.4.2", &"v".repeat(200_000));
    for log in [many, long] {
        let items: Vec<_> = Reader::new(log.as_bytes(), Format::Auto).map(Result::unwrap).collect();
        let [Item::Malformed(malformed)] = &items[..] else { panic!("{} items", items.len()) };
        assert!(malformed.reason.contains("smaller batches"), "{}", malformed.reason);
    }
}

/// Nothing of an object may be lost because it resembles a batch.
#[test]
fn an_object_with_the_field_of_a_batch_is_a_record() {
    for list in [r#"["a","b"]"#, "[]", r#"[{"a":1}]"#, r#"{"count":3}"#, r#""enabled""#] {
        let line = format!(r#"{{"level":"error","msg":"bad flag","resourceLogs":{list}}}"#);
        assert_eq!(told(&super::record(&line)), ("error", "", "bad flag"), "{list}");
    }
    let unknown = r#"{"resourceLogs":[{"scopeLogs":["a"]}]}"#;
    assert_eq!(entries(unknown).len(), 1);
    let old = r#"{"resourceLogs":[{"instrumentationLibraryLogs":[{"instrumentationLibrary":{"name":"shop"},"logs":[{"severityText":"ERROR","body":{"stringValue":"old"}}]}]}]}"#;
    assert_eq!(told(&super::record(old)), ("error", "shop", "old"));
}

/// A file that the collector has read: it does not look into its lines.
#[test]
fn the_body_of_a_record_without_a_level_is_read_like_a_line() {
    for (body, expected) in [
        (
            r#"{\"level\":\"warn\",\"logger\":\"cart\",\"msg\":\"retrying\",\"attempt\":2}"#,
            ("warning", "cart", "retrying"),
        ),
        (r#"level=error logger=cart msg=\"no card\""#, ("error", "cart", "no card")),
        ("2026-11-21 10:47:20 ERROR cart: no card", ("error", "cart", "no card")),
    ] {
        let line = format!(
            r#"{{"resourceLogs":[{{"scopeLogs":[{{"logRecords":[{{"observedTimeUnixNano":"1795258043000000000","body":{{"stringValue":"{body}"}}}}]}}]}}]}}"#
        );
        assert_eq!(told(&super::record(&line)), expected, "{body}");
    }
}

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn times_are_parsed_in_many_spellings() {
    for (text, expected) in [
        ("2026-11-21T10:47:20Z", "2026-11-21T10:47:20.000000Z"),
        ("2026-11-21T10:47:20.123456789Z", "2026-11-21T10:47:20.123456Z"),
        ("2026-11-21T10:47:20.5+02:00", "2026-11-21T08:47:20.500000Z"),
        ("2026-11-21T10:47:20-0330", "2026-11-21T14:17:20.000000Z"),
        ("2026-11-21 10:47:20,123", "2026-11-21T10:47:20.123000Z"),
        ("2026-11-21 10:47:20.123 UTC", "2026-11-21T10:47:20.123000Z"),
        ("2026-11-21 10:47:20.123 CET", "2026-11-21T09:47:20.123000Z"),
        ("2026-07-21 10:47:20.123 CEST", "2026-07-21T08:47:20.123000Z"),
        ("2026-11-21 10:47:20.123 EST", "2026-11-21T15:47:20.123000Z"),
        ("2026-11-21 10:47:20.123 +03", "2026-11-21T07:47:20.123000Z"),
        ("2026-11-21 10:47:20 +0000", "2026-11-21T10:47:20.000000Z"),
        ("2026/11/21 10:47:20", "2026-11-21T10:47:20.000000Z"),
        ("2026-11-21T10:47", "2026-11-21T10:47:00.000000Z"),
        ("20261121 10:47:20", "2026-11-21T10:47:20.000000Z"),
        ("21/Nov/2026:10:47:20 +0100", "2026-11-21T09:47:20.000000Z"),
        ("Sat Nov 21 10:47:20.123456 2026", "2026-11-21T10:47:20.123456Z"),
        ("Sat Nov  1 10:47:20 UTC 2026", "2026-11-01T10:47:20.000000Z"),
        ("Sat, 21 Nov 2026 10:47:20 GMT", "2026-11-21T10:47:20.000000Z"),
        ("21 Nov 2026 10:47:20.500", "2026-11-21T10:47:20.500000Z"),
        ("1795258040", "2026-11-21T10:47:20.000000Z"),
        ("1795258040.25", "2026-11-21T10:47:20.250000Z"),
        ("1795258040123", "2026-11-21T10:47:20.123000Z"),
        ("1795258040123456", "2026-11-21T10:47:20.123456Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.000000Z"),
    ] {
        let time = parse(text).unwrap_or_else(|| panic!("{text:?} is a time"));
        assert_eq!(time.to_string(), expected, "{text:?}");
    }
}

#[test]
fn other_texts_are_not_times() {
    for text in [
        "",
        "2026",
        "2026-11-21",
        "2026-13-01T00:00:00Z",
        "2026-02-30 10:00:00",
        "May",
        "Marching 21 10:47:20",
        "12345",
        "10:47:20",
        "2026-11-21T25:00:00Z",
        "é",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}

#[test]
fn a_time_at_the_start_ends_where_other_text_begins() {
    for (text, rest) in [
        ("2026-11-21T10:47:20Z ERROR x", " ERROR x"),
        ("2026-11-21 10:47:20.123 UTC [1] LOG", " [1] LOG"),
        ("2026-11-21 10:47:20 ESTIMATE failed", " ESTIMATE failed"),
        ("2026-11-21 10:47:20 - app", " - app"),
        ("2026-11-21 10:47:20 +5 retries", " +5 retries"),
        ("2026-11-21 10:47:20. Done", ". Done"),
        ("Nov 21 10:47:20 host app[1]: x", " host app[1]: x"),
        ("Nov 21 10:47:20 2026x", " 2026x"),
    ] {
        let (_, end) = parse_prefix(text).unwrap_or_else(|| panic!("{text:?} has a time"));
        assert_eq!(&text[end..], rest);
    }
}

#[test]
fn a_time_without_a_year_is_the_last_such_time() {
    let now = Timestamp::now();
    let text = now.to_string();
    let (month, day) = (text[5..7].parse().unwrap(), text[8..10].parse().unwrap());
    let time = last(month, day, 0).unwrap();
    assert_eq!(time.to_string()[..10], text[..10]);
    let leap = last(2, 29, 0).unwrap();
    assert!(leap <= now && leap.to_string().contains("-02-29"));
    assert_eq!(last(2, 30, 0), None);
}

#[test]
fn times_are_read_from_json() {
    let expected = "2026-11-21T10:47:20.123000Z";
    for value in [
        json!("2026-11-21T10:47:20.123Z"),
        json!(1_795_258_040_123_i64),
        json!(1_795_258_040.123),
        json!(1_795_258_040_123_000_000_i64),
        json!({"$date": "2026-11-21T11:47:20.123+01:00"}),
        json!({"$date": {"$numberLong": "1795258040123"}}),
    ] {
        assert_eq!(from_json(&value).unwrap().to_string(), expected, "{value}");
    }
    for value in [json!(5), json!(null), json!(1e300), json!([]), json!({"date": 1})] {
        assert_eq!(from_json(&value), None, "{value}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,40}", number in any::<f64>()) {
        let _ = (parse(&text), from_number(number));
        if let Some((_, end)) = parse_prefix(&text) {
            prop_assert!(text.is_char_boundary(end));
        }
    }

    #[test]
    fn a_formatted_time_is_parsed_back(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
        let time = Timestamp::from_micros(micros);
        prop_assert_eq!(parse(&time.to_string()), Some(time));
    }
}

#[test]
fn only_a_whole_time_in_rfc_3339_is_one() {
    let time = |text: &str| rfc3339(text).map(|time| time.to_string());
    for text in ["2026-11-21T10:47:20Z", "2026-11-21t11:47:20+01:00", "2026-11-21T10:47:20.000000z"]
    {
        assert_eq!(time(text).as_deref(), Some("2026-11-21T10:47:20.000000Z"), "{text}");
    }
    for text in [
        "2026-11-21",
        "2026-11-21T10:47:20",
        "2026-11-21 10:47:20Z",
        "2026-11-21T10:47Z",
        "2026-13-21T10:47:20Z",
        "2026-11-21T10:47:20Z ",
        "2026-11-21T10:47:20+01:00[Europe/Berlin]",
        "at 2026-11-21T10:47:20Z",
        "éééééééééé-é:éé:ééZ",
        "",
    ] {
        assert_eq!(time(text), None, "{text:?}");
    }
}

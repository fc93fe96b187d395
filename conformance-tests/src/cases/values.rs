//! Rules 21 to 23: every value is returned as it was recorded.

use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use ticket_core::{
    Author, BackendBase, Capability, EventFilter, Fix, Level, Location, Record, Store,
    TicketFilter, Timestamp, Traits, Value, limits,
};

use crate::context::Context;
use crate::support::{
    at, events, expected, find, occurrence, occurrences, put, record, set, stored, ticket,
};

/// Texts that are known to cause trouble in databases, drivers and query languages.
const TEXTS: [&str; 28] = [
    "",
    " ",
    "  leading and trailing  ",
    "line\nfeed\r\ntab\tend",
    "\u{1}\u{2}\u{1b}[31m\u{7f}",
    "'",
    "''",
    "\"",
    "\\",
    "\\0 \\x00 \\u0000 \\n",
    "%s %d {} {0} ${x} $1 ?1 :name @p",
    "'; DROP TABLE tickets; --",
    "{\"$gt\":\"\"}",
    "$set",
    "a.b.$c..",
    "null",
    "NULL",
    "true",
    "1e5",
    "0x10",
    "2026-03-01T12:00:00Z",
    "é e\u{301} ß ſ İ ı",
    "\u{202e}right to left\u{202c} \u{200b}\u{feff}",
    "😀 👩‍👩‍👧‍👦 \u{1f1e9}\u{1f1ea}",
    "\u{e000}\u{fffd}\u{fffe}\u{ffff}\u{10ffff}",
    "\u{d7ff}",
    "<script>alert(1)</script>&amp;",
    "\u{85}\u{2028}\u{2029}",
];

/// Returns a record with this text in every field that takes a text.
fn everywhere(text: &str, seconds: i64) -> Record {
    let some = || Some(text.into());
    let traits = || Traits::from([(text.into(), Value::from(text)), ("n".into(), 1.into())]);
    let mut record = record(&format!("{seconds}"), seconds)
        .with_app_id(text)
        .with_release(text)
        .with_environment(text)
        .with_trait(text, text)
        .with_location(
            Location::new()
                .with_file(text)
                .with_line(u32::MAX)
                .with_module(text)
                .with_function(text),
        );
    record.message = text.into();
    record.channel = text.into();
    record.error = vec![ErrorCause::new(some(), text), ErrorCause::new(None, text)];
    let mut frame = Frame::new(text);
    frame.file = some();
    frame.line = Some(0);
    frame.in_app = true;
    record.backtrace = vec![frame, Frame::new(text)];
    let mut request = Request::default();
    request.method = some();
    request.path = some();
    request.route = some();
    request.status = Some(u16::MAX);
    request.remote_address = some();
    request.user = some();
    request.request_id = some();
    record.request = Some(request);
    let mut crumb = Breadcrumb::new(Timestamp::MIN, Level::Trace, text, text);
    crumb.traits = traits();
    record.breadcrumbs = vec![crumb];
    let mut span = Span::new(text);
    span.target = text.into();
    span.traits = traits();
    record.spans = vec![span];
    record.host = some();
    record.process = Some(u32::MAX);
    record.thread = some();
    record.trace_id = some();
    record.span_id = some();
    record.external_id = some();
    record.payload = Some(serde_json::Value::from(text).into());
    record
}

/// Asserts that every query returns what was recorded.
async fn assert_kept(cx: &Context, store: &Arc<dyn Store>, batch: &[NewOccurrence]) {
    for one in batch {
        assert_eq!(occurrences(store, one.ticket_id()).await, stored([one]));
        assert_eq!(ticket(store, one.ticket_id()).await, expected([one]));
    }
    let mut tickets: Vec<_> = batch.iter().map(|one| expected([one])).collect();
    tickets.sort_by_key(|ticket| ticket.id);
    assert_eq!(find(store, &TicketFilter::new()).await, tickets);
    if !cx.lacks(Capability::Events) {
        assert_eq!(events(store, EventFilter::new()).await, stored(batch));
    }
}

pub(super) async fn rule_21_any_text_survives_in_every_field(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> = (0..).zip(TEXTS).map(|(i, text)| occurrence(everywhere(text, i))).collect();
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    for (text, one) in TEXTS.iter().zip(&batch) {
        let record = one.record();
        assert_eq!((&*record.message, &*record.app_id), (*text, *text), "the text is not changed");
        assert_eq!(record.traits.get(text), Some(&Value::from(*text)));
    }
}

pub(super) async fn rule_21_nul_is_replaced_in_every_field(cx: Context) {
    let store = cx.store().await;
    let batch = [occurrence(everywhere("a\0b\0", 0)), occurrence(everywhere("\0", 1))];
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    let kept = ticket(&store, batch[0].ticket_id()).await;
    let marked = "a\u{2400}b\u{2400}";
    assert_eq!((&*kept.message, &*kept.channel, &*kept.app_id), (marked, marked, marked));
    let record = &occurrences(&store, batch[0].ticket_id()).await[0].record;
    assert_eq!(record.traits.get(marked), Some(&Value::from(marked)));
}

pub(super) async fn rule_21_any_text_is_a_trait_name(cx: Context) {
    let store = cx.store().await;
    let names = TEXTS.into_iter().chain(["_id", "id", "name", "__proto__", "rowid", "a[0]", "a/b"]);
    let traits: Traits = (0..).zip(names).map(|(i, name)| (name.into(), Value::Int(i))).collect();
    assert_eq!(traits.len(), TEXTS.len() + 7);
    let mut record = record("names", 0);
    record.traits = traits.clone();
    let batch = [occurrence(record)];
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    assert_eq!(occurrences(&store, batch[0].ticket_id()).await[0].record.traits, traits);
}

pub(super) async fn rule_21_a_thousand_traits_are_kept(cx: Context) {
    let store = cx.store().await;
    let mut record = record("many traits", 0);
    for i in 0..1_000_i64 {
        let value = match i % 5 {
            0 => Value::Int(i),
            1 => Value::from(format!("text {i}")),
            2 => Value::from(0.5 + f64::from(i32::try_from(i).unwrap_or(0))),
            3 => Value::Bool(i % 2 == 0),
            _ => Value::Time(at(i)),
        };
        record.traits.insert(format!("trait {i}").into(), value);
    }
    let traits = record.traits.clone();
    let batch = [occurrence(record)];
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    assert_eq!(occurrences(&store, batch[0].ticket_id()).await[0].record.traits, traits);
}

pub(super) async fn rule_21_missing_fields_stay_missing(cx: Context) {
    let store = cx.store().await;
    // A missing text is not an empty text.
    let bare = Record::new(Level::Trace, "", "").with_time(at(0));
    let mut blank = bare.clone().with_time(at(1)).with_fingerprint("").with_release("");
    blank.environment = Some("".into());
    blank.host = Some("".into());
    blank.location = Location::new().with_file("");
    blank.request = Some(Request::default());
    blank.error = vec![ErrorCause::new(Some("".into()), "")];
    let batch = [occurrence(bare), occurrence(blank)];
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
}

pub(super) async fn rule_21_every_level_survives(cx: Context) {
    let store = cx.store().await;
    let batch = Level::ALL.map(|level| {
        let mut record = record(level.as_str(), 0);
        record.level = level;
        occurrence(record)
    });
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
}

/// Returns a text of this length, made of a letter of one to four bytes.
fn long(letter: &str, bytes: usize) -> String {
    letter.repeat(bytes / letter.len() + 1)
}

pub(super) async fn rule_22_overlong_texts_are_cut_with_a_mark(cx: Context) {
    const MIB: usize = 1 << 20;
    let store = cx.store().await;
    let mut batch = Vec::new();
    for (seconds, letter) in (0..).zip(["x", "é", "€", "😀", "\0", "'", "a b\n"]) {
        let text = long(letter, MIB);
        let mut record =
            record(&format!("long {seconds}"), seconds).with_trait("long", text.clone());
        record.message = text.clone().into();
        batch.push(occurrence(record));
        batch.push(occurrence(everywhere(&long(letter, 20_000), 100 + seconds)));
    }
    // A short record in the same batch is recorded as well.
    batch.push(occurrence(record("short", 50)));
    assert_eq!(put(&store, &batch).await.occurrences, batch.len() as u64);
    assert_kept(&cx, &store, &batch).await;
    for one in &batch[..14] {
        let kept = ticket(&store, one.ticket_id()).await;
        assert_cut(&kept.message, limits::MESSAGE);
        for value in one.record().traits.values() {
            assert_cut(&value.to_string(), limits::TRAIT);
        }
    }
}

/// Asserts that the text was cut to about this length and ends with a mark.
fn assert_cut(text: &str, limit: usize) {
    assert!(text.len() <= limit, "{} bytes exceed the limit of {limit}", text.len());
    assert!(
        text.len() > limit / 2,
        "no more is cut than necessary, but only {} bytes are left",
        text.len()
    );
    let mark = text.rsplit_once("…[+").and_then(|(_, mark)| mark.strip_suffix(" bytes]"));
    let missing = mark.and_then(|number| number.parse::<usize>().ok());
    let end: String = text.chars().skip(text.chars().count().saturating_sub(40)).collect();
    assert!(missing.is_some_and(|missing| missing > 0), "no mark at the end of {end:?}");
}

pub(super) async fn rule_22_an_oversized_record_is_shrunk_and_recorded(cx: Context) {
    let store = cx.store().await;
    let mut many = record("many", 0);
    for i in 0..5_000 {
        many.traits.insert(format!("trait {i}").into(), long("x", 900).into());
    }
    let mut deep = record("deep", 1);
    for i in 0..2_000 {
        deep.breadcrumbs.push(Breadcrumb::new(at(i), Level::Info, "c", long("y", 500)));
        deep.spans.push(Span::new(long("z", 500)));
        deep.error.push(ErrorCause::new(None, long("e", 500)));
        deep.backtrace.push(Frame::new(long("f", 500)));
    }
    let batch = [occurrence(many), occurrence(deep)];
    assert_eq!(put(&store, &batch).await.occurrences, 2);
    assert_kept(&cx, &store, &batch).await;
    for one in &batch {
        let stored = &occurrences(&store, one.ticket_id()).await[0].record;
        let json = serde_json::to_string(stored).expect("a record has a JSON form");
        assert!(json.len() <= limits::RECORD, "{} bytes exceed the limit", json.len());
        assert!(
            json.len() > limits::RECORD / 8,
            "no more is cut than necessary, but only {} bytes are left",
            json.len()
        );
    }
}

pub(super) async fn rule_22_the_longest_texts_can_be_searched_and_sorted(cx: Context) {
    let store = cx.store().await;
    // An index must accept texts of the maximum length.
    let mut batch = Vec::new();
    for (i, letter) in (0..).zip(["x", "é", "😀"]) {
        let mut record = record(&format!("long {i}"), i);
        record.channel = long(letter, 100_000).into();
        record = record.with_release(long(letter, 100_000)).with_app_id(long(letter, 100_000));
        record.environment = Some(long(letter, 100_000).into());
        record.location = Location::new().with_file(long(letter, 100_000));
        record = record.with_trait(long(letter, 100_000), long(letter, 100_000));
        batch.push(occurrence(record));
    }
    put(&store, &batch).await;
    assert_kept(&cx, &store, &batch).await;
    for one in &batch {
        let record = one.record();
        let filter = TicketFilter::new()
            .with_channel(record.channel.as_str())
            .with_app_id(record.app_id.as_str())
            .with_release(record.release.as_deref().unwrap_or_default())
            .with_search(record.message.as_str());
        assert_eq!(find(&store, &filter).await, [expected([one])]);
    }
}

/// Records each value as a trait and asserts that it is returned.
async fn assert_values(cx: &Context, values: &[Value]) {
    let store = cx.store().await;
    let mut record = record("values", 0);
    for (i, value) in values.iter().enumerate() {
        record.traits.insert(format!("v{i}").into(), value.clone());
    }
    let traits = record.traits.clone();
    let batch = [occurrence(record)];
    put(&store, &batch).await;
    assert_kept(cx, &store, &batch).await;
    assert_eq!(occurrences(&store, batch[0].ticket_id()).await[0].record.traits, traits);
}

pub(super) async fn rule_23_the_full_range_of_integers_survives(cx: Context) {
    let mut values: Vec<Value> = Vec::new();
    for shift in 0..63 {
        let power = 1_i64 << shift;
        values.extend([power - 1, power, -power, -power - 1].map(Value::Int));
    }
    values.extend([i64::MIN, i64::MAX, 0].map(Value::Int));
    assert_values(&cx, &values).await;
}

pub(super) async fn rule_23_floats_survive_bit_for_bit(cx: Context) {
    let mut values = vec![
        0.0,
        -0.0,
        f64::MIN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f64::EPSILON,
        5e-324,
        -5e-324,
        2.225_073_858_507_201e-308,
        0.1,
        0.1 + 0.2,
        1.0 / 3.0,
        1e16,
        123_456_789_012_345_680.0,
        1e22,
        1e23,
        1.797_693_134_862_315_5e308,
        9_007_199_254_740_993.0,
        3.0,
    ];
    // Bit patterns spread over all finite floats.
    values.extend((0..400_u64).map(|i| f64::from_bits(i.wrapping_mul(0x9e37_79b9_7f4a_7c15))));
    values.retain(|float| float.is_finite());
    let values: Vec<Value> = values.into_iter().map(Value::Float).collect();
    assert_values(&cx, &values).await;
}

fn times() -> Vec<Timestamp> {
    let day = 86_400_000_000;
    let mut times: Vec<_> = [0, 1, 999_999, 1_000_000, 123_456, day, 951_782_400_000_000]
        .into_iter()
        .flat_map(|micros| [Timestamp::from_micros(micros), Timestamp::from_micros(-micros)])
        .collect();
    let (min, max) = (Timestamp::MIN.as_micros(), Timestamp::MAX.as_micros());
    times.extend([min, min + 1, min + day, max - day, max - 1, max].map(Timestamp::from_micros));
    times.sort();
    times.dedup();
    times
}

pub(super) async fn rule_23_times_from_year_1_to_9999_survive_to_the_microsecond(cx: Context) {
    let values: Vec<Value> = times().into_iter().map(Value::Time).collect();
    assert_values(&cx, &values).await;
}

pub(super) async fn rule_23_records_of_any_time_are_kept_and_sorted(cx: Context) {
    let store = cx.store().await;
    let batch: Vec<_> =
        times().into_iter().map(|time| occurrence(record("clock", 0).with_time(time))).collect();
    put(&store, &batch).await;
    let id = batch[0].ticket_id();
    assert_eq!(ticket(&store, id).await, expected(&batch));
    let found: Vec<_> = occurrences(&store, id).await;
    let found: Vec<_> = found.iter().map(|one| one.record.time).collect();
    assert_eq!(found, times());
    if !cx.lacks(Capability::Events) {
        assert_eq!(events(&store, EventFilter::new()).await, stored(&batch));
    }
}

pub(super) async fn rule_23_statuses_of_any_time_are_kept(cx: Context) {
    let store = cx.store().await;
    let one = occurrence(record("it", 0).with_time(Timestamp::MIN));
    put(&store, std::slice::from_ref(&one)).await;
    for at in times() {
        let change = ticket_core::backend::StatusChange::Solve {
            at,
            release: Some(Fix::In("\u{1f600}".into())),
        };
        let solved = store.set_status(one.ticket_id(), change, Author::unknown()).await;
        let solved = solved.expect("set_status succeeds");
        let status = solved.map(|ticket| ticket.status);
        let kept = ticket_core::Status::Solved { at, release: Some(Fix::In("\u{1f600}".into())) };
        assert_eq!(status.as_ref(), Some(&kept));
        assert_eq!(ticket(&store, one.ticket_id()).await.status, kept);
    }
    let until = Some(Timestamp::MAX);
    let change = ticket_core::backend::StatusChange::Mute { until };
    set(&store, one.ticket_id(), change).await;
    let status = ticket(&store, one.ticket_id()).await.status;
    assert_eq!(status, ticket_core::Status::Muted { until });
}

//! Property tests: normalizing brings any record within the limits, and is idempotent.

use proptest::prelude::*;
use smol_str::SmolStr;

use super::super::*;
use super::{empty, json, normalized, numbered};
use crate::limits::*;
use crate::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use crate::{Level, Timestamp, Traits, Value};

/// Repeats a list `times` times.
fn over<T: Clone>(times: usize, list: impl Iterator<Item = T>) -> Vec<T> {
    let list: Vec<T> = list.collect();
    vec![list; times].concat()
}

/// Generates texts with lengths around the limit and difficult contents: NUL, escapes, multi-byte characters,
/// marks, secrets and their names.
fn text(limit: usize) -> impl Strategy<Value = SmolStr> + Clone {
    const PIECES: &[&str] =
        &["a", "é", "\0", "\u{1b}", "\"", "🦀", "…[+7 bytes]", "#2", ".", " pwd=s3cret", ".otp"];
    const SECRETS: &[&str] =
        &["token", "api.otp", "cookies.a", "pwd=s3cret", "\0 otp=1 \0", "a: b"];
    prop_oneof![
        3 => "[a-c\0é]{0,3}",
        1 => prop::sample::select(SECRETS).prop_map(String::from),
        1 => (prop::sample::select(PIECES), 0..limit * 2)
            .prop_map(|(piece, length)| piece.repeat(length / piece.len())),
        1 => (prop::sample::select(PIECES), limit - 2..limit + 3, prop::sample::select(PIECES))
            .prop_map(|(piece, length, end)| "x".repeat(length) + piece + end),
    ]
    .prop_map(SmolStr::from)
}

fn value() -> impl Strategy<Value = Value> + Clone {
    prop_oneof![
        text(TRAIT).prop_map(Value::Text),
        any::<i64>().prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|micros| Value::Time(Timestamp::from_micros(micros))),
    ]
}

fn traits(count: usize) -> impl Strategy<Value = Traits> + Clone {
    let few = prop::collection::btree_map(text(NAME), value(), 0..5).prop_map(Traits::from_iter);
    let many = (text(TRAIT), 0..count).prop_map(|(text, count)| numbered("n", count, text));
    prop_oneof![4 => few, 1 => many]
}

prop_compose! {
    fn record()(
        message in text(MESSAGE),
        names in prop::collection::vec(prop::option::of(text(NAME)), 8),
        places in prop::collection::vec(prop::option::of(text(PLACE)), 4),
        traits in traits(TRAITS + 200),
        errors in prop::collection::vec((prop::option::of(text(PLACE)), text(MESSAGE)), 0..3),
        frames in prop::collection::vec((text(PLACE), prop::option::of(text(PLACE))), 0..3),
        breadcrumbs in prop::collection::vec((text(TRAIT), traits(30)), 0..3),
        spans in prop::collection::vec((text(NAME), traits(30)), 0..3),
        repeats in prop::array::uniform4(prop::sample::select(&[1_usize, 1, 1, 30, 120][..])),
    ) -> Record {
        let mut record = empty();
        record.message = message;
        let mut names = names.into_iter();
        record.channel = names.next().flatten().unwrap_or_default();
        record.app_id = names.next().flatten().unwrap_or_default();
        for name in [
            &mut record.release, &mut record.host, &mut record.thread, &mut record.trace_id,
        ] {
            *name = names.next().flatten();
        }
        let mut places = places.into_iter();
        record.location.file = places.next().flatten();
        record.location.function = places.next().flatten();
        record.fingerprint = places.next().flatten();
        record.request = Some(Request {
            path: places.next().flatten(),
            user: names.next().flatten(),
            ..Request::default()
        });
        record.traits = traits;
        let [error_times, frame_times, breadcrumb_times, span_times] = repeats;
        let errors = errors.into_iter().map(|(name, message)| ErrorCause::new(name, message));
        record.error = over(error_times, errors);
        let frames = frames.into_iter().map(|(function, file)| {
            let mut frame = Frame::new(function);
            frame.file = file;
            frame
        });
        record.backtrace = over(frame_times, frames);
        let breadcrumbs = breadcrumbs.into_iter().map(|(message, traits)| {
            let mut breadcrumb = Breadcrumb::new(Timestamp::MAX, Level::Critical, "", message);
            breadcrumb.traits = traits;
            breadcrumb
        });
        record.breadcrumbs = over(breadcrumb_times, breadcrumbs);
        let spans = spans.into_iter().map(|(name, traits)| {
            let mut span = Span::new(name);
            span.traits = traits;
            span
        });
        record.spans = over(span_times, spans);
        record
    }
}

fn hold_limits(record: &Record) -> Result<(), TestCaseError> {
    let within = |text: &str, limit: usize| text.len() <= limit && !text.contains('\0');
    let optional = |text: &Option<SmolStr>, limit| text.iter().all(|text| within(text, limit));
    let traits = |traits: &Traits| {
        traits.len() <= TRAITS
            && traits.iter().all(|(name, value)| {
                within(name, NAME)
                    && match value {
                        Value::Text(text) => within(text, TRAIT),
                        Value::Float(number) => number.is_finite(),
                        _ => true,
                    }
            })
    };
    prop_assert!(within(&record.message, MESSAGE) && within(&record.channel, NAME));
    prop_assert!(within(&record.app_id, NAME) && optional(&record.release, NAME));
    prop_assert!(optional(&record.host, NAME) && optional(&record.thread, NAME));
    prop_assert!(optional(&record.location.file, PLACE) && optional(&record.trace_id, NAME));
    prop_assert!(optional(&record.fingerprint, INGREDIENT) && traits(&record.traits));
    for error in &record.error {
        prop_assert!(optional(&error.type_name, PLACE) && within(&error.message, MESSAGE));
    }
    for frame in &record.backtrace {
        prop_assert!(optional(&frame.file, PLACE) && within(&frame.function, PLACE));
    }
    for breadcrumb in &record.breadcrumbs {
        prop_assert!(within(&breadcrumb.message, TRAIT) && traits(&breadcrumb.traits));
    }
    for span in &record.spans {
        prop_assert!(within(&span.name, NAME) && traits(&span.traits));
    }
    prop_assert!(record.error.len() <= ERRORS && record.backtrace.len() <= FRAMES);
    prop_assert!(record.breadcrumbs.len() <= BREADCRUMBS && record.spans.len() <= SPANS);
    prop_assert!(json(record).len() <= RECORD);
    Ok(())
}

proptest! {
    // Records of a few hundred KiB are slow to process in unoptimized builds.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn normalizing_holds_all_limits_and_is_idempotent(record in record()) {
        let once = normalized(record);
        hold_limits(&once)?;
        prop_assert_eq!(json(&normalized(once.clone())), json(&once));
    }

    #[test]
    fn the_size_estimate_is_an_upper_bound(mut record in record()) {
        let bound = walk::limit_parts(&mut record, &Unredacted);
        prop_assert!(json(&record).len() <= bound);
    }

    #[test]
    fn a_record_within_the_limits_is_not_changed(mut record in record()) {
        walk::limit_parts(&mut record, &Unredacted);
        if json(&record).len() <= RECORD {
            prop_assert_eq!(json(&normalized(record.clone())), json(&record));
        }
    }
}

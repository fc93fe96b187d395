mod properties;

use smol_str::{SmolStr, format_smolstr};

use super::*;
use crate::limits::*;
use crate::record::{Breadcrumb, ErrorCause, Frame, Request, Span};
use crate::{Level, Location, OccurrenceId, Timestamp, Traits, Value};

fn empty() -> Record {
    let mut record = Record::new(Level::Error, "", "").with_time(Timestamp::UNIX_EPOCH);
    record.id = OccurrenceId::from_key(record.time, "test");
    record
}

fn normalized(mut record: Record) -> Record {
    record.normalize();
    record
}

fn json(record: &Record) -> String {
    serde_json::to_string(record).unwrap()
}

fn numbered(prefix: &str, count: usize, value: impl Into<Value>) -> Traits {
    let value = value.into();
    (0..count).map(|number| (format_smolstr!("{prefix}{number:04}"), value.clone())).collect()
}

#[test]
fn nul_is_replaced_before_the_limit_is_applied() {
    assert_eq!(clean("\0a\0"), "␀a␀");
    let record = normalized(Record::new(Level::Info, "", "\0".repeat(MESSAGE)));
    assert!(record.message.len() <= MESSAGE && record.message.starts_with("␀␀"));
    let kept = record.message.chars().filter(|next| *next == '␀').count();
    assert!(record.message.ends_with(&format!("…[+{} bytes]", MESSAGE - kept)));
}

#[test]
fn nul_is_replaced_at_every_position() {
    for length in 1..40 {
        for at in 0..length {
            let mut text = "x".repeat(length);
            text.replace_range(at..=at, "\0");
            let mut record = empty().with_trait(text.as_str(), text.as_str());
            (record.message, record.channel) = (text.as_str().into(), text.as_str().into());
            record.normalize();
            let clean = text.replace('\0', "␀");
            assert_eq!(
                (record.message, record.channel),
                (clean.as_str().into(), clean.as_str().into())
            );
            assert_eq!(
                record.traits,
                Traits::from([(clean.as_str().into(), clean.as_str().into())])
            );
        }
    }
}

/// Rule 21.
#[test]
fn a_thousand_traits_with_unusual_names_are_unchanged() {
    let mut record = empty();
    record.traits = numbered("n", 990, "value");
    for name in ["", ".", "a.b", "$set", "$", "…", "🦀", " ", "a\nb", "ключ"] {
        record.traits.insert(name.into(), name.into());
    }
    assert_eq!(record.traits.len(), TRAITS);
    assert_eq!(normalized(record.clone()), record);
}

#[test]
fn excess_traits_are_replaced_with_their_number() {
    let mut record = empty();
    record.traits = numbered("n", 1_234, 7);
    let record = normalized(record);
    assert_eq!(record.traits.len(), TRAITS);
    assert_eq!(record.traits[MISSING_TRAITS], Value::from("…[+235 traits]"));
    assert_eq!(record.traits["n0998"], Value::Int(7));
}

#[test]
fn names_that_become_equal_are_numbered() {
    let long = "x".repeat(NAME);
    let mut record = empty();
    for (number, name) in
        [format!("{long}1"), format!("{long}2"), "a\0".into(), "a␀".into()].into_iter().enumerate()
    {
        record.traits.insert(name.into(), number.into());
    }
    let record = normalized(record);
    let names: Vec<_> = record.traits.keys().map(SmolStr::as_str).collect();
    let cut = as_stored(format!("{long}1"), NAME);
    let second = as_stored(format!("{long}1"), NAME - 2) + "#2";
    assert_eq!(names, ["a␀", "a␀#2", &cut, &second]);
    // The trait whose name did not change keeps it.
    assert_eq!(record.traits["a␀"], Value::Int(3));
    assert!(second.len() <= NAME);
}

#[test]
fn a_thousand_names_that_become_equal_are_all_numbered() {
    let long = "x".repeat(NAME);
    let mut record = empty();
    record.traits = numbered(&long, TRAITS, 1);
    let record = normalized(record);
    assert_eq!(record.traits.len(), TRAITS);
    assert!(record.traits.keys().all(|name| name.len() <= NAME));
}

#[test]
fn long_lists_keep_their_most_informative_elements() {
    let mut record = empty();
    record.error = (0..40).map(|number| ErrorCause::new(None, format!("e{number}"))).collect();
    record.backtrace = (0..300).map(|number| Frame::new(format!("f{number}"))).collect();
    record.breadcrumbs = (0..150)
        .map(|number| {
            Breadcrumb::new(Timestamp::from_micros(number), Level::Info, "", format!("b{number}"))
        })
        .collect();
    record.spans = (0..70).map(|number| Span::new(format!("s{number}"))).collect();
    let record = normalized(record);

    let errors: Vec<_> = record.error.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(errors.len(), ERRORS);
    assert_eq!(errors[15..18], ["e15", "…[+9 errors]", "e25"]);
    assert_eq!((errors[0], errors[31]), ("e0", "e39"));

    let frames: Vec<_> = record.backtrace.iter().map(|frame| frame.function.as_str()).collect();
    assert_eq!(frames.len(), FRAMES);
    assert_eq!((frames[0], frames[254], frames[255]), ("f0", "f254", "…[+45 frames]"));

    let [first, second, .., last] = &record.breadcrumbs[..] else { panic!() };
    assert_eq!(record.breadcrumbs.len(), BREADCRUMBS);
    assert_eq!(first.message, "…[+51 breadcrumbs]");
    assert_eq!(first.time, Timestamp::from_micros(50));
    assert_eq!((second.message.as_str(), last.message.as_str()), ("b51", "b149"));

    let spans: Vec<_> = record.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(spans.len(), SPANS);
    assert_eq!(spans[31..34], ["s31", "…[+7 spans]", "s39"]);
}

#[test]
fn thinning_again_counts_all_missing_elements() {
    let mut record = empty();
    record.spans = (0..100).map(|number| Span::new(format!("s{number}"))).collect();
    thin::spans(&mut record, SPANS);
    thin::spans(&mut record, 5);
    let names: Vec<_> = record.spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["s0", "s1", "…[+96 spans]", "s98", "s99"]);
}

#[test]
fn floats_that_are_not_finite_become_text() {
    let mut record = empty();
    record.traits.insert("a".into(), Value::Float(f64::NEG_INFINITY));
    record.traits.insert("b".into(), Value::Float(-0.0));
    let record = normalized(record);
    assert_eq!(record.traits["a"], Value::from("-inf"));
    assert_eq!(record.traits["b"], Value::Float(-0.0));
}

#[test]
fn a_long_record_keeps_its_message_and_marks_what_is_missing() {
    let mut record = empty();
    record.message = "m".repeat(MESSAGE).into();
    record.traits = numbered("n", TRAITS, "v".repeat(TRAIT));
    record.breadcrumbs =
        vec![Breadcrumb::new(record.time, Level::Info, "", "b".repeat(TRAIT)); BREADCRUMBS];
    let record = normalized(record);
    assert!(json(&record).len() <= RECORD);
    assert_eq!(record.message, "m".repeat(MESSAGE));
    assert_eq!(record.breadcrumbs[0].message, "…[+95 breadcrumbs]");
    assert_eq!(record.traits.len(), TRAITS);
    assert_eq!(record.traits["n0000"], Value::from(as_stored("v".repeat(TRAIT), 128)));
}

#[test]
fn a_payload_is_not_part_of_what_is_shrunk() {
    let mut record = empty().with_payload(serde_json::Value::from("x".repeat(PAYLOAD - 2)));
    record.external_id = Some("e".repeat(NAME + 1).into());
    record.traits = numbered("n", TRAITS, "v".repeat(TRAIT));
    let mut without = record.clone();
    without.payload = None;
    let record = normalized(record);
    assert_eq!(record.payload.as_ref().unwrap().as_str().len(), PAYLOAD);
    assert_eq!(record.external_id, Some(as_stored("e".repeat(NAME + 1), NAME).into()));
    assert_eq!(Record { payload: None, ..record }, normalized(without));
}

#[test]
fn the_largest_possible_record_fits() {
    let worst = |limit: usize| SmolStr::from("\u{1}".repeat(limit));
    let traits: Traits = (0..TRAITS)
        .map(|n| (format_smolstr!("{n:04}{}", worst(NAME)), worst(TRAIT).into()))
        .collect();
    let mut record = empty();
    record.message = worst(MESSAGE);
    record.traits = traits.clone();
    record.location = Location::new()
        .with_file(worst(PLACE))
        .with_module(worst(PLACE))
        .with_function(worst(PLACE));
    record.error = vec![ErrorCause::new(Some(worst(PLACE)), worst(MESSAGE)); ERRORS];
    let mut frame = Frame::new(worst(PLACE));
    frame.file = Some(worst(PLACE));
    record.backtrace = vec![frame; FRAMES];
    let mut breadcrumb = Breadcrumb::new(record.time, Level::Info, worst(NAME), worst(TRAIT));
    breadcrumb.traits = traits.clone();
    let mut span = Span::new(worst(NAME));
    (span.target, span.traits) = (worst(NAME), traits);
    record.spans = vec![span; 3];
    let mut request = Request::default();
    for name in [&mut request.method, &mut request.remote_address, &mut request.user] {
        *name = Some(worst(NAME));
    }
    (request.path, request.route) = (Some(worst(PLACE)), Some(worst(PLACE)));
    record.request = Some(request);
    (record.channel, record.app_id) = (worst(NAME), worst(NAME));
    for name in [&mut record.release, &mut record.environment, &mut record.host] {
        *name = Some(worst(NAME));
    }
    for name in
        [&mut record.thread, &mut record.trace_id, &mut record.span_id, &mut record.external_id]
    {
        *name = Some(worst(NAME));
    }
    record.fingerprint = Some(worst(INGREDIENT));
    for breadcrumbs in [vec![breadcrumb.clone()], vec![breadcrumb; 3]] {
        record.breadcrumbs = breadcrumbs;
        let once = normalized(record.clone());
        assert!(json(&once).len() <= RECORD);
        assert_eq!(once.message, record.message);
        assert_eq!(json(&normalized(once.clone())), json(&once));
    }
}

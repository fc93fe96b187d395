use proptest::prelude::*;
use smol_str::{SmolStr, format_smolstr};

use super::*;
use crate::{Location, OccurrenceId, Request, Timestamp};

fn empty() -> Record {
    let mut record = Record::new(Level::Error, "", "").with_time(Timestamp::UNIX_EPOCH);
    record.id = OccurrenceId::from_key(record.time, "test");
    record
}

fn normalized(mut record: Record) -> Record {
    normalize(&mut record);
    record
}

fn json(record: &Record) -> String {
    serde_json::to_string(record).unwrap()
}

fn numbered(prefix: &str, count: usize, value: impl Into<Value>) -> Traits {
    let value = value.into();
    (0..count).map(|number| (format_smolstr!("{prefix}{number:04}"), value.clone())).collect()
}

fn after_cut(text: &str, limit: usize) -> String {
    let mut text = text.to_owned();
    cut(&mut text, limit);
    text
}

#[test]
fn a_text_within_its_limit_is_not_cut() {
    assert_eq!(after_cut("12345", 5), "12345");
    assert_eq!(after_cut("", 0), "");
}

#[test]
fn a_cut_says_how_much_is_missing() {
    assert_eq!(after_cut(&"x".repeat(100), 20), format!("{}…[+95 bytes]", "x".repeat(5)));
    assert_eq!(after_cut(&"é".repeat(50), 20), "éé…[+96 bytes]");
    assert_eq!(after_cut(&"🦀".repeat(50), 26), "🦀🦀…[+192 bytes]");
}

#[test]
fn a_text_that_is_cut_again_says_how_much_of_the_whole_is_missing() {
    let once = after_cut(&"x".repeat(10_000), 1_000);
    assert_eq!(after_cut(&once, 100), after_cut(&"x".repeat(10_000), 100));
}

#[test]
fn where_a_mark_has_no_room_the_text_is_cut_all_the_same() {
    assert_eq!(after_cut("0123456789", 4), "0123");
    assert_eq!(after_cut("éé", 3), "é");
}

#[test]
fn nul_is_replaced_and_counts_as_what_it_becomes() {
    assert_eq!(clean("\0a\0"), "␀a␀");
    let record = normalized(Record::new(Level::Info, "", "\0".repeat(MESSAGE)));
    assert!(record.message.len() <= MESSAGE && record.message.starts_with("␀␀"));
    let kept = record.message.chars().filter(|next| *next == '␀').count();
    assert!(record.message.ends_with(&format!("…[+{} bytes]", MESSAGE - kept)));
}

/// Rule 21.
#[test]
fn a_thousand_traits_with_odd_names_stay_as_they_are() {
    let mut record = empty();
    record.traits = numbered("n", 990, "value");
    for name in ["", ".", "a.b", "$set", "$", "…", "🦀", " ", "a\nb", "ключ"] {
        record.traits.insert(name.into(), name.into());
    }
    assert_eq!(record.traits.len(), TRAITS);
    assert_eq!(normalized(record.clone()), record);
}

#[test]
fn what_is_over_a_thousand_traits_is_summed_up() {
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
    let cut = after_cut(&format!("{long}1"), NAME);
    let second = after_cut(&format!("{long}1"), NAME - 2) + "#2";
    assert_eq!(names, ["a␀", "a␀#2", &cut, &second]);
    // The one that had its name keeps it.
    assert_eq!(record.traits["a␀"], Value::Int(3));
    assert!(second.len() <= NAME);
}

#[test]
fn many_names_that_become_equal_cost_little() {
    let long = "x".repeat(NAME);
    let mut record = empty();
    record.traits = numbered(&long, TRAITS, 1);
    let record = normalized(record);
    assert_eq!(record.traits.len(), TRAITS);
    assert!(record.traits.keys().all(|name| name.len() <= NAME));
}

#[test]
fn long_lists_keep_what_informs_most() {
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
fn a_list_that_is_cut_again_says_how_many_of_all_are_missing() {
    let mut record = empty();
    record.spans = (0..100).map(|number| Span::new(format!("s{number}"))).collect();
    thin_spans(&mut record, SPANS);
    thin_spans(&mut record, 5);
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
fn a_record_that_is_too_long_keeps_its_message_and_says_what_is_missing() {
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
    assert_eq!(record.traits["n0000"], Value::from(after_cut(&"v".repeat(TRAIT), 128)));
}

#[test]
fn the_worst_record_fits_too() {
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
    for name in [&mut record.thread, &mut record.trace_id, &mut record.span_id] {
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

#[test]
fn ingredients_have_limits_too() {
    let mut ingredients = Ingredients::new("stable/1").with("a\0", "x".repeat(INGREDIENT + 1));
    for number in 0..40 {
        ingredients = ingredients.with("error", format!("E{number}"));
    }
    ingredients = ingredients.with("message", "it is full");
    normalize_ingredients(&mut ingredients);
    let pairs: Vec<_> = ingredients.iter().map(|(name, value)| (name, value.len())).collect();
    assert_eq!(pairs.len(), INGREDIENTS);
    assert!(pairs[1].0 == "a␀" && (INGREDIENT - 2..=INGREDIENT).contains(&pairs[1].1));
    assert_eq!(ingredients.iter().nth(16).unwrap(), ("…", "…[+12 ingredients]"));
    assert_eq!(ingredients.iter().last().unwrap(), ("message", "it is full"));
    let once = ingredients.clone();
    normalize_ingredients(&mut ingredients);
    assert_eq!(ingredients, once);
}

fn flat(name: &str, json: &str) -> Vec<(SmolStr, Value)> {
    let mut traits = Traits::new();
    traits_from_json(name, &serde_json::from_str(json).unwrap(), &mut traits);
    traits.into_iter().collect()
}

#[test]
fn json_becomes_typed_traits() {
    let json = r#"{"i": -3, "f": 1.5, "whole": 2.0, "t": "2026-11-21T10:47:20Z", "n": null, "y": true,
        "u": 18446744073709551615, "list": [1, {"a": 2}], "none": {}, "": {"": 1}}"#;
    let expected = [
        (".", Value::Int(1)),
        ("f", Value::Float(1.5)),
        ("i", Value::Int(-3)),
        ("list", Value::from(r#"[1,{"a":2}]"#)),
        ("n", Value::from("null")),
        ("none", Value::from("{}")),
        ("t", Value::from("2026-11-21T10:47:20Z")),
        ("u", Value::from("18446744073709551615")),
        ("whole", Value::Float(2.0)),
        ("y", Value::Bool(true)),
    ];
    assert_eq!(flat("", json), expected.map(|(name, value)| (name.into(), value)));
    assert_eq!(flat("x", r#"{"a":{"b":1}}"#), [("x.a.b".into(), Value::Int(1))]);
    assert_eq!(flat("x", "7"), [("x".into(), Value::Int(7))]);
    assert_eq!(flat("", "7"), [(SmolStr::default(), Value::Int(7))]);
}

#[test]
fn json_names_that_collide_are_numbered() {
    let both = flat("", r#"{"a.b": 1, "a": {"b": 2}}"#);
    let names: Vec<_> = both.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a.b", "a.b#2"]);
    let mut traits = Traits::from([("a".into(), Value::Int(0)), ("a#2".into(), Value::Int(0))]);
    traits_from_json("a", &serde_json::json!(5), &mut traits);
    assert_eq!(traits["a#3"], Value::Int(5));
}

#[test]
fn json_that_is_too_deep_stays_json() {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(DEPTH + 2), "}".repeat(DEPTH + 2));
    let name = vec!["a"; DEPTH].join(".");
    assert_eq!(flat("", &deep), [(name.into(), Value::from(r#"{"a":{"a":1}}"#))]);
}

/// A list over and over.
trait Times {
    fn times(self, count: usize) -> Self;
}

impl<T: Clone> Times for Vec<T> {
    fn times(self, count: usize) -> Self {
        (0..count).flat_map(|_| self.clone()).collect()
    }
}

/// Texts round the limit, of what is hard: NUL, escapes, characters of several bytes, marks.
fn text(limit: usize) -> impl Strategy<Value = SmolStr> + Clone {
    const PIECES: &[&str] = &["a", "é", "\0", "\u{1b}", "\"", "🦀", "…[+7 bytes]", "#2", "."];
    prop_oneof![
        4 => "[a-c\0é]{0,3}",
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
        record.error = errors
            .into_iter()
            .map(|(name, message)| ErrorCause::new(name, message))
            .collect::<Vec<_>>()
            .times(repeats[0]);
        record.backtrace = frames
            .into_iter()
            .map(|(function, file)| {
                let mut frame = Frame::new(function);
                frame.file = file;
                frame
            })
            .collect::<Vec<_>>()
            .times(repeats[1]);
        record.breadcrumbs = breadcrumbs
            .into_iter()
            .map(|(message, traits)| {
                let mut breadcrumb = Breadcrumb::new(Timestamp::MAX, Level::Critical, "", message);
                breadcrumb.traits = traits;
                breadcrumb
            })
            .collect::<Vec<_>>()
            .times(repeats[2]);
        record.spans = spans
            .into_iter()
            .map(|(name, traits)| {
                let mut span = Span::new(name);
                span.traits = traits;
                span
            })
            .collect::<Vec<_>>()
            .times(repeats[3]);
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
    // Records of a few hundred KiB take their time without optimisation.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_record_is_brought_within_the_limits_once(record in record()) {
        let once = normalized(record);
        hold_limits(&once)?;
        prop_assert_eq!(json(&normalized(once.clone())), json(&once));
    }

    #[test]
    fn the_bound_of_the_length_holds(mut record in record()) {
        let bound = limit_parts(&mut record);
        prop_assert!(json(&record).len() <= bound);
    }

    #[test]
    fn what_is_within_the_limits_is_not_changed(mut record in record()) {
        limit_parts(&mut record);
        if json(&record).len() <= RECORD {
            prop_assert_eq!(json(&normalized(record.clone())), json(&record));
        }
    }

}

proptest! {
    #[test]
    fn a_cut_keeps_the_start_and_counts_the_rest(text in any::<String>(), limit in 0_usize..40) {
        let once = after_cut(&text, limit);
        prop_assert!(once.len() <= limit);
        prop_assert_eq!(after_cut(&once, limit), once.as_str());
        if text.len() <= limit {
            prop_assert_eq!(once, text);
        } else if let Some((kept, count)) = once.rsplit_once("…[+") {
            let count: usize = count.trim_end_matches(" bytes]").parse().unwrap();
            prop_assert!(text.starts_with(kept));
            prop_assert_eq!(kept.len() + count, text.len());
        } else {
            prop_assert!(text.starts_with(&once));
        }
    }

    #[test]
    fn no_leaf_of_json_is_lost(entries in prop::collection::vec(("[ab.]{0,3}", "[ab.#2]{0,3}"), 0..12)) {
        let mut json = serde_json::Map::new();
        let mut leaves = 0;
        for (outer, inner) in entries {
            let object = json.entry(outer).or_insert_with(|| serde_json::json!({}));
            if let Some(object) = object.as_object_mut() {
                leaves += usize::from(object.insert(inner, leaves.into()).is_none());
            }
        }
        let mut traits = Traits::new();
        traits_from_json("", &json.into(), &mut traits);
        prop_assert_eq!(traits.len(), leaves);
    }
}

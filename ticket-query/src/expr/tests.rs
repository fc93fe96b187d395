use ticket_core::{
    Clause, Comparison, Level, MAX_COMPARISONS, Operator, Record, Timestamp, Traits, Value,
};

use super::*;

fn parsed(text: &str) -> EventFilter {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}"))
}

/// Returns the message, and a mark under the mistake.
fn explained(text: &str) -> String {
    let error = parse(text).unwrap_err();
    let indent = " ".repeat(text[..error.position()].chars().count());
    format!("{}\n  {text}\n  {indent}^", error.message())
}

/// Returns `true` if an event of type `checkout` with these traits is found.
fn finds(text: &str, traits: &[(&str, Value)]) -> bool {
    let mut record = Record::new(Level::Error, "checkout", "");
    record.traits =
        traits.iter().map(|(name, value)| ((*name).into(), value.clone())).collect::<Traits>();
    parsed(text).matches(&record)
}

#[test]
fn the_example_in_the_help_text_is_parsed() {
    let filter = parsed(r#"type=checkout and user_id>=42 and path="/api""#);
    assert_eq!(filter.event_type.as_deref(), Some("checkout"));
    assert_eq!(
        filter.clauses,
        [
            Comparison::number("user_id", Operator::Ge, 42).unwrap(),
            Comparison::new("path", Operator::Eq, "/api")
        ]
        .map(Clause::from)
    );
}

#[test]
fn an_empty_expression_finds_everything() {
    assert_eq!(parsed("  "), EventFilter::new());
}

#[test]
fn a_number_is_compared_with_integers_and_floats() {
    for value in [Value::Int(42), Value::Float(42.0)] {
        assert!(finds("n=42", &[("n", value.clone())]));
        assert!(finds("n >= 4.15e1", &[("n", value.clone())]));
        assert!(finds("n!=-42", &[("n", value)]));
    }
    assert!(finds("n=9223372036854775807", &[("n", Value::Int(i64::MAX))]));
    assert!(finds("n<9223372036854775808", &[("n", Value::Int(i64::MAX))]));
    assert!(!finds("n=42", &[("n", Value::Text("42".into()))]));
    assert!(finds("n='42'", &[("n", Value::Text("42".into()))]));
}

#[test]
fn a_word_is_a_bool_a_time_or_a_text() {
    assert!(finds("ok=true", &[("ok", Value::Bool(true))]));
    assert!(finds("ok='true'", &[("ok", Value::Text("true".into()))]));
    let time = "2026-11-21T10:47:20Z".parse::<Timestamp>().unwrap();
    for equal in ["2026-11-21T11:47:20+01:00", "2026-11-21T10:47:20"] {
        assert!(finds(&format!("at={equal}"), &[("at", Value::Time(time))]), "{equal}");
    }
    assert!(finds("at>2026-11-21 and at<2026-11-22", &[("at", Value::Time(time))]));
    assert!(finds(
        "who==alice AND path=/api/v1",
        &[("who", Value::from("alice")), ("path", Value::from("/api/v1"))]
    ));
    // NaN is stored as text, and a word like it is text too.
    assert!(finds(
        "n=NaN and m=inf",
        &[("n", Value::from(f64::NAN)), ("m", Value::from(f64::INFINITY))]
    ));
}

#[test]
fn a_quoted_name_is_always_that_of_a_trait() {
    let traits = [
        ("type", Value::from("x")),
        ("a b", Value::Int(1)),
        ("", Value::Int(2)),
        ("and", Value::Int(3)),
    ];
    assert!(finds(r#""type"=x and 'a b'=1 and ""=2 and "and"=3"#, &traits));
    assert!(finds("http.status=500", &[("http.status", Value::Int(500))]));
    assert_eq!(parsed("'id'=1").occurrence_id, None);
    let id = "019ab3f0-0000-7000-8000-000000000000";
    assert_eq!(parsed(&format!("id={id}")).occurrence_id, Some(id.parse().unwrap()));
    assert_eq!(parsed(&format!("id={id}")).external_id, None);
}

#[test]
fn an_id_that_is_no_uuid_is_the_producers() {
    assert_eq!(parsed("id=order-17").external_id.as_deref(), Some("order-17"));
    assert_eq!(parsed("id=7").external_id.as_deref(), Some("7"));
    let quoted = parsed("id='019ab3f0-0000-7000-8000-000000000000'");
    assert_eq!(quoted.external_id.as_deref(), Some("019ab3f0-0000-7000-8000-000000000000"));
    assert_eq!(quoted.occurrence_id, None);
}

fn comparison(name: &str, op: Operator, value: i64) -> Comparison {
    Comparison::number(name, op, value).unwrap()
}

/// Returns `name=1`.
fn one(name: &str) -> Comparison {
    comparison(name, Operator::Eq, 1)
}

#[test]
fn or_binds_less_than_and_and_not_most() {
    let cases: [(&str, Vec<Clause>); 11] = [
        ("a=1 or b=1", vec![one("a").or(one("b"))]),
        ("a=1 OR b=1 or c=1", vec![one("a").or(one("b")).or(one("c"))]),
        ("a=1 and b=1 or c=1", vec![one("a").or(one("c")), one("b").or(one("c"))]),
        ("a=1 and (b=1 or c=1)", vec![one("a").into(), one("b").or(one("c"))]),
        ("not a=1 and b=1", vec![(!one("a")).into(), one("b").into()]),
        ("not (a=1 and b=1)", vec![(!one("a")).or(!one("b"))]),
        ("not(a=1 or b=1)", vec![(!one("a")).into(), (!one("b")).into()]),
        ("NOT not a=1", vec![one("a").into()]),
        ("not (a=1 and not (b=1 or c=1))", vec![(!one("a")).or(one("b")).or(one("c"))]),
        ("has a or missing b", vec![Comparison::has("a").or(Comparison::missing("b"))]),
        ("not has a", vec![Comparison::missing("a").into()]),
    ];
    for (text, clauses) in cases {
        assert_eq!(parsed(text).clauses, clauses, "{text}");
    }
}

#[test]
fn what_changes_nothing_is_left_out() {
    let cases: [(&str, Vec<Clause>); 5] = [
        ("a=1 or a=1", vec![one("a").into()]),
        ("a=1 and a=1", vec![one("a").into()]),
        ("a=1 or not a=1", vec![]),
        ("(a=1 and b=1) or (a=1 and c=1)", vec![one("a").into(), one("b").or(one("c"))]),
        ("(a=1 or b=1) and a=1", vec![one("a").into()]),
    ];
    for (text, clauses) in cases {
        assert_eq!(parsed(text).clauses, clauses, "{text}");
    }
}

#[test]
fn a_type_and_an_id_stand_beside_alternatives() {
    let filter =
        parsed("(type=checkout and (a=1 or b=1)) and id=019ab3f0-0000-7000-8000-000000000000");
    assert_eq!(filter.event_type.as_deref(), Some("checkout"));
    assert!(filter.occurrence_id.is_some());
    assert_eq!(filter.clauses, [one("a").or(one("b"))]);
}

#[test]
fn a_negation_finds_what_lacks_the_trait() {
    for traits in [&[] as &[_], &[("a", Value::from("1"))], &[("a", Value::Int(2))]] {
        assert!(finds("not a=1", traits), "{traits:?}");
    }
    assert!(!finds("not a=1", &[("a", Value::Int(1))]));
    assert!(!finds("a!=1", &[]) && !finds("not a!=1", &[("a", Value::Int(2))]));
    assert!(
        finds("missing project or project=x", &[]) && finds("has 'type'", &[("type", 1.into())])
    );
}

#[test]
fn a_message_is_searched() {
    let expected = [Comparison::message_contains("Timed out"), Comparison::message_contains("42")];
    assert_eq!(parsed("message~'Timed out' and message ~ 42").clauses, expected.map(Clause::from));
}

#[test]
fn has_and_missing_are_names_before_an_operator() {
    assert!(finds("has=1 and missing != 2", &[("has", 1.into()), ("missing", 1.into())]));
    assert_eq!(parsed("has has").clauses, [Comparison::has("has").into()]);
}

#[test]
fn an_expression_that_becomes_too_large_is_refused_at_the_word_that_makes_it_so() {
    let pair = |i: i32| format!("(a{i}=1 and b{i}=1)");
    let text = |count: i32| (0..count).map(pair).collect::<Vec<_>>().join(" or ");
    assert_eq!(parsed(&text(3)).clauses.len(), 8);
    let explanation = explained(&text(4));
    assert!(explanation.contains("becomes 64 comparisons"), "{explanation}");
    assert!(explanation.contains("as in a=1 and (b=2 or c=3)"), "{explanation}");
    let mark = explanation.lines().last().unwrap().find('^').unwrap() - 2;
    assert_eq!(Some(mark), text(4).rfind("or"), "{explanation}");

    let list = |count, word: &str| {
        (0..count).map(|i| format!("a{i}=1")).collect::<Vec<_>>().join(&format!(" {word} "))
    };
    for word in ["and", "or"] {
        assert!(parse(&list(MAX_COMPARISONS, word)).is_ok());
        assert!(explained(&list(MAX_COMPARISONS + 1, word)).contains("becomes 33 comparisons"));
    }
    assert!(
        explained(&format!("not ({})", text(4).replace("and", "or").replace(") or", ") and")))
            .contains("64")
    );
}

#[test]
fn deep_parentheses_are_refused() {
    let nested = |depth| format!("{}a=1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(parsed(&nested(32)).clauses, [one("a").into()]);
    assert!(explained(&nested(33)).contains("more than 32 parentheses"));
    assert!(explained(&nested(100_000)).contains("more than 32 parentheses"));
    assert_eq!(parsed(&format!("{}a=1", "not ".repeat(100_000))).clauses, [one("a").into()]);
}

#[test]
fn escapes_are_replaced_in_quotes() {
    let text = "a\"b'\\\n\r\t😀\u{1b}";
    assert!(finds(r#"t="a\"b\'\\\n\r\t\u{1f600}\u{1b}""#, &[("t", Value::from(text))]));
}

#[test]
fn an_error_shows_its_position() {
    let cases = [
        (
            "user_id 42",
            "expected a comparison: one of = != < <= > >= and a value\n  user_id 42\n          ^",
        ),
        (
            "a=1 b=2",
            "expected `and`, `or` or the end: a text with spaces or signs needs quotes\n  a=1 b=2\n      ^",
        ),
        (
            "日本=",
            "expected a value: a number, true, false, a time, or text in quotes\n  日本=\n     ^",
        ),
        (
            "v=1.2.3",
            "1.2.3 is neither a number nor a time such as 2026-11-21T10:47:20Z: write a text in quotes\n  v=1.2.3\n    ^",
        ),
        ("t='abc", "the text that begins here has no closing '\n  t='abc\n    ^"),
    ];
    for (text, explanation) in cases {
        assert_eq!(explained(text), explanation);
    }
}

#[test]
fn each_kind_of_mistake_has_its_own_error() {
    let cases = [
        ("a=1 and", "expected a name"),
        ("=1", "expected a name"),
        ("()", "expected a name"),
        ("a=1 or", "expected a name"),
        ("!a=1", "`not` instead of !"),
        ("a=1 && b=2", "write `and`"),
        ("a=1 || b=2", "write `or`"),
        ("a=1)", "no parenthesis that this one closes"),
        ("(a=1 or b=2", "not closed"),
        ("(a=1 b=2)", "expected `and`, `or` or `)`"),
        ("has", "expected the name of a trait"),
        ("missing (a)", "expected the name of a trait"),
        ("has and", "not a name"),
        ("has type", "every event has type"),
        ("message=x", "message ~"),
        ("message", "message ~"),
        ("message ~", "expected the text"),
        ("path ~ x", "write message ~"),
        ("type=a or type=b", "once for each type"),
        ("not type=a", "once for each type"),
        ("x=1 or (y=2 and id=019ab3f0-0000-7000-8000-000000000000)", "once for each id"),
        ("and=1", "not a name"),
        ("a=1 and and b=2", "not a name"),
        ("not or a=1", "not a name"),
        ("a=1 b=2", "expected `and`"),
        ("a=x=1", "expected `and`"),
        ("a=>1", "expected a value"),
        ("type>x", "can only be compared with ="),
        ("type=a and type=b", "given twice"),
        ("id=a and id=b", "given twice"),
        ("a=2026-13-21", "neither a number nor a time"),
        ("a=1e999", "neither a number"),
        (r#"a="\x""#, "unknown escape"),
        (r#"a="\u{d800}""#, "unknown escape"),
        (r#"a="\"#, "unknown escape"),
    ];
    for (text, part) in cases {
        assert!(explained(text).contains(part), "{text}: {}", explained(text));
    }
}

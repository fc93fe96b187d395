//! `find`, `types`, `traits`.

use predicates::str::contains;
use ticket_core::Level;

use crate::store::{Place, full, record};

fn place() -> Place {
    Place::with(vec![
        full(),
        record(Level::Error, "login", "refused", 100)
            .with_trait("user_id", 7)
            .with_trait("path", "/api"),
        record(Level::Error, "login", "refused", 7_200).with_trait("user_id", 42.5),
    ])
}

fn found(place: &Place, arguments: &[&str]) -> Vec<String> {
    place.texts("message", &[&["find"], arguments].concat())
}

#[test]
fn events_are_found_by_type_and_traits() {
    let place = place();
    let cases: [(&[&str], &[&str]); 13] = [
        (&[], &["refused", "payment 4711 refused", "refused"]),
        (&["type=shop::checkout and user_id>=42 and path=\"/api\""], &["payment 4711 refused"]),
        (&["user_id>=42"], &["payment 4711 refused", "refused"]),
        (&["user_id>=42", "--reverse", "--limit", "1"], &["refused"]),
        (&["type=login", "--since", "1h"], &["refused"]),
        (&["type=login", "--until", "1h"], &["refused"]),
        (&["type=login", "--since", "90m", "--until", "1h"], &[]),
        (&["'type'=card"], &["payment 4711 refused"]),
        (&["path=\"/api\" and (user_id=7 or user_id=42)"], &["refused", "payment 4711 refused"]),
        (&["missing path or user_id=7"], &["refused", "refused"]),
        (&["not user_id=42 and has path"], &["refused"]),
        (&["message ~ \"Payment 4711\""], &["payment 4711 refused"]),
        (&["ok=false", "--app", "other"], &[]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(found(&place, arguments), expected, "{arguments:?}");
    }
    let id = place.texts("id", &["find", "ok=false"]).remove(0);
    assert_eq!(found(&place, &[&format!("id={id}")]), ["payment 4711 refused"]);
}

#[test]
fn an_event_is_found_by_the_id_of_its_producer_and_shown_with_its_payload() {
    let place = place();
    assert_eq!(found(&place, &["id=order-4711"]), ["payment 4711 refused"]);
    assert_eq!(found(&place, &["id=order-4711 and ok=true"]), [""; 0]);
    assert_eq!(found(&place, &["id=order-47"]), [""; 0]);
    let ticket = place.texts("ticket_id", &["find", "id=order-4711"]).remove(0);
    for arguments in [&["find", "id=order-4711"][..], &["occurrences", &ticket]] {
        let output = place.output(&[arguments, &["--json"]].concat());
        let expected = r#""external_id":"order-4711","payload":{"order":4711,"total":17.50}"#;
        assert!(output.contains(expected), "{output}");
    }
    let shown = place.output(&["show", &ticket]);
    assert!(shown.contains("external id  order-4711\n"), "{shown}");
    assert!(shown.contains("PAYLOAD\n{\n  \"order\": 4711,\n  \"total\": 17.50\n}\n"), "{shown}");
}

#[test]
fn events_are_listed_in_a_table() {
    let output = place().output(&["find", "user_id=42"]);
    assert_eq!(output.lines().count(), 2, "{output}");
    assert!(
        output.contains("shop::checkout") && output.contains("payment 4711 refused  "),
        "{output}"
    );
    place().ticket(&["find", "a=1"]).assert().success().stdout("").stderr("no events match\n");
}

#[test]
fn a_mistake_in_an_expression_is_shown_with_its_position() {
    let place = place();
    let (code, said) = place.failure(&["find", "user_id >= 42 a=1"]);
    assert_eq!(code, 2);
    assert_eq!(
        said,
        "error: expected `and`, `or` or the end: a text with spaces or signs needs quotes\n  \
         user_id >= 42 a=1\n                ^\n"
    );
    // The expression is checked before the database is opened.
    assert_eq!(Place::empty().failure(&["find", "a"]).0, 2);
}

#[test]
fn types_and_traits_are_listed() {
    let place = place();
    assert_eq!(place.output(&["types"]), "login\nshop::checkout\n");
    assert_eq!(place.texts("type", &["types", "--app", "shop"]), ["login", "shop::checkout"]);
    assert_eq!(place.output(&["types", "--app", "x"]), "");
    let nameless = Place::with(vec![record(Level::Error, "", "without a channel", 1)]);
    assert_eq!(nameless.output(&["types"]), "\"\"\n");
    assert_eq!(place.output(&["traits", "login"]), "text   path\nint    user_id\nfloat  user_id\n");
    assert_eq!(place.texts("kind", &["traits", "login"]), ["text", "int", "float"]);
    assert!(place.output(&["traits", "shop::checkout"]).contains("text   \"type\"\n"));
    let values = place.json(&["traits", "login", "--name", "user_id"]);
    let values: Vec<_> = values.iter().map(|value| value["value"].clone()).collect();
    assert_eq!(values, [serde_json::json!(42.5), serde_json::json!(7)], "the oldest first");
    assert_eq!(place.output(&["traits", "none"]), "");
    for (arguments, said) in [
        (&["types", "--app", "x"] as &[&str], "no events are stored"),
        (&["traits", "none"], "`ticket types` lists the types"),
        (&["traits", "login", "--name", "none"], "no events of this type have this trait"),
    ] {
        place.ticket(arguments).assert().success().stderr(contains(said));
        place.ticket(arguments).arg("--json").assert().success().stderr("");
    }
}

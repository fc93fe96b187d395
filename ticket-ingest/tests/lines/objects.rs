//! JSON and logfmt.

use super::{check, entries, entry, record, told};

#[test]
fn fields_have_many_names() {
    check(&[
        (
            r#"{"message":"x","level":400,"level_name":"ERROR","channel":"shop","datetime":"2026-11-21T10:47:20.123456+00:00"}"#,
            true,
            "error",
            "shop",
            "x",
        ),
        (
            r#"{"Timestamp":"2026-11-21T10:47:20Z","LogLevel":"Error","Category":"Shop.Cart","Message":"x"}"#,
            true,
            "error",
            "Shop.Cart",
            "x",
        ),
        (
            r#"{"Timestamp":"2026-11-21T10:47:20Z","Level":"Error","MessageTemplate":"x {A}","RenderedMessage":"x 1","Properties":{"SourceContext":"Shop.Cart","A":1}}"#,
            true,
            "error",
            "Shop.Cart",
            "x 1",
        ),
        (
            r#"{"@t":"2026-11-21T10:47:20Z","@mt":"x","@l":"Error","SourceContext":"Shop.Cart"}"#,
            true,
            "error",
            "Shop.Cart",
            "x",
        ),
        (
            r#"{"version":"1.1","host":"h","short_message":"x","level":3,"timestamp":1795258040.1,"_logger":"shop"}"#,
            true,
            "error",
            "shop",
            "x",
        ),
        (
            r#"{"severity":"ERROR","jsonPayload":{"message":"x","logger":"shop"},"timestamp":"2026-11-21T10:47:20Z"}"#,
            true,
            "error",
            "shop",
            "x",
        ),
        (
            r#"{"severity":"ERROR","textPayload":"x","timestamp":"2026-11-21T10:47:20Z"}"#,
            true,
            "error",
            "",
            "x",
        ),
        (r#"{"level":"error","reason":"bank away"}"#, false, "error", "", "bank away"),
        (r#"{"level":"error","event_text":"disk full"}"#, false, "error", "", "disk full"),
        (r#"{"level":"error","code":7}"#, false, "error", "", r#"{"level":"error","code":7}"#),
        (
            r#"{"severityNumber":17,"body":"x","timeUnixNano":"1795258040123000000"}"#,
            true,
            "error",
            "",
            "x",
        ),
        (
            r#"{"level":"SEVERE","loggerName":"a.B","message":"x","thread":"main","instant":{"epochSecond":1795258040,"nanoOfSecond":1}}"#,
            true,
            "error",
            "a.B",
            "x",
        ),
        (
            r#"{"ProviderName":"Shop","Id":7,"Level":2,"LevelDisplayName":"Error","TimeCreated":"2026-11-21T10:47:20Z","Message":"x","MachineName":"h"}"#,
            true,
            "error",
            "Shop",
            "x",
        ),
        (
            r#"{"SourceName":"Shop","EventID":7,"Level":1,"Message":"x"}"#,
            false,
            "critical",
            "Shop",
            "x",
        ),
        (r#"{"status":"error","message":"x"}"#, false, "error", "", "x"),
        (r#"{"status":500,"message":"x"}"#, false, "info", "", "x"),
        (
            "level=error ts=2026-11-21T10:47:20Z caller=main.go:7 component=web msg=x",
            true,
            "error",
            "web",
            "x",
        ),
        ("logger=context t=2026-11-21T10:47:20Z level=error msg=x", true, "error", "context", "x"),
        (r#"{"level":"error","msg":"x"},"#, false, "error", "", "x"),
    ]);
}

#[test]
fn errors_have_many_forms() {
    for line in [
        r#"{"@t":"2026-11-21T10:47:20Z","@mt":"x","@l":"Error","@x":"ShopException: no card\n   at Shop.Cart.Pay(Int32 id) in /srv/Cart.cs:line 9"}"#,
        r#"{"Level":"Error","RenderedMessage":"x","Exception":"ShopException: no card\n   at Shop.Cart.Pay(Int32 id) in /srv/Cart.cs:line 9"}"#,
        r#"{"message":"x","context":{"exception":{"class":"ShopException","message":"no card","code":0,"file":"/srv/a.php:12"}},"level":400,"level_name":"ERROR"}"#,
        r#"{"level":"ERROR","message":"x","exception":{"exception_class":"ShopException","exception_message":"no card"}}"#,
        r#"{"level":"error","message":"x","errorType":"ShopException","errorMessage":"no card"}"#,
        r#"{"level":"ERROR","message":"x","thrown":{"name":"ShopException","message":"no card"}}"#,
    ] {
        let record = record(line);
        assert_eq!(record.message, "x", "{line}");
        let error = record.error.first().unwrap_or_else(|| panic!("{line}"));
        assert_eq!(
            (error.type_name.as_deref(), error.message.as_str()),
            (Some("ShopException"), "no card"),
            "{line}"
        );
    }
}

#[test]
fn the_place_of_a_record_has_many_forms() {
    for line in [
        r#"{"level":"ERROR","source":{"function":"pay","file":"cart.go","line":12},"msg":"x"}"#,
        r#"{"severity":"ERROR","message":"x","logging.googleapis.com/sourceLocation":{"file":"cart.go","line":"12","function":"pay"}}"#,
        r#"{"level":"error","msg":"x","func":"pay","file":"cart.go:12"}"#,
        "level=error msg=x func=pay caller=cart.go:12",
    ] {
        let location = record(line).location;
        let told = (location.file.as_deref(), location.line, location.function.as_deref());
        assert_eq!(told, (Some("cart.go"), Some(12), Some("pay")), "{line}");
    }
    let other = record(r#"{"level":"error","msg":"x","source":"billing"}"#);
    assert_eq!(other.traits["source"], "billing".into());
}

#[test]
fn the_csv_of_postgres() {
    let session = "2026-11-21 10:47:20.123 CET,\"u\",\"shop\",7,\"[local]\",65ba,1,\"INSERT\",2026-11-21 10:47:00 CET,3/4,0";
    let log = format!(
        "{session},ERROR,23505,\"duplicate key value violates \"\"orders_pkey\"\"\",\"Key (id)=(1) already exists.\",,,,,\"insert into orders\nvalues (1, '\"\"')\",,\"ExecInsert, nodeModify.c:3\",\"psql\",\"client backend\",,0\n{session},LOG,00000,\"ready\",,,,,,,,,\"\"\n"
    );
    let entries = entries(&log);
    assert_eq!(entries.iter().map(|entry| entry.line).collect::<Vec<_>>(), [1, 3]);
    let [error, ready] = entries.as_slice() else { panic!("{entries:#?}") };
    assert_eq!(
        told(&error.record),
        ("error", "postgres", "duplicate key value violates \"orders_pkey\"")
    );
    assert_eq!(
        error.time.map(|time| time.to_string()).as_deref(),
        Some("2026-11-21T09:47:20.123000Z")
    );
    assert_eq!(error.record.error_type(), Some("unique_violation"));
    assert_eq!(error.record.process, Some(7));
    assert_eq!(error.record.location.function.as_deref(), Some("ExecInsert"));
    assert_eq!(error.record.traits["statement"], "insert into orders\nvalues (1, '\"')".into());
    assert_eq!(told(&ready.record), ("info", "postgres", "ready"));
    // A quote that never closes hides no line.
    let broken = format!("{session},\"x\nERROR next\n");
    assert_eq!(self::entries(&broken).len(), 2);
}

#[test]
fn an_object_over_many_lines_is_one_record() {
    let pretty = "{\n  \"level\": \"error\",\n  \"msg\": \"a } b\",\n  \"err\": {\n    \"type\": \"E\",\n    \"list\": [\n      1\n    ]\n  }\n}\n";
    let record = record(pretty);
    assert_eq!(told(&record), ("error", "", "a } b"));
    assert_eq!(record.error[0].type_name.as_deref(), Some("E"));
    let both = format!("{pretty}{{\"level\":\"error\",\"msg\":\"b\"}}\n{pretty}");
    let lines: Vec<_> = entries(&both).iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [1, 11, 12]);
    let wrapped = pretty.lines().map(|line| format!("web-1 | {line}\n")).collect::<String>();
    assert_eq!(super::record(&wrapped).message, "a } b");
    let compact = "{\"level\": \"error\",\n \"msg\": \"x\"}\n";
    assert_eq!(super::record(compact).message, "x");
}

#[test]
fn a_brace_that_never_closes_hides_no_line() {
    let log = "{\nERROR a\n{\"level\":\"error\",\"msg\":\"b\"}\nERROR c\n";
    let items: Vec<_> = ticket_ingest::Reader::new(log.as_bytes(), ticket_ingest::Format::Auto)
        .filter_map(|item| match item.unwrap() {
            ticket_ingest::Item::Entry(entry) => Some(entry.record.message),
            _ => None,
        })
        .collect();
    assert_eq!(items, ["a", "b", "c"]);
}

#[test]
fn a_log_shows_what_its_small_numbers_mean() {
    let log = |levels: &[u32]| {
        levels
            .iter()
            .map(|level| format!("{{\"level\":{level},\"msg\":\"x\"}}\n"))
            .collect::<String>()
    };
    let read = |log: &str| {
        entries(log).iter().map(|entry| entry.record.level.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(
        read(&log(&[1, 0, 3, 1, 4, 2, 1])),
        ["info", "debug", "error", "info", "critical", "warning", "info"]
    );
    assert_eq!(read(&log(&[6, 3, 7, 6, 4])), ["info", "error", "debug", "info", "warning"]);
    assert_eq!(read(&log(&[3])), ["error"]);
    assert_eq!(read(&log(&[2, 2, 4, 5, 1])), ["info", "info", "error", "critical", "debug"]);
    assert_eq!(read(&log(&[30, 50])), ["info", "error"]);
}

#[test]
fn lines_that_nobody_knows_are_told_apart() {
    assert!(!entry("all is well").is_recognized);
    assert!(!entry("{\"a\":1}").is_recognized);
    assert!(entry("{\"msg\":\"x\"}").is_recognized);
    assert!(entry("ERROR x").is_recognized);
    // A time without a date, and the seconds since a system started.
    assert!(entry("10:47:20 x").is_recognized);
    assert!(entry("[    9.341152] x").is_recognized);
}

#[test]
fn messages_and_errors_of_objects_within_the_object() {
    let read = |line: &str| {
        let record = record(line);
        let kind = record.error.first().and_then(|error| error.type_name.clone());
        (record.level.as_str(), record.message.to_string(), kind.map(|kind| kind.to_string()))
    };
    let error = |message: &str, kind: Option<&str>| {
        ("error", message.to_owned(), kind.map(ToOwned::to_owned))
    };
    for (line, expected) in [
        (
            r#"{"time":"2026-11-21T10:47:20Z","level":"Error","properties":{"message":"x","exceptionType":"A.B"}}"#,
            error("x", Some("A.B")),
        ),
        (
            r#"{"timestamp":"2026-11-21T10:47:20Z","severity":"ERROR","payload":{"status":{"code":7,"message":"x"}}}"#,
            error("x", None),
        ),
        (
            r#"{"level":"error","message":"x","exception":{"Exception":"A\\B","Message":"y","Trace":[{"file":"/srv/a.php","line":7,"function":"pay","class":"A\\Cart"}]}}"#,
            error("x", Some("A\\B")),
        ),
        (
            r#"{"severity":"ERROR","message":"x","exception.class":"A::B","exception.message":"y","exception.backtrace":["a.rb:7:in `pay'"]}"#,
            error("x", Some("A::B")),
        ),
        (
            r#"{"severity":"ERROR","message":"x","error_class":"A::B","error_message":"y"}"#,
            error("x", Some("A::B")),
        ),
        (
            r#"{"level":"error","message":"x","stack":["TypeError: y","    at pay (/srv/cart.js:7:3)"]}"#,
            error("x", Some("TypeError")),
        ),
        (
            r#"{"level":"error","message":"x","exceptions":[{"ClassName":"A.B","Message":"y"},{"ClassName":"C","Message":"z"}]}"#,
            error("x", Some("A.B")),
        ),
        (
            r#"{"level":"error","message":"x","throwable":{"className":"a.B","message":"y","stepArray":[{"className":"a.C","methodName":"pay","fileName":"C.java","lineNumber":7}]}}"#,
            error("x", Some("a.B")),
        ),
        (
            r#"{"SeverityText":"ERROR","Body":"x","Attributes":{"exception.type":"A","exception.message":"y"}}"#,
            error("x", Some("A")),
        ),
    ] {
        assert_eq!(read(line), expected, "{line}");
    }
    let chain = record(
        r#"{"level":"error","message":"x","exceptions":[{"ClassName":"A.B","Message":"y"},{"ClassName":"C","Message":"z"}]}"#,
    );
    let chain: Vec<_> = chain.error.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(chain, ["y", "z"]);
    let frames = |line: &str| record(line).backtrace;
    let php = frames(
        r#"{"level":"error","message":"x","exception":{"Exception":"A","Message":"y","Trace":[{"file":"/srv/a.php","line":7,"function":"pay","class":"A\\Cart"}]}}"#,
    );
    assert_eq!((php[0].function.as_str(), php[0].line), ("A\\Cart.pay", Some(7)));
    let zap = record(
        "2026-11-21T10:47:20.123Z\tERROR\tshop\tx\t{\"request\": {\"id\": 7}, \"status\": 502}",
    );
    assert_eq!((zap.message.as_str(), &zap.traits["status"]), ("x", &502.into()));
}

#[test]
fn the_event_viewer_writes_a_property_a_line() {
    let event = |level: &str, id: u32, text: &str| {
        format!(
            "Log Name:      Application\nSource:        Application Error\nDate:          1/21/2026 8:01:56 PM\nEvent ID:      {id}\nTask Category: (100)\nLevel:         {level}\nKeywords:      \nUser:          N/A\nComputer:      web1\nDescription:\n{text}\n"
        )
    };
    let log = event(
        "Error",
        1000,
        "Faulting application name: shop.exe\n\nException code: 0xc0000005\nEvent Xml:\n<Event>\n  <Level>2</Level>\n</Event>",
    ) + &event("Warning", 7, "no card\nLevel: low");
    for (log, count) in [(log.clone(), 2), (log + "2026-01-21 20:02:00 ERROR shop: next\n", 3)] {
        let entries = entries(&log);
        assert_eq!(entries.len(), count, "{entries:#?}");
        let told: Vec<_> = entries.iter().map(|entry| told(&entry.record)).collect();
        let text = "Faulting application name: shop.exe\n\nException code: 0xc0000005";
        assert_eq!(told[0], ("error", "Application Error", text));
        // Behind the description, a name is a part of it.
        assert_eq!(told[1], ("warning", "Application Error", "no card\nLevel: low"));
        let first = &entries[0];
        assert_eq!(first.time.unwrap().to_string(), "2026-01-21T20:01:56.000000Z");
        assert_eq!(first.record.host.as_deref(), Some("web1"));
        let xml = first.record.traits.get("EventXml");
        assert_eq!(xml, Some(&"<Event>\n  <Level>2</Level>\n</Event>".into()));
        assert!(first.record.traits.get("UserId").is_none());
        assert_eq!((entries[1].line, first.is_recognized), (18, true));
    }
}

#[test]
fn the_name_of_a_log_alone_begins_no_event() {
    let entries = entries("Log Name: x\nSource: y\nall fine\nERROR no card\nLog Name: z\n");
    let told: Vec<_> = entries.iter().map(|entry| told(&entry.record)).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert_eq!(told[3], ("error", "", "no card"));
}

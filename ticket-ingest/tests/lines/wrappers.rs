//! Lines in the wrappers of runtimes, syslog, the journal and platforms.

use ticket_core::Record;

use super::{check, entries, record, told};

#[test]
fn what_is_inside_knows_better() {
    for line in [
        r#"{"log":"2024-04-25 05:32:35,600 ERROR shop: x\n","stream":"stderr","time":"2024-04-25T05:32:36Z"}"#,
        "2024-04-25T05:32:36.123456789Z stderr F 2024-04-25 05:32:35,600 ERROR shop: x",
        "2024-04-25T05:32:36.123456789Z 2024-04-25 05:32:35,600 ERROR shop: x",
        "web-1  | 2024-04-25 05:32:35,600 ERROR shop: x",
        "[pod/web-1/app] 2024-04-25 05:32:35,600 ERROR shop: x",
        "Apr 25 05:32:36 n shopd[7]: 2024-04-25 05:32:35,600 ERROR shop: x",
        "<14>Apr 25 05:32:36 n shopd[7]: 2024-04-25 05:32:35,600 ERROR shop: x",
        "<14>1 2024-04-25T05:32:36Z n shopd 7 - [a@1 b=\"c]\\\"d\"] 2024-04-25 05:32:35,600 ERROR shop: x",
        r#"{"__REALTIME_TIMESTAMP":"1714023156000000","PRIORITY":"6","MESSAGE":"2024-04-25 05:32:35,600 ERROR shop: x"}"#,
        "2024-04-25T05:32:36.12+0000 [APP/PROC/WEB/0] OUT 2024-04-25 05:32:35,600 ERROR shop: x",
        "2024-04-25T05:32:36.123456+00:00 app[web.1]: 2024-04-25 05:32:35,600 ERROR shop: x",
        // Two layers
        "Apr 25 05:32:36 n docker[7]: web-1 | 2024-04-25 05:32:35,600 ERROR shop: x",
        r#"{"log":"web | 2024-04-25 05:32:35,600 ERROR shop: x\n","stream":"stderr","time":"2024-04-25T05:32:36Z"}"#,
        // The message of an object that states no level
        r#"{"timestamp":"2024-04-25T05:32:36Z","message":"2024-04-25 05:32:35,600 ERROR shop: x"}"#,
    ] {
        let entry = super::entry(line);
        assert_eq!(told(&entry.record), ("error", "shop", "x"), "{line}");
        let time = entry.time.map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2024-04-25T05:32:35.600000Z"), "{line}");
    }
}

#[test]
fn wrappers_say_what_the_line_does_not() {
    let docker = record(r#"{"log":"ERROR x\n","stream":"stderr","time":"2024-04-25T05:32:36Z"}"#);
    assert_eq!(docker.traits["stream"], "stderr".into());
    assert_eq!(docker.time.to_string(), "2024-04-25T05:32:36.000000Z");
    let compose = record("web-1  | {\"level\":\"error\",\"msg\":\"x\"}");
    assert_eq!((told(&compose), &compose.traits["source"]), (("error", "", "x"), &"web-1".into()));
    let syslog =
        record("Oct 29 13:16:48 n kubelet[4919]: E1029 13:16:48.471488 4919 pod.go:182] x");
    assert_eq!((told(&syslog), syslog.host.as_deref()), (("error", "kubelet", "x"), Some("n")));
    assert_eq!(
        (syslog.location.file.as_deref(), syslog.location.line),
        (Some("pod.go"), Some(182))
    );
    let forwarded = record("<11>1 2026-11-21T10:47:20Z web1 shopd web.1 - [a@1 user=\"17\"] x");
    assert_eq!(told(&forwarded), ("error", "shopd", "x"));
    assert_eq!(forwarded.traits["a@1.user"], "17".into());
    let shipped = record(
        r#"{"log":"ERROR x","stream":"stderr","kubernetes":{"pod_name":"web-1","labels":{"a":"b"}}}"#,
    );
    assert_eq!((told(&shipped), &shipped.traits["source"]), (("error", "", "x"), &"web-1".into()));
    assert_eq!(shipped.traits["kubernetes.labels.a"], "b".into());
    let named = record("Nov 21 10:47:20 web1 shopd[7]: ERROR shop.cart: x");
    assert_eq!(
        (told(&named), &named.traits["program"]),
        (("error", "shop.cart", "x"), &"shopd".into())
    );
}

#[test]
fn lines_of_syslog_in_many_forms() {
    check(&[
        (
            "Nov 21 10:47:20 web1 postfix/smtpd[77]: warning: x",
            true,
            "warning",
            "postfix/smtpd",
            "x",
        ),
        ("Nov 21 10:47:20 web1 kernel: [12345.678901] x", true, "info", "kernel", "x"),
        ("Nov 21 10:47:20 web1 CRON[77]: (root) CMD (x)", true, "info", "CRON", "(root) CMD (x)"),
        ("Nov 21 2026 10:47:20 web1 shopd[77]: error: x", true, "error", "shopd", "x"),
        ("Dez  1 10:47:20 web1 shopd[77]: error: x", true, "error", "shopd", "x"),
        ("mai 21 10:47:20 web1 shopd[77]: error: x", true, "error", "shopd", "x"),
        ("2026-11-21T10:47:20.123456+00:00 web1 systemd: x", true, "info", "systemd", "x"),
        ("2026-11-21T10:47:20+0100 web1 shopd[7]: error: x", true, "error", "shopd", "x"),
        (
            "Nov 21 10:47:20 web1 nginx: 2026/11/21 10:47:20 [error] 12#34: *5 x",
            true,
            "error",
            "nginx",
            "x",
        ),
        (
            "Nov 21 10:47:20 web1 shopd[77]: {\"level\":\"error\",\"msg\":\"x\"}",
            true,
            "error",
            "shopd",
            "x",
        ),
        ("Nov 21 10:47:20 web1 shopd[77]: level=error msg=x", true, "error", "shopd", "x"),
        ("<3>x", false, "error", "", "x"),
        ("<30>Nov 21 10:47:20 docker/web[12]: ERROR x", true, "error", "docker/web", "x"),
        (
            "2026-11-21T10:47:20.123456+00:00 heroku[router]: at=error code=H12 desc=\"Request timeout\" method=GET path=/ status=503",
            true,
            "error",
            "heroku",
            "Request timeout",
        ),
        ("2026-11-21T10:47:20.12+0100 [APP/PROC/WEB/0] ERR x", true, "error", "", "x"),
    ]);
}

#[test]
fn the_parts_of_a_long_line_are_joined() {
    let log = "2024-04-25T05:32:36.1Z stdout P ERROR shop: a\n2024-04-25T05:32:36.2Z stdout P b\n2024-04-25T05:32:36.3Z stdout F c\n2024-04-25T05:32:36.4Z stdout F ERROR d\n";
    let messages: Vec<_> = entries(log).into_iter().map(|entry| entry.record.message).collect();
    assert_eq!(messages, ["shop: abc", "d"]);
    let docker = "{\"log\":\"ERROR a\",\"stream\":\"stdout\",\"time\":\"2024-04-25T05:32:36Z\"}\n{\"log\":\"b\\n\",\"stream\":\"stdout\",\"time\":\"2024-04-25T05:32:36Z\"}\n";
    assert_eq!(record(docker).message, "ab");
}

#[test]
fn a_trace_whose_lines_are_all_wrapped_is_one_record() {
    let trace = [
        "ERROR cannot pay",
        "Traceback (most recent call last):",
        "  File \"/srv/a.py\", line 1, in pay",
        "    charge()",
        "ValueError: no card",
    ];
    let wrap = |before: &str, after: &str| {
        trace
            .map(|line| {
                format!(
                    "{before}{}{after}\n",
                    line.replace('"', if after.is_empty() { "\"" } else { "\\\"" })
                )
            })
            .concat()
    };
    for log in [
        wrap("web-1  | ", ""),
        wrap("2024-04-25T05:32:36.123456789Z stderr F ", ""),
        wrap("2024-04-25T05:32:36.123456789Z ", ""),
        wrap("Nov 21 10:47:20 web1 shopd[7]: ", ""),
        wrap("2024-04-25T05:32:36.12+0000 [APP/PROC/WEB/0] ERR ", ""),
        wrap("{\"log\":\"", "\\n\",\"stream\":\"stderr\",\"time\":\"2024-04-25T05:32:36Z\"}"),
        wrap(
            "{\"__REALTIME_TIMESTAMP\":\"1714023156000000\",\"PRIORITY\":\"3\",\"_PID\":\"7\",\"MESSAGE\":\"",
            "\"}",
        ),
    ] {
        let record = record(&log);
        assert_eq!(record.message, "cannot pay", "{log}");
        assert_eq!(record.error[0].type_name.as_deref(), Some("ValueError"), "{log}");
        assert_eq!(record.backtrace[0].function, "pay", "{log}");
    }
}

#[test]
fn lines_of_another_program_do_not_continue_a_record() {
    let log = "Nov 21 10:47:20 web1 shopd[7]: ERROR cannot pay\nNov 21 10:47:20 web1 cartd[8]:   at once\n";
    let messages: Vec<_> = entries(log).into_iter().map(|entry| entry.record.message).collect();
    assert_eq!(messages, ["cannot pay", "at once"]);
}

#[test]
fn an_entry_of_the_journal_may_have_several_lines() {
    let record = record(
        r#"{"__REALTIME_TIMESTAMP":"1714023156000000","PRIORITY":"3","SYSLOG_IDENTIFIER":"shopd","MESSAGE":"cannot pay\nTraceback (most recent call last):\n  File \"/srv/a.py\", line 1, in pay\nValueError: no card"}"#,
    );
    assert_eq!(told(&record), ("error", "shopd", "cannot pay"));
    assert_eq!(record.error[0].type_name.as_deref(), Some("ValueError"));
}

#[test]
fn traces_of_two_containers_that_alternate_are_two_records() {
    let trace = |name: &str| {
        [
            format!("ERROR {name}"),
            "Traceback (most recent call last):".to_owned(),
            format!("  File \"/srv/{name}.py\", line 1, in {name}"),
            format!("ValueError: {name}"),
        ]
    };
    let (a, b) = (trace("a"), trace("b"));
    let log: String =
        a.iter().zip(&b).map(|(a, b)| format!("web-1 | {a}\ndb-1  | {b}\n")).collect();
    let entries = entries(&log);
    let told: Vec<_> = entries
        .iter()
        .map(|entry| (entry.line, entry.record.message.as_str(), entry.record.backtrace.len()))
        .collect();
    assert_eq!(told, [(1, "a", 1), (2, "b", 1)]);
}

#[test]
fn the_export_format_of_the_journal() {
    let log = "__CURSOR=s=1;i=1\n__REALTIME_TIMESTAMP=1795258040123456\nPRIORITY=3\nSYSLOG_IDENTIFIER=shop\n_PID=7\nMESSAGE=x\n\n__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1795258041123456\nPRIORITY=6\nSYSLOG_IDENTIFIER=shop\nMESSAGE=2026-11-21 10:47:21,123 ERROR shop.cart: y\n";
    let entries = entries(log);
    let told: Vec<_> = entries.iter().map(|entry| told(&entry.record)).collect();
    assert_eq!(told, [("error", "shop", "x"), ("error", "shop.cart", "y")]);
    assert!(entries.iter().all(|entry| entry.time.is_some()));
    assert_eq!(entries[0].record.process, Some(7));
}

/// The bytes of a length may be line breaks, and no UTF-8.
#[test]
fn values_of_several_lines_in_the_export_format_of_the_journal() {
    let head = b"__REALTIME_TIMESTAMP=1795258040123456\nPRIORITY=3\nSYSLOG_IDENTIFIER=shop\n";
    let trace = "Traceback (most recent call last):\n  File \"/srv/cart.py\", line 9, in pay\n\n";
    let messages = [120, 200, 0x010A, 0x0A28, 0x0A0A].map(|length| {
        let text = format!("cannot pay\n{trace}KeyError: a=1 ");
        let rest = "x".repeat(length - text.len());
        text + &rest
    });
    let mut log = Vec::new();
    let value = |name: &str, text: &str| {
        [format!("{name}\n").as_bytes(), &(text.len() as u64).to_le_bytes(), text.as_bytes(), b"\n"]
            .concat()
    };
    for (at, message) in messages.iter().enumerate() {
        let has_whole_length = !message.len().to_le_bytes().contains(&b'\n');
        log.extend_from_slice(format!("__CURSOR=s=1;i={at}\n").as_bytes());
        // One in front of another field, and where the length shows that the other has ended, two at the end.
        log.extend_from_slice(&value("_CMDLINE", trace));
        log.extend_from_slice(head);
        if has_whole_length {
            log.extend_from_slice(&value("OTHER", trace));
        }
        log.extend_from_slice(&value("MESSAGE", message));
        log.push(b'\n');
    }
    let entries = entries(log);
    assert_eq!(entries.len(), messages.len());
    for (entry, message) in entries.iter().zip(&messages) {
        let Record { error, backtrace, traits, .. } = &entry.record;
        assert_eq!(told(&entry.record), ("error", "shop", "cannot pay"));
        let (_, text) = message.split_once("KeyError: ").unwrap();
        assert_eq!((error[0].type_name.as_deref(), &*error[0].message), (Some("KeyError"), text));
        assert_eq!((backtrace.len(), backtrace[0].line), (1, Some(9)));
        assert!(traits["_CMDLINE"].to_string().ends_with("in pay"), "{traits:?}");
    }
}

#[test]
fn wrappers_that_are_indented_and_categories_within_them() {
    check(&[
        ("   2026-11-21T10:47:20.12+0000 [APP/PROC/WEB/0] ERR x", true, "error", "", "x"),
        ("<3>Shop.Cart[7] x", false, "error", "Shop.Cart", "x"),
        ("Nov 21 10:47:20 mail dovecot: imap(bob)<12><ab>: Error: x", true, "error", "imap", "x"),
    ]);
}

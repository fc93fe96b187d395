//! Any combination of wrapper, time, level and separator is read back.

use proptest::prelude::*;
use ticket_core::Level;

use super::entries;

/// Forms of 2026-11-21 10:47:20 UTC.
const TIMES: [&str; 17] = [
    "2026-11-21T10:47:20Z",
    "2026-11-21T10:47:20.000000Z",
    "2026-11-21T11:47:20+01:00",
    "2026-11-21 10:47:20",
    "2026-11-21 10:47:20,000",
    "2026-11-21 10:47:20.000 UTC",
    "2026/11/21 10:47:20",
    "20261121 10:47:20",
    "11/21/2026 10:47:20",
    "11/21/2026 10:47:20 AM",
    "21.11.2026 10:47:20",
    "21-Nov-2026 10:47:20.000",
    "21/Nov/2026:10:47:20 +0000",
    "21 Nov 2026 10:47:20",
    "Sat Nov 21 10:47:20 2026",
    "Nov 21, 2026 10:47:20 AM",
    "Sat, 21 Nov 2026 10:47:20 GMT",
];

const LEVELS: [(&str, Level); 16] = [
    ("ERROR", Level::Error),
    ("error", Level::Error),
    ("Error", Level::Error),
    ("ERR", Level::Error),
    ("SEVERE", Level::Error),
    ("FATAL", Level::Critical),
    ("CRITICAL", Level::Critical),
    ("CRIT", Level::Critical),
    ("WARN", Level::Warning),
    ("warning", Level::Warning),
    ("WRN", Level::Warning),
    ("INFO", Level::Info),
    ("Information", Level::Info),
    ("DEBUG", Level::Debug),
    ("NOTICE", Level::Notice),
    ("TRACE", Level::Trace),
];

const CHANNELS: [&str; 6] =
    ["shop.cart", "com.shop.Cart", "shop::cart", "Shop.Cart.Pay", "c.s.Cart", "o.a.c.Foo_Bar"];

const MESSAGES: [&str; 8] = [
    "cannot pay",
    "x",
    "Cannot pay: no card",
    "connect to 10.0.0.1:443 failed (111)",
    "user 'bob' has 3 items = 7.50",
    "\"quoted\" text",
    "<nil> pointer",
    "an ERROR in the middle, 2026-11-22 00:00:00",
];

/// Heads with `T`, `L`, `C` and `M` for time, level, channel and message.
const HEADS: [&str; 19] = [
    "T L C: M",
    "T L C - M",
    "T [L] C: M",
    "[T] L C: M",
    "[T] [L] C: M",
    "[T] [L] [C] M",
    "[T][L][C] M",
    "T - C - L - M",
    "T | L | C | M",
    "T|L|C|M",
    "T\tL\tC\tM",
    "T L [main] C - M",
    "T [main] L C - M",
    "T L [C] M",
    "L [T] C: M",
    "[L] T C: M",
    "T L 7 --- [main] C : M",
    "[T L C] M",
    "T (main) L: [C] M",
];

/// Wrappers with `@` for the line.
const WRAPPERS: [&str; 11] = [
    "@",
    "web-1  | @",
    "2026-11-21T10:47:21.123456789Z stdout F @",
    "2026-11-21T10:47:21.123456789Z @",
    "Nov 21 10:47:21 web1 shopd[7]: @",
    "<14>1 2026-11-21T10:47:21Z web1 shopd 7 - - @",
    "2026-11-21T10:47:21.123456+00:00 app[web.1]: @",
    "2026-11-21T10:47:21.12+0000 [APP/PROC/WEB/0] ERR @",
    "\u{1b}[2m@\u{1b}[0m",
    "{\"log\":\"@\\n\",\"stream\":\"stderr\",\"time\":\"2026-11-21T10:47:21Z\"}",
    "{\"__REALTIME_TIMESTAMP\":\"1795258041000000\",\"PRIORITY\":\"6\",\"MESSAGE\":\"@\"}",
];

fn wrap(wrapper: &str, line: &str) -> String {
    let line = if wrapper.starts_with('{') {
        line.replace('"', "\\\"").replace('\t', "\\t")
    } else {
        line.to_owned()
    };
    wrapper.replace('@', &line)
}

/// Checks that two such lines are two records with these parts.
fn check(
    wrappers: &[&str],
    head: &str,
    time: &str,
    level: (&str, Level),
    channel: &str,
    message: &str,
) {
    let line: String = head
        .chars()
        .map(|c| match c {
            'T' => time.to_owned(),
            'L' => level.0.to_owned(),
            'C' => channel.to_owned(),
            'M' => message.to_owned(),
            other => other.to_string(),
        })
        .collect();
    let line = wrappers.iter().fold(line, |line, wrapper| wrap(wrapper, &line));
    let entries = entries(format!("{line}\n{line}\n"));
    assert_eq!(entries.len(), 2, "{line}");
    for entry in entries {
        let record = entry.record;
        let told = (record.level, record.channel.as_str(), record.message.as_str());
        assert_eq!(told, (level.1, channel, message), "{line}");
        let time = entry.time.map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2026-11-21T10:47:20.000000Z"), "{line}");
    }
}

#[test]
fn each_head_is_read_with_each_time_and_level() {
    for head in HEADS {
        for time in TIMES {
            for level in LEVELS {
                check(&[], head, time, level, "shop.cart", "cannot pay");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_combination_is_read_back(
        outer in proptest::sample::select(&WRAPPERS[..]),
        inner in proptest::sample::select(&WRAPPERS[..]),
        head in proptest::sample::select(&HEADS[..]),
        time in proptest::sample::select(&TIMES[..]),
        level in proptest::sample::select(&LEVELS[..]),
        channel in proptest::sample::select(&CHANNELS[..]),
        message in proptest::sample::select(&MESSAGES[..]),
    ) {
        // An object in an object has other quotes.
        let inner = if outer.starts_with('{') && inner.starts_with('{') { "@" } else { inner };
        check(&[inner, outer], head, time, level, channel, message);
    }
}

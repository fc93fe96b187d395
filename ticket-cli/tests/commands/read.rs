//! `list`, `show`, `occurrences`, `stats`.

use std::collections::BTreeSet;

use ticket_core::{Level, Record};

use crate::store::{Place, five, full, id, record};

fn messages(place: &Place, arguments: &[&str]) -> Vec<String> {
    place.texts("message", &[&["list"], arguments].concat())
}

#[test]
fn list_shows_the_open_tickets_the_latest_first() {
    let place = Place::with(five());
    let output = place.output(&["list"]);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines.len(), 6, "{output}");
    assert!(lines[0].starts_with("ID        LEVEL     COUNT  LAST     24 HOURS"), "{output}");
    assert!(lines[1].contains("error         2  3m ago"), "{output}");
    assert!(lines[1].contains("connection lost"), "{output}");
    assert!(
        lines[1].contains("shop  ") && lines[5].contains("post  "),
        "two applications: {output}"
    );
    assert!(lines[1].contains(['█', '▁']), "a chart: {output}");
    let expected = ["connection lost", "unusual login", "slow answer", "panicked", "no route"];
    assert_eq!(messages(&place, &[]), expected);
}

/// Covers a user who may read the store's file, but write neither it nor its folder.
#[cfg(unix)]
#[test]
fn a_store_that_may_only_be_read_is_listed() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::time::{Duration, Instant};

    let place = Place::with(five());
    let start = Instant::now();
    while place.path().join("tickets.db-wal").exists() {
        assert!(start.elapsed() < Duration::from_secs(30), "the store is still open");
        std::thread::sleep(Duration::from_millis(10));
    }
    let ticket = place.path().join("ticket");
    fs::copy(assert_cmd::cargo_bin!("ticket"), &ticket).unwrap();
    let set_mode =
        |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    set_mode(&place.path().join("tickets.db"), 0o444);
    set_mode(place.path(), 0o555);
    let mut list = std::process::Command::new(ticket);
    if fs::metadata(place.path()).unwrap().uid() == 0 {
        // Permissions do not apply to root.
        list.uid(65_534);
    }
    list.args(["--url", "sqlite:tickets.db", "list"]).current_dir(place.path());
    let output = list.output();
    set_mode(place.path(), 0o755);
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("connection lost"));
}

#[test]
fn list_applies_its_filters() {
    let place = Place::with(five());
    let cases: [(&[&str], &[&str]); 13] = [
        (&["--level", "critical"], &["panicked"]),
        (&["--level", "CRITICAL"], &["panicked"]),
        (&["--level", "err", "--app", "shop"], &["connection lost", "panicked"]),
        (&["--channel", "db"], &["connection lost"]),
        (&["--search", "LOGIN"], &["unusual login"]),
        (&["--since", "10m"], &["connection lost", "unusual login"]),
        (&["--since", "2000-01-01T00:00:00Z", "--channel", "mail"], &["no route"]),
        (&["--release", "1.0"], &["slow answer"]),
        (&["--environment", "staging"], &["unusual login"]),
        (&["--status", "solved"], &[]),
        (&["--status", "all", "--limit", "1"], &["connection lost"]),
        (&["--app", "post"], &["no route"]),
        (&["--app", "nobody"], &[]),
    ];
    for (arguments, expected) in cases {
        assert_eq!(messages(&place, arguments), expected, "{arguments:?}");
    }
}

#[test]
fn list_sorts_by_each_key_and_in_reverse() {
    let place = Place::with(five());
    let cases = [
        ("last", "connection lost", "no route"),
        ("first", "unusual login", "no route"),
        ("count", "slow answer", ""),
        ("level", "panicked", "unusual login"),
        ("channel", "unusual login", "panicked"),
    ];
    for (key, first, last) in cases {
        let mut found = messages(&place, &["--sort", key]);
        assert_eq!(found[0], first, "{key}");
        assert!(last.is_empty() || found[4] == last, "{key}: {found:?}");
        found.reverse();
        assert_eq!(messages(&place, &["--sort", key, "--reverse"]), found, "{key}");
    }
}

fn many(count: usize) -> Vec<Record> {
    // Names use letters, because those that differ only in a number would share a ticket.
    let name = |index: usize| {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("{}{}{}", letter(index / 676), letter(index / 26), letter(index))
    };
    (0..count).map(|i| record(Level::Error, &name(i), "failed", 100 + i as u64)).collect()
}

#[test]
fn pages_follow_each_other() {
    let place = Place::with(many(7));
    let mut seen = Vec::new();
    let mut after = None;
    for page in 1.. {
        let mut arguments = vec!["list", "--json", "--limit", "3"];
        let cursor: String;
        if let Some(text) = &after {
            cursor = String::clone(text);
            arguments.extend(["--after", &cursor]);
        }
        let assert = place.ticket(&arguments).assert().success();
        let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        seen.extend(output.lines().map(str::to_owned));
        let said = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
        let next = said.trim_end().strip_prefix("next page: --after ");
        after = next.map(str::to_owned);
        assert_eq!(after.is_some(), page < 3, "page {page}: {said:?}");
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7);
}

#[test]
fn a_limit_may_be_larger_than_a_page_of_the_store() {
    let place = Place::with(many(2_100));
    assert_eq!(place.json(&["list", "--limit", "5000"]).len(), 2_100);
    assert_eq!(place.json(&["list", "--limit", "1001"]).len(), 1_001);
}

#[test]
fn hostile_text_stays_on_its_line_and_does_not_act_on_the_terminal() {
    let evil = "\u{1b}[2J\u{1b}]0;title\u{7}\u{202e}\u{9b}31m\nsecond line\u{200b}";
    let place = Place::with(vec![
        record(Level::Error, evil, evil, 10)
            .with_app_id(evil)
            .with_trait(evil, evil)
            .with_release(evil),
    ]);
    let id = place.texts("id", &["list"]).remove(0);
    let commands: [&[&str]; 8] = [
        &["list"],
        &["show", &id],
        &["occurrences", &id],
        &["find"],
        &["types"],
        &["traits", evil],
        &["traits", evil, "--name", evil],
        &["stats"],
    ];
    for command in commands {
        for json in [&[] as &[&str], &["--json"]] {
            let output = place.output(&[command, json].concat());
            assert!(output.contains("\\u"), "{command:?} {output}");
            let bad = |c: char| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c));
            assert!(!output.contains(bad), "{command:?} {output:?}");
        }
    }
    assert_eq!(place.output(&["list"]).lines().count(), 2);
    assert_eq!(place.texts("message", &["list"]), [evil], "JSON loses nothing");
    // Error messages are sanitized too.
    let (_, said) = place.failure(&["show", &"0".repeat(32), "--app", evil]);
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn show_prints_everything_about_a_ticket() {
    let place = Place::with(vec![full()]);
    let id = id(&full()).to_string();
    let output = place.output(&["show", &id[..6]]);
    for part in [
        "error  payment 4711 refused",
        &id,
        "src/pay.rs:42",
        "(3m ago)",
        "release 1.4.0",
        "PaymentError: refused",
        "caused by  insufficient funds",
        "user_id  42",
        "path     \"/api\"",
        "method  POST",
        "card read",
        "checkout",
        "▶ shop::pay",
        "  std::panicking::catch",
        "24 hours  ",
        "30 days   ",
        "payment <*> <error>",
    ] {
        assert!(output.contains(part), "{part:?} is missing:\n{output}");
    }
    let json = place.json(&["show", &id]);
    assert_eq!(json.len(), 1, "one object");
    assert_eq!(json[0]["id"], id.as_str());
    assert_eq!(json[0]["location"]["line"], 42);
    assert_eq!(json[0]["last_24_hours"].as_array().unwrap().len(), 24);
    assert_eq!(json[0]["last_30_days"].as_array().unwrap().len(), 30);
    assert_eq!(
        json[0]["last_24_hours"][23]["count"].as_u64().unwrap()
            + json[0]["last_24_hours"][22]["count"].as_u64().unwrap(),
        1
    );
    assert_eq!(json[0]["occurrences"][0]["traits"]["user_id"], 42);
    assert_eq!(json[0]["occurrences"][0]["error"][0]["type"], "PaymentError");
}

#[test]
fn show_lists_the_requested_number_of_occurrences() {
    let records = (0..9).map(|i| record(Level::Error, "db", "lost", 100 * (i + 1))).collect();
    let place = Place::with(records);
    let id = place.texts("id", &["list"]).remove(0);
    let occurrences = |count: &str| {
        let json = place.json(&["show", &id, "--occurrences", count]);
        json[0]["occurrences"].as_array().unwrap().len()
    };
    assert_eq!([occurrences("0"), occurrences("2"), occurrences("1000")], [0, 2, 9]);
    let output = place.output(&["show", &id, "--occurrences", "0"]);
    assert!(
        output.contains("NEWEST OCCURRENCE\n") && !output.contains("NEWEST OCCURRENCES"),
        "{output}"
    );
}

#[test]
fn an_unknown_or_ambiguous_id_is_an_error() {
    // 17 tickets: two of them begin with the same digit.
    let records = many(17);
    let mut ids: Vec<String> = records.iter().map(|record| id(record).to_string()).collect();
    ids.sort();
    let twice = ids.windows(2).find(|pair| pair[0][..1] == pair[1][..1]).unwrap();
    let place = Place::with(records);
    let (code, said) = place.failure(&["show", &twice[0][..1]]);
    assert_eq!(code, 1);
    assert!(
        said.contains("several tickets") && said.contains(&twice[0]) && said.contains(&twice[1]),
        "{said}"
    );
    let (code, said) = place.failure(&["show", &"0".repeat(32)]);
    assert_eq!(code, 1);
    assert!(said.contains("no ticket has an id that starts with this"), "{said}");
    let (code, said) = place.failure(&["show", &twice[0], "--app", "other"]);
    assert_eq!(code, 1);
    assert!(said.contains("no ticket of \"other\""), "{said}");
    let (code, said) = place.failure(&["show", "xyz"]);
    assert_eq!(code, 2);
    assert!(said.contains("hexadecimal"), "{said}");
}

#[test]
fn occurrences_are_listed_by_time() {
    let records =
        (1..=3).map(|i| record(Level::Error, "db", &format!("lost {i}"), 100 * i)).collect();
    let place = Place::with(records);
    let id = place.texts("id", &["list"]).remove(0);
    assert_eq!(place.texts("message", &["occurrences", &id]), ["lost 1", "lost 2", "lost 3"]);
    assert_eq!(
        place.texts("message", &["occurrences", &id, "--reverse", "--limit", "1"]),
        ["lost 3"]
    );
    let output = place.output(&["occurrences", &id[..5]]);
    assert_eq!(output.lines().count(), 4, "{output}");
    place
        .ticket(&["occurrences", &id, "--limit", "2"])
        .assert()
        .success()
        .stderr(predicates::str::starts_with("next page: --after occurrence-desc."));
}

#[test]
fn stats_count_tickets_and_occurrences() {
    let place = Place::with(five());
    place.output(&["solve", &place.texts("id", &["list", "--channel", "worker"])[0]]);
    let stats = place.json(&["stats"]).remove(0);
    assert_eq!(stats["tickets"], serde_json::json!({"open": 4, "solved": 1, "muted": 0}));
    assert_eq!(
        stats["levels"][0],
        serde_json::json!({"level": "critical", "open": 0, "solved": 1, "muted": 0})
    );
    assert_eq!(stats["levels"][1]["open"], 2);
    assert_eq!(stats["occurrences"]["last_7_days"], 8);
    assert_eq!(stats["top"][0]["message"], "slow answer");
    let output = place.output(&["stats", "--app", "post"]);
    assert!(
        output.contains("error       1       0      0") && output.contains("last 7 days    1"),
        "{output}"
    );
    assert!(!output.contains("slow answer"), "{output}");
}

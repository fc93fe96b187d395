//! `solve`, `reopen`, `mute`, `delete`, `expire`.

use predicates::str::contains;
use ticket_core::Level;

use crate::store::{Place, five, record};

fn ids(place: &Place) -> Vec<String> {
    place.texts("id", &["list", "--status", "all", "--sort", "channel"])
}

fn statuses(place: &Place) -> Vec<String> {
    place.texts("status", &["list", "--status", "all", "--sort", "channel"])
}

#[test]
fn tickets_are_solved_reopened_and_muted() {
    let place = Place::with(five());
    let ids = ids(&place);
    let output = place.output(&["solve", &ids[0][..8], &ids[1], "--release", "2.0"]);
    assert!(output.contains("solved by release 2.0  unusual login"), "{output}");
    assert_eq!(output.lines().count(), 2);
    let output = place.output(&["mute", &ids[2], "--for", "2h"]);
    assert!(output.contains("muted until") && output.contains("(in 2h)"), "{output}");
    place.output(&["mute", &ids[3]]);
    assert_eq!(statuses(&place), ["solved", "solved", "muted", "muted", "open"]);

    let solved = place.json(&["list", "--status", "solved"]).remove(0);
    assert_eq!(solved["solved_release"], "2.0");
    assert!(solved["solved_at"].as_str().unwrap().ends_with('Z'));
    let muted = place.json(&["list", "--status", "muted", "--channel", "db"]).remove(0);
    assert!(muted["muted_until"].is_string());

    assert_eq!(place.texts("status", &["reopen", &ids[0], &ids[2]]), ["open", "open"]);
    assert_eq!(statuses(&place), ["open", "solved", "open", "muted", "open"]);
    let table = place.output(&["list", "--status", "all"]);
    assert!(table.contains("STATUS") && table.contains("muted"), "{table}");

    // A new occurrence reopens a solved ticket.
    place.record(vec![record(Level::Warning, "cache", "slow answer", 0)]);
    let back = place.json(&["list", "--channel", "cache"]).remove(0);
    assert_eq!((&back["status"], &back["reopened_count"]), (&"open".into(), &1.into()));
    assert!(place.output(&["show", &ids[1]]).contains("reopened once after it was solved"));
}

#[test]
fn a_ticket_is_solved_by_the_release_after_the_latest_one() {
    let of = |message: &str, release: &str, seconds_ago| {
        record(Level::Error, "cart", message, seconds_ago).with_release(release)
    };
    let place = Place::with(vec![of("it failed", "1.3.0", 20), of("other", "1.10.0", 10)]);
    let id = place.texts("id", &["list", "--search", "it failed"]).remove(0);
    let output = place.output(&["solve", &id, "--next-release"]);
    assert!(output.contains("solved by the release after 1.10.0  it failed"), "{output}");
    let solved = place.json(&["list", "--status", "solved"]).remove(0);
    assert_eq!(solved["solved_release"], serde_json::Value::Null);
    assert_eq!(solved["solved_after_release"], "1.10.0");
    assert!(place.output(&["show", &id]).contains(", by the release after 1.10.0"));

    // Occurrences after the solving: the first two are of releases without the fix.
    for (release, status) in [("1.9.9", "solved"), ("1.10.0", "solved"), ("1.10.1", "open")] {
        place.record(vec![of("it failed", release, 0)]);
        assert_eq!(
            place.texts("status", &["list", "--status", "all", "--search", "it failed"]),
            [status]
        );
    }
    let (code, said) = place.failure(&["solve", &id, "--next-release", "--release", "1.4.0"]);
    assert!(code == 2 && said.contains("--next-release"), "{said}");
}

#[test]
fn without_any_release_the_next_one_is_unknown_and_the_command_says_so() {
    let place = Place::with(vec![record(Level::Error, "cart", "it failed", 10)]);
    let id = place.texts("id", &["list"]).remove(0);
    let assert = place.ticket(&["solve", &id, "--next-release"]).assert().success();
    let output = assert.get_output();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("never seen in a release"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("solved  it failed"));
}

#[test]
fn decisions_and_notes_are_shown_with_who_made_them() {
    let place = Place::with(five());
    let ids = ids(&place);
    place.output(&["solve", &ids[0], "--release", "2.0", "--by", "ada"]);
    let output =
        place.output(&["note", &ids[0], "see password=swordfish\nin the wiki", "--by", "brian"]);
    assert!(output.contains("noted  unusual login"), "{output}");
    place.ticket(&["mute", &ids[0]]).env("LOGNAME", "carol").assert().success();
    place.output(&["reopen", &ids[0], "--by", "dan"]);

    let shown = place.json(&["show", &ids[0]]).remove(0);
    let history = shown["history"].as_array().unwrap();
    let told: Vec<_> = history.iter().map(|entry| (&entry["event"], &entry["by"])).collect();
    let expected = [("reopened", "dan"), ("muted", "carol"), ("noted", "brian"), ("solved", "ada")]
        .map(|(a, b)| (serde_json::Value::from(a), serde_json::Value::from(b)));
    assert_eq!(told, expected.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>());
    assert_eq!(history[2]["note"], "see password=<redacted>\nin the wiki");
    assert_eq!(history[3]["solved_release"], "2.0");
    let text = place.output(&["show", &ids[0]]);
    for line in
        ["solved in release 2.0 by ada", "noted by brian\n  see password=<redacted>\n  in the wiki"]
    {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(
        place.json(&["show", &ids[0], "--history", "1"])[0]["history"].as_array().unwrap().len(),
        1
    );
    assert!(!place.output(&["show", &ids[0], "--history", "0"]).contains("HISTORY"));

    let noted = place.json(&["note", &ids[1], "text"]);
    assert_eq!(noted, [serde_json::json!({"id": ids[1], "noted": true})]);
    let (code, said) = place.failure(&["note", &ids[1], " "]);
    assert!(code == 2 && said.contains("write what is to be noted"), "{said}");
    let (code, said) = place.failure(&["note", &"0".repeat(32), "text"]);
    assert!(code == 1 && said.contains("no ticket has an id"), "{said}");
}

#[test]
fn merged_tickets_are_one_until_they_are_unmerged() {
    let place = Place::with(five());
    let ids = ids(&place);
    let count = |id: &str| place.json(&["show", id])[0]["occurrence_count"].as_u64().unwrap();
    let all: u64 = ids[..3].iter().map(|id| count(id)).sum();
    let output = place.output(&["merge", &ids[0], &ids[1][..8], &ids[2], "--by", "ada"]);
    assert!(output.contains(&format!("{all} occurrences")), "{output}");
    assert_eq!(count(&ids[0]), all);
    assert_eq!(place.json(&["list"]).len(), 3);
    let shown = place.output(&["show", &ids[0]]);
    assert!(shown.contains(&format!("merged {} by ada", ids[1])), "{shown}");
    let history = &place.json(&["show", &ids[0]])[0]["history"];
    assert_eq!(
        (&history[0]["event"], &history[0]["ticket_id"]),
        (&"merged".into(), &ids[2].clone().into())
    );

    // The same problem as before the merge: "slow answer" is one of the merged tickets.
    place.record(vec![record(Level::Warning, "cache", "slow answer", 0)]);
    assert_eq!(place.json(&["list"]).len(), 3);
    assert_eq!(count(&ids[0]), all + 1);
    let merged = place.json(&["unmerge", &ids[1], &ids[2]]);
    assert_eq!(merged[0], serde_json::json!({"id": ids[1], "unmerged": true}));
    place.record(vec![record(Level::Warning, "cache", "slow answer", 0)]);
    assert_eq!(place.json(&["list"]).len(), 4);

    for (arguments, text) in [
        (["merge", &ids[0], &ids[0]], "into itself"),
        (["merge", &ids[0], "0000"], "no ticket has an id"),
        (["unmerge", &ids[4], "--json"], "is not merged"),
    ] {
        let (code, said) = place.failure(&arguments);
        assert!(code == 1 && said.contains(text), "{said}");
    }
    assert_eq!(place.failure(&["unmerge", "12"]).0, 2);
}

#[test]
fn an_unknown_id_does_not_keep_the_others_from_being_changed() {
    let place = Place::with(five());
    let ids = ids(&place);
    let unknown = "0".repeat(32);
    for command in ["solve", "reopen", "mute", "delete"] {
        let mut arguments = vec![command, &ids[0], &unknown, &ids[1]];
        if command == "delete" {
            arguments.push("--yes");
        }
        let assert =
            place.ticket(&arguments).assert().code(1).stderr(contains("no ticket has an id"));
        let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        assert_eq!(output.lines().count(), 2, "{command}: {output}");
    }
    assert_eq!(place.json(&["list"]).len(), 3);
}

#[test]
fn delete_without_a_terminal_needs_yes() {
    let place = Place::with(five());
    let ids = ids(&place);
    // Standard input is not a terminal here, so the command cannot ask for confirmation.
    let (code, said) = place.failure(&["delete", &ids[0]]);
    assert_eq!(code, 2);
    assert!(said.contains("--yes"), "{said}");
    assert_eq!(place.json(&["list"]).len(), 5);
    let output = place.output(&["delete", &ids[0], "--yes"]);
    assert!(output.contains("deleted  unusual login"), "{output}");
    assert_eq!(
        place.json(&["delete", &ids[1], "--yes"]),
        [serde_json::json!({"id": ids[1], "deleted": true})]
    );
    assert_eq!(place.json(&["list"]).len(), 3);
}

#[test]
fn expire_deletes_old_occurrences_and_keeps_the_counts() {
    let place = Place::with(five());
    let ids = ids(&place);
    place.output(&["solve", &ids[3]]);
    let output = place.output(&["expire", "--older-than", "1d", "--max", "1"]);
    assert_eq!(output, "deleted 1 expired occurrences and 1 solved tickets\n");
    assert_eq!(
        place.json(&["expire", "--older-than", "1d", "--keep-per-ticket", "1"]),
        [
            serde_json::json!({"expired_occurrences": 1, "expired_tickets": 0, "pruned_occurrences": 3})
        ]
    );
    let cache = place.json(&["list", "--channel", "cache"]).remove(0);
    assert_eq!(cache["occurrence_count"], 3);
    assert_eq!(place.json(&["occurrences", &ids[1]]).len(), 1);
    let worker = place.texts("id", &["list", "--channel", "worker"]);
    place
        .ticket(&["occurrences", &worker[0]])
        .assert()
        .success()
        .stderr(contains("any more: they have expired"));
    assert!(place.output(&["show", &worker[0]]).contains("the counts stay"));
}

#[test]
fn expire_keeps_the_newest_occurrences_of_all_or_of_one_application() {
    let place = Place::with(five());
    assert_eq!(place.json(&["find"]).len(), 8);
    let newest = place.texts("id", &["find", "--limit", "3"]);
    let output = place.output(&["expire", "--max-total", "100"]);
    assert_eq!(output, "deleted 0 expired occurrences and 0 solved tickets\n");
    let output = place.output(&["expire", "--max-total", "3"]);
    assert_eq!(output, "deleted 5 expired occurrences and 0 solved tickets\n");
    assert_eq!(place.texts("id", &["find"]), newest);
    assert_eq!(place.json(&["list", "--status", "all"]).len(), 5);
    place.output(&["expire", "--max-total", "1", "--app", "nobody"]);
    assert_eq!(place.json(&["find"]).len(), 3);
}

#[test]
fn expire_leaves_other_applications_alone() {
    let place = Place::with(five());
    let output = place.output(&["expire", "--older-than", "1s", "--app", "post"]);
    assert_eq!(output, "deleted 1 expired occurrences and 0 solved tickets\n");
    assert_eq!(place.json(&["find"]).len(), 7);
}

#[test]
fn expire_without_a_criterion_is_wrong_usage() {
    let place = Place::with(five());
    let cases: [(&[&str], &str); 5] = [
        (&["expire"], "--older-than"),
        (&["expire", "--max-total", "0"], "0"),
        (&["expire", "--max", "1"], "--older-than"),
        (&["expire", "--older-than", "soon"], "24h"),
        (&["expire", "--keep-per-ticket", "0"], "0"),
    ];
    for (arguments, part) in cases {
        let (code, said) = place.failure(arguments);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(place.json(&["find"]).len(), 8);
}

#[test]
fn clear_says_what_it_would_delete_and_needs_yes() {
    let place = Place::with(five());
    for (arguments, what) in [
        (&["clear"][..], "would delete 5 tickets of all applications with their occurrences"),
        (&["clear", "--app", "nobody"], "0 tickets of application \"nobody\""),
        (&["clear", "--application", "shop"], "application \"shop\""),
    ] {
        let (code, said) = place.failure(arguments);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(what) && said.contains("add --yes"), "{said}");
    }
    assert_eq!(place.json(&["list"]).len(), 5);
}

#[test]
fn clear_deletes_the_tickets_of_one_application_or_of_all() {
    let place = Place::with(five());
    let mut apps = place.texts("app_id", &["list"]);
    apps.sort();
    let first = apps[0].clone();
    let own = apps.iter().filter(|app| **app == first).count();
    let deleted = place.json(&["clear", "--yes", "--app", &first]);
    assert_eq!(deleted, [serde_json::json!({ "deleted_tickets": own })]);
    assert_eq!(place.json(&["list"]).len(), 5 - own);
    place.record(vec![record(Level::Error, "db", "no answer", 0)]);
    let output = place.output(&["clear", "--yes"]);
    assert!(output.starts_with("deleted ") && output.contains("of all applications"), "{output}");
    assert!(place.json(&["list"]).is_empty() && place.json(&["find"]).is_empty());
}

#[test]
fn capabilities_are_listed() {
    let place = Place::with(five());
    let output = place.output(&["capabilities"]);
    assert!(output.starts_with("backend  sqlite\n"), "{output}");
    assert_eq!(output.matches("\nyes  ").count(), 5, "{output}");
    let json = place.json(&["capabilities"]).remove(0);
    assert_eq!(
        (&json["backend"], &json["capabilities"]["events"]),
        (&"sqlite".into(), &true.into())
    );
    let memory = place.json(&["capabilities", "--url", "memory:"]).remove(0);
    assert_eq!(memory["capabilities"]["shared_storage"], false);
}

//! What all commands share: the URL of the store, colours, pipes, errors, help.

use predicates::str::contains;

use crate::store::{Place, five, record};

#[test]
fn commands_that_read_create_nothing() {
    let place = Place::empty();
    let commands: [&[&str]; 19] = [
        &["list"],
        &["show", "a"],
        &["occurrences", "a"],
        &["find"],
        &["types"],
        &["traits", "x"],
        &["solve", "a"],
        &["reopen", "a"],
        &["mute", "a"],
        &["note", "a", "text"],
        &["merge", "a", "b"],
        &["unmerge", "0123456789abcdef0123456789abcdef"],
        &["delete", "a", "--yes"],
        &["stats"],
        &["health"],
        &["expire", "--older-than", "1d"],
        &["clear", "--yes"],
        &["capabilities"],
        &["serve", "--listen", "127.0.0.1:0"],
    ];
    for command in commands {
        let (code, said) = place.failure(command);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains("ticket ingest") && said.contains("ticket setup"), "{said}");
        assert!(said.contains("in sqlite:tickets.db; --url or TICKET_URL"), "{said}");
    }
    let (_, said) = place.failure(&["list", "--url", "sqlite:other.db"]);
    assert!(said.contains("nothing to read yet (") && !said.contains("tickets.db"), "{said}");
    assert!(place.output(&["setup", "--print"]).contains("CREATE TABLE"));
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn setup_creates_the_default_store_and_may_be_repeated() {
    let place = Place::empty();
    for _ in 0..2 {
        assert_eq!(place.output(&["setup"]), "the sqlite store is ready\n");
    }
    assert!(place.path().join("tickets.db").exists());
    place.ticket(&["list"]).assert().success().stdout("").stderr("no tickets match\n");
    assert_eq!(place.output(&["list", "--json"]), "");
}

#[test]
fn the_url_comes_from_the_option_or_the_environment() {
    let place = Place::empty();
    place.ticket(&["setup"]).env("TICKET_URL", "sqlite:a.db").assert().success();
    place
        .ticket(&["setup", "--url", "sqlite:b.db"])
        .env("TICKET_URL", "sqlite:c.db")
        .assert()
        .success();
    let exists = |name: &str| place.path().join(name).exists();
    assert_eq!([exists("a.db"), exists("b.db"), exists("c.db")], [true, true, false]);
    place.ticket(&["list", "--url", "sqlite:a.db?table_prefix=other_"]).assert().code(1);
    place.ticket(&["list", "--url", "memory:"]).assert().success();
    place
        .ticket(&["types"])
        .env("TICKET_URL", "sqlite:a.db")
        .env("TICKET_APP", "x")
        .assert()
        .success();
}

#[test]
fn a_bad_url_is_wrong_usage_and_no_secret_is_shown() {
    let place = Place::empty();
    for url in ["foo://user:hunter2@host/db", "hunter2", "sqlite:a.db?hunter=2", "sqlite:"] {
        for command in ["list", "setup"] {
            let (code, said) = place.failure(&[command, "--url", url]);
            assert_eq!(code, 2, "{said}");
            assert!(said.starts_with("error: --url: "), "{said}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    let (code, said) = place.failure(&["setup", "--print", "--url", "memory:"]);
    assert!(code == 2 && said.contains("kind memory") && said.contains("sqlite"), "{said}");
    let (code, said) = place.failure(&["setup", "--print", "--engine", "citus"]);
    assert!(code == 2 && said.contains("begins with postgres://"), "{said}");
    // Neither the error for a wrong option nor the help may show the URL.
    let assert =
        place.ticket(&["list", "--nonsense"]).env("TICKET_URL", "foo://u:hunter2@h").assert();
    assert.code(2).stderr(contains("hunter2").count(0));
    let assert = place.ticket(&["list", "--help"]).env("TICKET_URL", "foo://u:hunter2@h").assert();
    assert.success().stdout(contains("hunter2").count(0));
}

#[test]
fn a_store_that_cannot_be_opened_is_a_failure() {
    let place = Place::empty();
    std::fs::write(place.path().join("tickets.db"), "this is no database at all, is it?").unwrap();
    for command in ["list", "setup"] {
        let (code, said) = place.failure(&[command]);
        assert_eq!(code, 1, "{said}");
        assert!(said.starts_with("error: ") && said.contains("sqlite: "), "{said}");
        assert_eq!(said.matches("file is not a database").count(), 1, "{said}");
    }
    assert_eq!(place.failure(&["setup", "--url", "sqlite:no/such/folder/t.db"]).0, 1);
    let (code, said) = place.failure(&["list", "--url", "sqlite:."]);
    assert!(code == 1 && said.contains("the file cannot be opened: Is a directory"), "{said}");
}

#[test]
fn wrong_usage_has_exit_code_2() {
    let place = Place::with(five());
    let cases: [&[&str]; 16] = [
        &[],
        &["nonsense"],
        &["list", "--limit", "0"],
        &["list", "--limit", "-1"],
        &["list", "--level", "loud"],
        &["list", "--status", "closed"],
        &["list", "--sort", "colour"],
        &["list", "--since", "yesterday"],
        &["list", "--after", "nonsense"],
        &["list", "--after", ""],
        &["list", "--after", "count-desc.1.00000000000000000000000000000000"],
        &["show"],
        &["show", "a", "--occurrences", "1001"],
        &["solve"],
        &["mute", "a", "--for", "0h"],
        &["completions", "csh"],
    ];
    for arguments in cases {
        place.ticket(arguments).assert().code(2);
    }
    let (_, said) = place.failure(&["list", "--level", "loud"]);
    assert!(said.contains("trace, debug, info, notice, warning, error, critical"), "{said}");
    for limit in ["0", "-1", "x"] {
        let (_, said) = place.failure(&["list", "--limit", limit]);
        assert!(said.contains("write a whole number, 1 or more"), "{said}");
    }
    let (code, said) = place.failure(&["expire", "--max", "5"]);
    assert!(code == 2 && said.contains("--older-than <WHEN>"), "{said}");
    assert!(
        !said.contains("<--older-than <WHEN>|--max <N>"),
        "the usage suggests --max alone: {said}"
    );
    let (code, said) = place.failure(&["expire"]);
    let any = "--older-than <WHEN>|--max-total <N>|--keep-per-ticket <N>";
    assert!(code == 2 && said.contains(any), "{said}");
    let (code, said) = place.failure(&["ingest", "--min-level", "loud"]);
    assert!(code == 2 && said.contains("trace, debug, info") && !said.contains("core:"), "{said}");
    let (_, said) = place.failure(&["list", "--after", "count-desc.1.0"]);
    assert!(said.contains("keep the order while paging"), "{said}");
}

#[test]
fn output_is_coloured_on_a_terminal_or_on_request() {
    let place = Place::with(five());
    let colored = |arguments: &[&str]| place.output(arguments).contains('\u{1b}');
    assert!(!colored(&["list"]));
    assert!(!colored(&["list", "--color", "never"]));
    let id = place.texts("id", &["list"]).remove(0);
    for command in
        [&["list"] as &[&str], &["show", &id], &["stats"], &["occurrences", &id], &["find"]]
    {
        assert!(colored(&[command, &["--color", "always"]].concat()), "{command:?}");
    }
    assert!(!colored(&["list", "--color", "always", "--json"]));
}

#[test]
fn tables_fit_the_width() {
    let place = Place::with(five());
    for (columns, width) in [("60", 60), ("132", 132), ("nonsense", 120)] {
        let assert = place.ticket(&["list", "--status", "all"]).env("COLUMNS", columns).assert();
        let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        assert!(output.lines().all(|line| line.chars().count() <= width), "{columns}: {output}");
        assert_eq!(output.lines().count(), 6);
    }
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_ends_quietly() {
    let records = (0..300)
        .map(|i| record(ticket_core::Level::Error, &format!("c{i:03}"), &"long ".repeat(200), i));
    let place = Place::with(records.collect());
    for arguments in
        ["list --limit 1000 --json", "list --limit 1000 --color always", "find --json --limit 1000"]
    {
        // The output is larger than the buffer of a pipe, so the command notices that it is closed.
        let script = format!("\"$0\" {arguments} | head -n 1; echo \"${{PIPESTATUS[0]}}\"");
        let program = assert_cmd::cargo_bin!("ticket");
        let mut bash = assert_cmd::Command::new("bash");
        let assert = bash.current_dir(place.path()).args(["-c", &script]).arg(program).assert();
        let assert = assert.success().stderr("");
        let output = String::from_utf8(assert.get_output().stdout.clone()).unwrap();
        assert_eq!(output.lines().count(), 2, "{output}");
        assert!(output.ends_with("\n0\n"), "{output}");
    }
}

#[test]
fn completions_and_manual_pages_are_printed() {
    let place = Place::empty();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = place.output(&["completions", shell]);
        assert!(script.contains("occurrences"), "{shell}");
    }
    let page = place.output(&["man"]);
    assert!(page.contains(".TH") && page.contains("ticket"), "{page}");
    let page = place.output(&["man", "list"]);
    assert!(page.contains("\\-\\-since") && page.contains("TICKET_URL"), "{page}");
    let (code, said) = place.failure(&["man", "nonsense"]);
    assert_eq!(code, 2);
    assert!(said.contains("list, show"), "{said}");
}

#[test]
fn help_texts_are_stable() {
    let place = Place::empty();
    insta::assert_snapshot!("find", place.output(&["find", "--help"]));
    insta::assert_snapshot!("list", place.output(&["list", "--help"]));
    let all = place.output(&["--help"]);
    for command in ["ingest", "list", "show", "find", "solve", "expire", "Examples:", "Exit codes"]
    {
        assert!(all.contains(command), "{all}");
    }
}

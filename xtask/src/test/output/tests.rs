use super::*;

fn read(output: &str) -> Report {
    let names = [("conformance-0a".to_owned(), "ticket-memory tests/conformance".to_owned())];
    let mut report = Report::new(Names::from(names));
    output.lines().for_each(|line| report.read_line(line));
    report.finish();
    report
}

fn problems(output: &str) -> Vec<String> {
    read(output).problems().collect()
}

const GREEN: &str = "
   Compiling ticket-core v0.1.0 (/w/ticket-core)
    Finished `test` profile [unoptimized] target(s) in 1.00s
     Running unittests src/lib.rs (target/debug/deps/ticket_core-12)

running 2 tests
test id::tests::a ... ok
test id::tests::b - should panic ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

     Running tests/conformance.rs (target/debug/deps/conformance-0a)

running 3 tests
ticket-conformance: ignored survives_restart: capability Durable: it lives in memory
test rule_01_whole    ... ok
test survives_restart ... ignored
test rule_02_once     ... ok

test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests ticket_core

running 1 test
test ticket-core/src/lib.rs - (line 5) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

all doctests ran in 0.20s; merged doctests compilation took 0.10s
";

#[test]
fn every_result_is_added_up_under_its_name() {
    let report = read(GREEN);
    let names: Vec<&str> = report.targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(
        names,
        ["unittests src/lib.rs", "ticket-memory tests/conformance", "ticket-core (documentation)"]
    );
    assert_eq!((report.passed(), report.failed(), report.ignored()), (5, 0, 1));
    assert_eq!(report.problems().count(), 0);
}

#[test]
fn a_declared_capability_is_kept_with_its_reason() {
    let report = read(GREEN);
    let skipped: Vec<&Declared> = report.targets.iter().flat_map(Target::skipped).collect();
    let expected = Declared {
        case: "survives_restart".into(),
        capability: "Durable".into(),
        reason: "it lives in memory".into(),
    };
    assert_eq!(skipped, [&expected]);
}

#[test]
fn a_machines_limits_are_a_reason_too() {
    let said = "     Running tests/faults/main.rs (target/debug/deps/faults-0b)
ticket-faults: ignored f05_full::sqlite: capability Mounts: unshare: Operation not permitted
test f05_full::sqlite ... ignored
test f01_killed::sqlite ... ok
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    assert_eq!(problems(said), Vec::<String>::new());
    let report = read(said);
    let reasons: Vec<&str> =
        report.targets.iter().flat_map(Target::skipped).map(|skipped| &*skipped.reason).collect();
    assert_eq!(reasons, ["unshare: Operation not permitted"]);
}

#[test]
fn a_filter_that_matches_no_test_is_noticed() {
    let says = |counts: &str| {
        let mut report = read(GREEN);
        report.begin("filtered".to_owned());
        report.read_line(&format!(
            "test result: ok. {counts}; 0 ignored; 0 measured; 9 filtered out"
        ));
        report.finish();
        report.last_has_run()
    };
    assert!(!says("0 passed; 0 failed"));
    assert!(says("1 passed; 0 failed"));
}

#[test]
fn an_ignored_test_without_a_declaration_is_named() {
    let found = problems(
        "     Running tests/real_logs.rs (target/debug/deps/real_logs-77)
test postgres ... ignored, no server
test mongod ... ignored
test other ... ok
test result: ok. 1 passed; 0 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("tests/real_logs.rs: `postgres`"), "{found:?}");
    assert!(found[1].contains("`mongod`"), "{found:?}");
}

#[test]
fn a_declaration_counts_only_in_its_own_target() {
    let found = problems(
        "     Running tests/a.rs (target/debug/deps/a-1)
ticket-conformance: ignored case: capability Durable: none
test case ... ignored
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/b.rs (target/debug/deps/b-1)
test case ... ignored
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("tests/b.rs: `case`"), "{found:?}");
}

#[test]
fn a_case_name_may_hold_colons() {
    let line =
        "ticket-conformance: ignored events::rule_15: capability Events: none, for now: later";
    let declared = declared(line).unwrap();
    assert_eq!(declared.case, "events::rule_15");
    assert_eq!(declared.capability, "Events");
    assert_eq!(declared.reason, "none, for now: later");
}

#[test]
fn an_ignored_test_whose_name_is_lost_still_counts() {
    let found = problems(
        "     Running tests/a.rs (target/debug/deps/a-1)
test noisy ... some output of a test beside itignored
test result: ok. 1 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
    );
    assert_eq!(found, ["tests/a.rs: 1 more tests were ignored"]);
}

#[test]
fn failures_are_counted_by_target() {
    let output = "     Running tests/a.rs (target/debug/deps/a-1)
test x ... FAILED
test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    assert_eq!(problems(output), ["tests/a.rs: 2 failed"]);
    assert_eq!(read(output).failed(), 2);
}

#[test]
fn a_program_that_dies_is_a_failure() {
    let output = "     Running tests/a.rs (target/debug/deps/a-1)
running 2 tests
error: test failed, to rerun pass `-p a --test a`
Caused by: process didn't exit successfully (signal: 6, SIGABRT: process abort signal)
     Running tests/b.rs (target/debug/deps/b-1)
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    let report = read(output);
    assert_eq!((report.passed(), report.failed()), (1, 1));
    assert_eq!(problems(output), ["tests/a.rs: ended before its last test"]);
}

#[test]
fn a_run_without_tests_is_a_failure() {
    assert_eq!(problems(""), ["no test has run"]);
    let empty = "     Running unittests src/lib.rs (target/debug/deps/a-1)
running 0 tests
test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    assert_eq!(problems(empty), ["no test has run"]);
}

#[test]
fn other_output_is_not_mistaken_for_results() {
    let output = "     Running tests/a.rs (target/debug/deps/a-1)
test talks ... ok
Running late (again)
the word ignored alone
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
    assert_eq!(problems(output), Vec::<String>::new());
    assert_eq!(read(output).passed(), 1);
}

#[test]
fn a_failed_test_is_named_with_what_it_printed_first() {
    let long: String = (1..=20).map(|frame| format!("  {frame}: f\n")).collect();
    let found = problems(&format!(
        "     Running tests/a.rs (target/debug/deps/a-1)
test kept ... FAILED
test lost ... FAILED

failures:

---- kept stdout ----

thread 'kept' (7) panicked at a.rs:9:5:
assertion failed: 1 == 2
{long}
---- lost ----
the ticket counts 7, expected 20

failures:
    kept
    lost

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s"
    ));
    let lines: Vec<&str> = found[0].lines().collect();
    assert_eq!(
        lines[..4],
        [
            "tests/a.rs: 2 failed",
            "  kept",
            "    thread 'kept' (7) panicked at a.rs:9:5:",
            "    assertion failed: 1 == 2",
        ]
    );
    assert_eq!(
        lines[lines.len() - 3..],
        ["      10: f", "  lost", "    the ticket counts 7, expected 20"]
    );
}

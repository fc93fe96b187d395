//! `cargo xtask databases` with the real servers: up, asked, down.

#![allow(clippy::print_stdout, reason = "a test harness says why it ignores a test")]

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use libtest_mimic::{Arguments, Failed, Trial};

const PROGRAMS: [&str; 2] = ["TICKET_TEST_PG_BIN", "TICKET_TEST_MONGOD"];

fn main() -> ExitCode {
    // `up` installs what is missing, which a plain `cargo test` at a desk should not.
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let ignored = !required && !PROGRAMS.iter().all(|name| set(name));
    if ignored {
        println!("ignored: {} name no programs; see `cargo xtask test`", PROGRAMS.join(" and "));
    }
    let trial = Trial::test("servers_come_up_answer_and_go", servers_come_up_answer_and_go);
    libtest_mimic::run(&Arguments::from_args(), vec![trial.with_ignored_flag(ignored)]).exit_code()
}

fn servers_come_up_answer_and_go() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("servers.json");
    let result = answer_and_go(&state);
    // Also when a check has failed: nothing that was started stays behind.
    let down = xtask(&state, "down");
    result?;
    down.map(drop)
}

fn answer_and_go(state: &Path) -> Result<(), Failed> {
    xtask(state, "up")?;
    let started = fs::read_to_string(state)?;
    xtask(state, "up")?;
    check(fs::read_to_string(state)? == started, "a second `up` starts nothing")?;

    let variables = xtask(state, "env")?;
    let asked = shell(&format!(
        "{variables}\"$TICKET_TEST_PG_BIN/psql\" --no-psqlrc --tuples-only --no-align \
         --command 'select 1 / 0' --command 'select 6 * 7' \"$TICKET_POSTGRES_URL\""
    ))?;
    check(asked.starts_with("42\n"), &format!("PostgreSQL answers: {asked}"))?;
    let url = shell(&format!("{variables}printf %s \"$TICKET_MONGODB_URL\""))?;
    let mongod = url.trim_start_matches("mongodb://").trim_end_matches('/').to_owned();
    TcpStream::connect(&mongod)?;

    let servers: serde_json::Value = serde_json::from_str(&started)?;
    check_log(&servers["postgres"]["log"], "division by zero")?;
    check_log(&servers["mongod"]["log"], "Waiting for connections")?;

    xtask(state, "down")?;
    check(!state.exists(), "the state file goes with the servers")?;
    check(TcpStream::connect(&mongod).is_err(), "mongod has stopped")?;
    for name in ["postgres", "mongod"] {
        let gone = !Path::new(servers[name]["folder"].as_str().unwrap_or("/")).exists();
        check(gone, &format!("the folder of {name} is removed"))?;
        // One that has ended and that nobody has waited for yet is still there, without a command.
        let process = fs::read(format!("/proc/{}/cmdline", servers[name]["process"]));
        let runs = process.is_ok_and(|command| !command.is_empty());
        check(!runs, &format!("the process of {name} is gone"))?;
    }
    Ok(())
}

/// The log is JSON, line by line, and soon holds the text: PostgreSQL's collector of logs, a process of
/// its own, writes after the answer has been sent.
fn check_log(log: &serde_json::Value, text: &str) -> Result<(), Failed> {
    let path = log.as_str().unwrap_or_default();
    let start = Instant::now();
    let log = loop {
        let log = fs::read_to_string(path)?;
        if log.contains(text) || start.elapsed() > Duration::from_secs(10) {
            break log;
        }
        thread::sleep(Duration::from_millis(50));
    };
    check(log.contains(text), &format!("{text} in {log}"))?;
    let whole = log.rfind('\n').map_or("", |end| &log[..end]);
    for line in whole.lines() {
        serde_json::from_str::<serde_json::Value>(line)?;
    }
    Ok(())
}

fn xtask(state: &Path, action: &str) -> Result<String, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["databases", action, "--state"]).arg(state);
    // Servers that the environment names would be used in place of new ones.
    command.env_remove("TICKET_POSTGRES_URL").env_remove("TICKET_MONGODB_URL");
    output(&mut command)
}

fn shell(script: &str) -> Result<String, Failed> {
    output(Command::new("sh").args(["-c", script]))
}

fn output(command: &mut Command) -> Result<String, Failed> {
    let output = command.output()?;
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    check(output.status.success(), &format!("{command:?}\n{stdout}\n{stderr}"))?;
    Ok(stdout)
}

fn check(condition: bool, text: &str) -> Result<(), Failed> {
    if condition { Ok(()) } else { Err(text.into()) }
}

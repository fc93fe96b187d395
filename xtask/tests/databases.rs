//! `cargo xtask databases` with real servers: starting, using and stopping them.

#![allow(clippy::print_stdout, reason = "a test harness says why it ignores a test")]

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

const PROGRAMS: [&str; 2] = ["TICKET_TEST_PG_BIN", "TICKET_TEST_MONGOD"];

fn main() -> ExitCode {
    // `up` installs missing programs, which a plain `cargo test` should not do.
    let set = |name: &str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let required = set("CI") || set("TICKET_REQUIRE_SERVERS");
    let ignored = !required && !PROGRAMS.iter().all(|name| set(name));
    if ignored {
        println!("ignored: {} name no programs; see `cargo xtask test`", PROGRAMS.join(" and "));
    }
    let trial = Trial::test("servers_start_answer_and_stop", servers_start_answer_and_stop);
    libtest_mimic::run(&Arguments::from_args(), vec![trial.with_ignored_flag(ignored)]).exit_code()
}

fn servers_start_answer_and_stop() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("servers.json");
    let result = answer_and_go(&state);
    // Even if a check failed, no server stays behind.
    let down = xtask(&state, "down");
    result?;
    down.map(drop)
}

fn answer_and_go(state: &Path) -> Result<(), Failed> {
    xtask(state, "up")?;
    let started = fs::read_to_string(state)?;
    xtask(state, "up")?;
    check(fs::read_to_string(state)? == started, "a second `up` starts no server")?;

    let variables = xtask(state, "env")?;
    for url in ["TICKET_POSTGRES_URL", "TICKET_PGBOUNCER_URL"] {
        let asked = shell(&format!(
            "{variables}\"$TICKET_TEST_PG_BIN/psql\" --no-psqlrc --tuples-only --no-align \
             --command 'select 1 / 0' --command 'select 6 * 7' \"${url}\""
        ))?;
        check(asked.starts_with("42\n"), &format!("{url} answers: {asked}"))?;
    }
    let services: Value = serde_json::from_str(&started)?;
    let services = services.as_array().ok_or("a list of services")?;
    let servers: Vec<&Value> =
        services.iter().flat_map(|service| service["servers"].as_array()).flatten().collect();
    // PostgreSQL; another one and its pooler; a set of one; a standalone; a set of three.
    check(servers.len() == 1 + 2 + 1 + 1 + 3, &started)?;
    for server in &servers {
        TcpStream::connect(address(server))?;
    }
    check_log(&services[0]["servers"][0]["log"], "division by zero")?;
    for set in [&services[2], &services[4]] {
        let members = set["servers"].as_array().ok_or("members")?;
        check(members.iter().any(has_been_elected), &format!("a primary among {members:?}"))?;
        check_log(&members[0]["log"], "Waiting for connections")?;
    }
    check(!has_been_elected(&services[3]["servers"][0]), "the standalone is in no set")?;

    xtask(state, "down")?;
    check(!state.exists(), "the state file is removed with the servers")?;
    for server in &servers {
        check(TcpStream::connect(address(server)).is_err(), &format!("{server} has stopped"))?;
        let gone = !Path::new(server["folder"].as_str().unwrap_or("/")).exists();
        check(gone, &format!("the folder of {server} is removed"))?;
        // A process that has ended is listed, with an empty command line, until its parent waits for it.
        let process = fs::read(format!("/proc/{}/cmdline", server["process"]));
        let runs = process.is_ok_and(|command| !command.is_empty());
        check(!runs, &format!("the process of {server} is gone"))?;
    }
    Ok(())
}

fn address(server: &Value) -> (Ipv4Addr, u16) {
    let port = server["port"].as_u64().and_then(|port| port.try_into().ok());
    (Ipv4Addr::LOCALHOST, port.unwrap_or_default())
}

/// Whether the server's log says that it became a primary.
fn has_been_elected(server: &Value) -> bool {
    fs::read_to_string(server["log"].as_str().unwrap_or_default())
        .is_ok_and(|log| log.contains("Transition to primary complete"))
}

/// Checks that the log is JSON, line by line, and contains the text.
///
/// It waits for the text, because PostgreSQL's log collector is a process of its own and writes after the
/// client has its answer.
fn check_log(log: &Value, text: &str) -> Result<(), Failed> {
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
        serde_json::from_str::<Value>(line)?;
    }
    Ok(())
}

fn xtask(state: &Path, action: &str) -> Result<String, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(["databases", action, "--state"]).arg(state);
    // Otherwise the servers that the environment names would be used.
    for name in ["POSTGRES", "PGBOUNCER", "MONGODB", "MONGODB_STANDALONE", "MONGODB_CLUSTER"] {
        command.env_remove(format!("TICKET_{name}_URL"));
    }
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

//! The log of PostgreSQL, as JSON, as CSV and as plain text.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Outcome;
use super::server::{Server, User, free_port, output};
use super::store::{Store, Ticket};

/// The variable with the folder of the server's programs.
pub(crate) const BIN: &str = "TICKET_TEST_PG_BIN";
/// The variable with the user that runs the server if the tests run as root.
const USER: &str = "TICKET_TEST_PG_USER";

/// Mistakes that clients make, and how often they make each, with different values every time.
const MISTAKES: [(&str, usize); 9] = [
    ("selekt * from users where id = {n}", 4),
    ("insert into users values ({n})", 3),
    ("insert into orders values ({n})", 2),
    ("select * from invoices where id = {n}", 3),
    ("select * from refunds where id = {n}", 1),
    ("select {n} / 0", 3),
    ("select 'item-{n}'::integer", 2),
    ("select fail({n})", 4),
    ("set statement_timeout = {n}; select pg_sleep(10)", 1),
];

pub(crate) fn jsonlog() -> Outcome {
    structured("jsonlog", "json")
}

pub(crate) fn csvlog() -> Outcome {
    structured("csvlog", "csv")
}

/// Checks a log that states the code of each error.
fn structured(destination: &str, ending: &str) -> Outcome {
    let (_folder, log) = provoke(destination, ending)?;
    let tickets = Store::new()?.ingest_twice(&log)?;
    let is = |error_type: &str, part: &str, count: u64| {
        let found =
            |ticket: &&Ticket| ticket.error_type == error_type && ticket.message.contains(part);
        let found: Vec<_> = tickets.iter().filter(found).collect();
        assert_eq!(found.len(), 1, "one ticket of {error_type} with {part:?}");
        assert_eq!(found[0].count, count, "{found:?}");
        assert_eq!((found[0].level.as_str(), found[0].channel.as_str()), ("error", "postgres"));
    };
    is("syntax_error", "selekt", 4);
    is("unique_violation", "users_pkey", 3);
    is("unique_violation", "orders_pkey", 2);
    is("undefined_table", "invoices", 3);
    is("undefined_table", "refunds", 1);
    is("division_by_zero", "division by zero", 3);
    is("invalid_text_representation", "integer", 2);
    is("raise_exception", "order", 4);
    is("query_canceled", "statement timeout", 1);
    is("invalid_password", "password authentication failed", 2);
    assert_eq!(tickets.len(), 10, "{tickets:#?}");
    Ok(())
}

pub(crate) fn plain() -> Outcome {
    let (_folder, log) = provoke("stderr", "log")?;
    let tickets = Store::new()?.ingest_twice(&log)?;
    let count = |part: &str| -> Vec<u64> {
        let found = tickets.iter().filter(|ticket| ticket.message.contains(part));
        found.map(|ticket| ticket.count).collect()
    };
    assert_eq!(count("syntax error"), [4]);
    assert_eq!(count("division by zero"), [3]);
    assert_eq!(count("password authentication failed"), [2]);
    assert_eq!(count("is lost"), [4]);
    // Quoted text in a plain line may be a value and is not grouped by, so constraints and tables share a ticket.
    assert_eq!(count("duplicate key"), [5]);
    assert_eq!(count("does not exist"), [4]);
    assert!(tickets.len() <= 8, "{tickets:#?}");
    Ok(())
}

/// Starts a server, makes the mistakes of its clients, and stops it. The log is in the folder.
fn provoke(
    destination: &str,
    ending: &str,
) -> Result<(TempDir, PathBuf), Box<dyn std::error::Error>> {
    let folder = TempDir::new()?;
    let data = folder.path().join("data");
    let bin = PathBuf::from(std::env::var_os(BIN).unwrap_or_default());
    let user = std::env::var(USER).ok().filter(|name| !name.is_empty());
    let user = user.as_deref().map(User::named).transpose()?;
    let program = |name: &str| {
        let mut command = Command::new(bin.join(name));
        command.current_dir(folder.path()).env("PGPASSWORD", "right");
        if let Some(user) = user {
            user.runs(&mut command);
        }
        command
    };
    if let Some(user) = user {
        user.owns(folder.path())?;
    }
    std::fs::write(folder.path().join("password"), "right")?;
    let mut initdb = program("initdb");
    initdb.args(["--pgdata=data", "--username=ticket", "--auth=scram-sha-256"]);
    output(initdb.args(["--pwfile=password", "--no-locale", "--encoding=UTF8", "--no-sync"]))?;

    let port = free_port()?;
    let mut postgres = program("postgres");
    postgres.arg("-D").arg(&data).args(["-p", &port.to_string(), "-k", ""]);
    for setting in [
        "listen_addresses=127.0.0.1",
        "logging_collector=on",
        &format!("log_destination={destination}"),
        "log_directory=log",
        "log_filename=postgresql.log",
        "log_timezone=Europe/Berlin",
    ] {
        postgres.args(["-c", setting]);
    }
    postgres.stderr(std::process::Stdio::null());
    // For a while after it accepts connections, the server still rejects sessions and logs that.
    let state = data.join("postmaster.pid");
    let takes_sessions = || {
        std::fs::read_to_string(&state)
            .is_ok_and(|state| state.lines().any(|line| line.trim() == "ready"))
    };
    let server = Server::start(&mut postgres, "INT", takes_sessions)?;
    let client = |user: &str, password: &str, statements: &[String]| {
        let mut psql = program("psql");
        psql.args(["--host=127.0.0.1", &format!("--port={port}"), "--dbname=postgres", "--quiet"]);
        psql.args(["--username", user]).env("PGPASSWORD", password);
        for statement in statements {
            psql.args(["--command", statement]);
        }
        psql.output()
    };
    let set_up = [
        "create table users (id int primary key)",
        "create table orders (id int primary key)",
        "insert into users select generate_series(1, 9)",
        "insert into orders select generate_series(1, 9)",
        "create function fail(n int) returns int language plpgsql as \
         'begin raise exception ''order % is lost'', n; end'",
    ];
    let made = client("ticket", "right", &set_up.map(str::to_owned))?;
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for (statement, times) in MISTAKES {
        let statements: Vec<String> =
            (1..=times).map(|n| statement.replace("{n}", &n.to_string())).collect();
        client("ticket", "right", &statements)?;
    }
    for _ in 0..2 {
        client("ticket", "wrong", &["select 1".into()])?;
    }
    server.stop()?;
    let log = log_in(&data.join("log"), ending)?;
    Ok((folder, log))
}

fn log_in(folder: &Path, ending: &str) -> Result<PathBuf, Box<dyn std::error::Error>> {
    let file = folder.join(format!("postgresql.{ending}"));
    file.is_file().then_some(file).ok_or_else(|| "the server wrote no log".into())
}

//! Servers that refuse, are unreachable or never answer: the command reports it in time and without the
//! password.

#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a test program")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use assert_cmd::Command;

/// Returns the command's error message, and checks that it exits with a failure and not with a usage error.
fn said(url: &str) -> String {
    let started = Instant::now();
    let mut ticket = Command::new(env!("CARGO_BIN_EXE_ticket"));
    let assert = ticket.args(["list", "--url", url]).env_remove("TICKET_URL").assert().code(1);
    // Long enough for a busy machine, and short enough to notice a command that hangs.
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let output = assert.get_output();
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(said.starts_with("error: cannot read the database: postgres: "), "{said}");
    assert!(!said.contains("S3cret"), "{said}");
    said
}

/// Starts a server that answers every connection with an error of this code, and returns its URL.
fn refusing(code: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let fields = format!("SFATAL\0C{code}\0Mwhat the server says\0\0");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let mut message = vec![b'E'];
            message.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            message.extend(fields.as_bytes());
            let _ = stream.write_all(&message);
        }
    });
    format!("postgres://me:S3cret@127.0.0.1:{port}/shop?sslmode=disable")
}

#[test]
fn a_wrong_password_is_reported() {
    let said = said(&refusing("28P01"));
    assert!(said.contains("refused the password"), "{said}");
}

#[test]
fn a_user_without_access_is_reported() {
    let said = said(&refusing("28000"));
    assert!(said.contains("pg_hba.conf") && said.contains("sslmode"), "{said}");
}

#[test]
fn a_missing_database_is_reported() {
    let said = said(&refusing("3D000"));
    assert!(said.contains("database does not exist"), "{said}");
}

#[test]
fn an_unreachable_server_is_reported() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = said(&format!("postgres://me:S3cret@127.0.0.1:{port}/shop"));
    assert!(said.contains("the connection to the server failed"), "{said}");
}

#[test]
fn a_server_that_never_answers_is_given_up_on() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let said = said(&format!("postgres://me:S3cret@127.0.0.1:{port}/shop?connect_timeout=300ms"));
    assert!(said.contains("300ms"), "{said}");
}

#[test]
fn an_unknown_host_is_reported() {
    let said = said("postgres://me:S3cret@no-such-host.invalid/shop?connect_timeout=2s");
    assert!(said.contains("server") && said.contains("postgres"), "{said}");
}

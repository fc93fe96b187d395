//! The log of mongod.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::Outcome;
use super::server::{Server, free_port};
use super::store::{Store, Ticket};

/// The variable with the program of the server.
pub(crate) const PROGRAM: &str = "TICKET_TEST_MONGOD";

/// The number of clients that violate the protocol.
const CLIENTS: u32 = 6;

pub(crate) fn own_log() -> Outcome {
    let folder = TempDir::new()?;
    let log = folder.path().join("mongod.log");
    let data = folder.path().join("data");
    std::fs::create_dir(&data)?;
    let port = free_port()?;
    let takes_connections = || TcpStream::connect(("127.0.0.1", port)).is_ok();
    let server = Server::start(&mut mongod(&data, &log, port), "TERM", takes_connections)?;
    for number in 0..CLIENTS {
        break_protocol(port, number)?;
    }
    // A second server on the same data gives up and says why in its own log.
    let second = folder.path().join("second.log");
    let status = mongod(&data, &second, free_port()?).status()?;
    assert!(!status.success());
    server.stop()?;

    let expected = warnings(&log)?;
    let tickets = Store::new()?.ingest_twice(&log)?;
    assert_eq!(tickets.iter().map(|ticket| ticket.count).sum::<u64>(), expected);
    let refused = one(&tickets, "IllegalOpMsgFlag");
    assert_eq!((refused.count, refused.channel.as_str()), (CLIENTS.into(), "mongod.COMMAND"));
    assert!(tickets.len() <= 12, "{tickets:#?}");
    assert!(tickets.iter().any(|ticket| ticket.level == "warning"), "warnings of the start");

    let tickets = Store::new()?.ingest_twice(&second)?;
    let gone = one(&tickets, "DBPathInUse");
    assert_eq!((gone.count, gone.level.as_str()), (1, "error"));
    Ok(())
}

fn mongod(data: &Path, log: &Path, port: u16) -> Command {
    let mut mongod = Command::new(std::env::var_os(PROGRAM).unwrap_or_default());
    mongod.args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"]);
    mongod.args(["--port", &port.to_string()]).arg("--dbpath").arg(data).arg("--logpath").arg(log);
    mongod.stdout(std::process::Stdio::null());
    mongod
}

/// Sends a message with invalid flags and waits until the server closes the connection.
fn break_protocol(port: u16, number: u32) -> Outcome {
    /// The code of the operation that sends a message.
    const OP_MSG: u32 = 2013;
    // A server must refuse a message with an unknown bit among the bits 2 to 15.
    let flags = 1_u32 << (2 + number);
    let mut client = TcpStream::connect(("127.0.0.1", port))?;
    for word in [20, number, 0, OP_MSG, flags] {
        client.write_all(&word.to_le_bytes())?;
    }
    client.read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Counts the lines with a warning or worse, without the code under test.
fn warnings(log: &Path) -> Result<u64, Box<dyn std::error::Error>> {
    let mut count = 0;
    for line in std::fs::read_to_string(log)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        count += u64::from(matches!(line["s"].as_str(), Some("W" | "E" | "F")));
    }
    Ok(count)
}

fn one<'a>(tickets: &'a [Ticket], error_type: &str) -> &'a Ticket {
    let found: Vec<_> = tickets.iter().filter(|ticket| ticket.error_type == error_type).collect();
    assert_eq!(found.len(), 1, "one ticket of {error_type} in {tickets:#?}");
    found[0]
}

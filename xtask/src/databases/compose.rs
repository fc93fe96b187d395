//! Servers in Docker Compose, for machines where an engine runs. `compose.yml` defines them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::kind::Kind;
use super::server::free_port;
use super::state::Service;
use crate::{command, workspace};

/// Returns `true` if Docker can start servers here. The client alone, without Compose or an engine,
/// cannot.
pub(crate) fn is_usable() -> bool {
    let succeeds = |arguments: &[&str]| {
        let mut docker = Command::new("docker");
        docker.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        docker.status().is_ok_and(|status| status.success())
    };
    succeeds(&["compose", "version"]) && succeeds(&["info"])
}

/// The name of the service in `compose.yml`, and the variables for its ports.
const fn service(kind: Kind) -> (&'static str, &'static [&'static str]) {
    match kind {
        Kind::Postgres => ("postgres", &["TICKET_POSTGRES_PORT"]),
        Kind::Pgbouncer => ("pgbouncer", &["TICKET_PGBOUNCER_PORT"]),
        Kind::Mongodb => ("mongodb", &["TICKET_MONGODB_PORT"]),
        Kind::MongodbStandalone => ("mongodb-standalone", &["TICKET_MONGODB_STANDALONE_PORT"]),
        Kind::MongodbCluster => (
            "mongodb-cluster",
            &[
                "TICKET_MONGODB_CLUSTER_PORT_1",
                "TICKET_MONGODB_CLUSTER_PORT_2",
                "TICKET_MONGODB_CLUSTER_PORT_3",
            ],
        ),
    }
}

/// Starts a service in a project of its own, so that concurrent test runs do not share it.
pub(crate) fn start(kind: Kind) -> Result<Service> {
    let (name, variables) = service(kind);
    let project = format!("ticket-{name}-{}", std::process::id());
    let ports = variables.iter().map(|_| free_port()).collect::<Result<Vec<u16>>>()?;
    let mut up = compose(&project);
    up.envs(variables.iter().zip(&ports).map(|(variable, port)| (variable, port.to_string())));
    up.args(["up", "--detach", "--wait", "--wait-timeout", "180", name]);
    if let Err(error) = command::output(&mut up) {
        // Stop the part that has started, but report the first error.
        let _ = stop(&project);
        return Err(error).context("Docker Compose cannot start the server");
    }
    Ok(Service { kind, url: url(kind, &ports), servers: Vec::new(), compose: Some(project) })
}

fn url(kind: Kind, ports: &[u16]) -> String {
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let hosts = hosts.join(",");
    match kind {
        Kind::Postgres | Kind::Pgbouncer => format!("postgres://ticket:ticket@{hosts}/ticket"),
        Kind::MongodbStandalone => format!("mongodb://{hosts}/"),
        Kind::Mongodb | Kind::MongodbCluster => format!("mongodb://{hosts}/?replicaSet=tickets"),
    }
}

pub(crate) fn is_running(project: &str) -> bool {
    let mut list = compose(project);
    list.args(["ps", "--quiet", "--status", "running"]);
    command::output(&mut list).is_ok_and(|ids| !ids.trim().is_empty())
}

pub(crate) fn stop(project: &str) -> Result<()> {
    let mut down = compose(project);
    down.args(["down", "--volumes", "--timeout", "10"]);
    command::output(&mut down).map(drop)
}

fn compose(project: &str) -> Command {
    let file: PathBuf = workspace::root().join("compose.yml");
    let mut docker = Command::new("docker");
    docker.args(["compose", "--project-name", project, "--file"]).arg(file);
    docker
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_has_each_service_and_port() {
        let text = std::fs::read_to_string(workspace::root().join("compose.yml")).unwrap();
        for kind in Kind::ALL {
            let (name, ports) = service(kind);
            assert!(text.contains(&format!("\n  {name}:")), "{name}");
            assert!(ports.iter().all(|port| text.contains(&format!("${{{port}:-"))), "{ports:?}");
        }
    }

    #[test]
    fn a_set_is_named_by_all_its_members() {
        let uri = "mongodb://127.0.0.1:1,127.0.0.1:2,127.0.0.1:3/?replicaSet=tickets";
        assert_eq!(url(Kind::MongodbCluster, &[1, 2, 3]), uri);
    }
}

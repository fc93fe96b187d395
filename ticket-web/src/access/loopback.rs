//! Access for clients on the same machine.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::header::HOST;
use axum::http::request::Parts;

use super::{Decision, Grant};

const NO_ADDRESS: &str = "This dashboard is open to clients on its own machine, and the server does not tell the \
     addresses of its clients: serve the application with \
     `into_make_service_with_connect_info::<SocketAddr>()`.";
const FOREIGN: &str = "This dashboard is open to clients on its own machine only.";
const FORWARDED: &str = "This dashboard is open to clients on its own machine only, and this request came through a \
     proxy: give the dashboard an access by token or password.";
const FOREIGN_HOST: &str =
    "This dashboard answers to localhost only: open it as http://localhost or http://127.0.0.1.";

/// Headers of which a proxy adds one.
const FORWARDING: [&str; 5] =
    ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

pub(super) fn decide(parts: &Parts) -> Decision {
    let Some(ConnectInfo(address)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() else {
        return Decision::Forbidden(NO_ADDRESS);
    };
    if !address.ip().to_canonical().is_loopback() {
        return Decision::Forbidden(FOREIGN);
    }
    if FORWARDING.iter().any(|name| parts.headers.contains_key(*name)) {
        return Decision::Forbidden(FORWARDED);
    }
    // A name that belongs to somebody else may lead to this machine: then a page of that name reads what this
    // one answers, because a browser takes both for the same site.
    let host = parts
        .uri
        .authority()
        .map(|authority| authority.as_str())
        .or_else(|| parts.headers.get(HOST).and_then(|host| host.to_str().ok()));
    if !host.is_some_and(is_local) {
        return Decision::Forbidden(FOREIGN_HOST);
    }
    Decision::Granted(Grant::all())
}

/// Returns `true` if a host, with or without a port, is a name of this machine.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    match address.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => {
            let name = name.to_ascii_lowercase();
            name == "localhost" || name.ends_with(".localhost")
        }
    }
}

//! `ticket serve`.

use std::fs;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use ticket_web::{Access, Dashboard};
use tokio::net::{TcpListener, lookup_host};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::failure::Usage;

/// How long answers that have begun may take once the command is told to end.
const GRACE: Duration = Duration::from_millis(500);

/// Show the tickets in a browser: a dashboard and a JSON API
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ServeArgs {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    listen: String,
    /// Let in whoever knows the token in this file: a line of at least 16 characters
    #[arg(long, value_name = "FILE", conflicts_with = "basic_file")]
    token_file: Option<PathBuf>,
    /// Let in the users in this file, by HTTP basic authentication: a name, a colon and a hash of the
    /// password such as $argon2id$v=19$… on each line
    #[arg(long, value_name = "FILE")]
    basic_file: Option<PathBuf>,
    /// Let nobody change anything
    #[arg(long)]
    read_only: bool,
    /// The path at which a proxy shows the dashboard, such as /tickets, whether or not the proxy leaves it
    /// out of the requests that it forwards
    #[arg(long, value_name = "PATH", default_value = "", hide_default_value = true)]
    prefix: String,
}

const EXAMPLES: &str = "\
Without a token or users, only clients on this machine are let in.

Examples:
  ticket serve                    on http://127.0.0.1:7878, for this machine
  ticket serve --listen 0.0.0.0:7878 --token-file /etc/ticket/token
  openssl rand -hex 16            makes a token
  ticket serve --app shop --read-only";

pub(crate) async fn run(
    args: &ServeArgs,
    context: &Context,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let mut access = access(args)?;
    let listener = listen(&args.listen, access.is_some()).await?;
    let address = listener.local_addr()?;
    let store = context.open().await?;

    let dashboard = |access, prefix| {
        let dashboard = Dashboard::new(store.clone(), access);
        dashboard
            .with_prefix(prefix)
            .map_err(|error| Usage(format!("--prefix: {}", error.message())))
    };
    let mut access_or_loopback = access.take().unwrap_or_else(Access::loopback);
    if args.read_only {
        access_or_loopback = access_or_loopback.read_only();
    }
    if let Some(app_id) = &context.app_id {
        access_or_loopback = access_or_loopback.with_app_ids([app_id]);
    }
    let prefix = args.prefix.trim_end_matches('/');
    let app = dashboard(access_or_loopback.clone(), prefix)?.into_router();
    let app = if prefix.is_empty() {
        app
    } else {
        // A proxy that leaves the prefix in the request gets the same pages.
        let inner = dashboard(access_or_loopback, "")?.into_router();
        axum::Router::new().nest_service(prefix, inner).fallback_service(app)
    };

    writeln!(out, "listening on http://{address}{prefix}/")?;
    out.flush()?;
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        signal().await;
        let _ = stopping.send(());
    };
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = axum::serve(listener, service).with_graceful_shutdown(stop);
    tokio::select! {
        result = server => result?,
        // A page that follows changes is an answer without an end.
        () = async { let _ = stopped.await; tokio::time::sleep(GRACE).await } => {}
    }
    Ok(())
}

/// Returns the access that the options ask for; `None` for clients on this machine.
fn access(args: &ServeArgs) -> anyhow::Result<Option<Access>> {
    let wrong = |option: &str, path: &Path, error: &ticket_core::Error| {
        Usage(format!("{option} {}: {}", path.display(), error.message()))
    };
    if let Some(path) = &args.token_file {
        let text = read(path)?;
        let token = text.lines().next().unwrap_or_default();
        return Ok(Some(
            Access::token(token).map_err(|error| wrong("--token-file", path, &error))?,
        ));
    }
    if let Some(path) = &args.basic_file {
        let text = read(path)?;
        return Ok(Some(
            Access::basic(&text).map_err(|error| wrong("--basic-file", path, &error))?,
        ));
    }
    Ok(None)
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Listens on an address. One that other machines reach needs an access.
async fn listen(address: &str, has_access: bool) -> anyhow::Result<TcpListener> {
    let wrong = || {
        Usage(format!("--listen: {address:?} is not an address: write one such as 127.0.0.1:7878"))
    };
    let addresses: Vec<SocketAddr> = lookup_host(address).await.map_err(|_| wrong())?.collect();
    let is_local = |ip: IpAddr| ip.to_canonical().is_loopback();
    if !has_access && !addresses.iter().all(|address| is_local(address.ip())) {
        let message = format!(
            "--listen: other machines reach {address}, and there is nothing that keeps them out: add --token-file or \
             --basic-file, or listen on 127.0.0.1 or [::1]"
        );
        return Err(Usage(message).into());
    }
    TcpListener::bind(&*addresses).await.with_context(|| format!("cannot listen on {address}"))
}

/// Waits until the command is told to end.
async fn signal() {
    let interrupt = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    };
    #[cfg(unix)]
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => signal.recv().await,
            Err(_) => std::future::pending().await,
        };
    };
    #[cfg(not(unix))]
    let terminate = std::future::pending::<()>();
    tokio::select! {
        () = interrupt => {}
        () = terminate => {}
    }
}

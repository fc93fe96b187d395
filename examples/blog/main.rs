//! Starts the blog, sends requests that fail, and prints what is left of them: the data as it was, and the tickets.
//!
//! With `--serve` it goes on serving. `BLOG_URL` names the database; without it, a new SQLite file is used. The tickets
//! are stored there too, unless `TICKET_URL` names another place.
#![allow(clippy::print_stdout, reason = "prints the results")]

use std::net::SocketAddr;
use std::time::Duration;

use blog::session::{ADMIN, PASSWORD};
use blog::story::Step;
use blog::{Database, Post, Result, app, open, story, tickets};
use ticket_core::{OccurrenceQuery, Record, Store, Ticket, TicketQuery};
use ticket_tower::TicketHttpLayer;
use ticket_tracing::{TicketLayer, install_panic_hook};
use tokio::net::TcpListener;
use tracing_subscriber::prelude::*;

#[tokio::main]
async fn main() -> Result<()> {
    let is_serving = match std::env::args().nth(1).as_deref() {
        None => false,
        Some("--serve") => true,
        Some(other) => return Err(format!("unknown argument {other:?}: write --serve").into()),
    };
    let url = std::env::var("BLOG_URL").or_else(|_| new_file())?;
    let ticket_url = std::env::var("TICKET_URL").unwrap_or_else(|_| url.clone());
    // A URL that was given may hold a password, so only the variable's name is printed.
    let is_given = |name: &&str| std::env::var_os(name).is_some();
    let given = ["TICKET_URL", "BLOG_URL"].into_iter().find(is_given);
    let shown_url = given.map_or(url.clone(), |name| format!("${name}"));

    // The three lines of an application: the handler, what the code logs and where it panics, and the layer below.
    let handler = tickets::handler(&ticket_url)?;
    tracing_subscriber::registry().with(TicketLayer::new(handler.clone()).filtered()).init();
    install_panic_hook(&handler);
    let _guard = handler.guard();

    let author = TcpListener::bind("127.0.0.1:0").await?;
    let database = open(&url, &story::posts(&author)?).await?;
    // Over connections of its own, like everything that concerns tickets.
    let store = tickets::backends().connect(&ticket_url).await?;
    let app = app(database.clone(), TicketHttpLayer::new(&handler), store.clone());

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });

    print_steps("Requests that succeed", &story::succeed(address).await?);
    let before = posts(database.as_ref()).await?;
    print_steps("Requests that fail", &story::fail(address, &author).await?);
    let after = posts(database.as_ref()).await?;

    println!("\nThe blog's data");
    for post in &after {
        println!("  {}: {} likes, {} comments", post.id, post.likes, post.comments.len());
    }
    println!("  as if nothing had failed, and nothing had been logged: {}", before == after);

    let flush = move || handler.blocking_flush(Duration::from_secs(30));
    tokio::task::spawn_blocking(flush).await??;
    println!("\nThe tickets");
    for ticket in store.get_tickets(&TicketQuery::new()).await?.items {
        print_ticket(store.as_ref(), &ticket).await?;
    }

    println!("\nNow try");
    for arguments in ["list", "show ID", r#"find "route='/posts/{id}/like' and is_admin=true""#] {
        println!("  ticket --url \"{shown_url}\" {arguments}");
    }
    println!("where ticket is installed, or `cargo run -p ticket-cli --` in its place.");
    if is_serving {
        println!(
            "\nThe tickets in a browser: sign in at http://{address}/sign-in as {ADMIN} with the password {PASSWORD}."
        );
        println!("\nServing on http://{address}/ until Ctrl-C. This one logs an error:");
        println!("  curl -X POST -H 'x-user: ann' http://{address}/posts/{}/like", story::REFUSING);
        tokio::signal::ctrl_c().await?;
    }
    server.abort();
    Ok(())
}

/// Returns the URL of a file in a new folder, which stays for the commands that are printed.
fn new_file() -> Result<String> {
    let folder = tempfile::Builder::new().prefix("blog-").tempdir()?.keep();
    Ok(format!("sqlite:{}", folder.join("blog.db").display()))
}

async fn posts(database: &dyn Database) -> Result<Vec<Post>> {
    database.begin().await?.posts().await
}

fn print_steps(title: &str, steps: &[Step]) {
    println!("\n{title}");
    for Step { what, request, status } in steps {
        let status = status.map_or("no response".to_owned(), |status| status.to_string());
        println!("  {request:<24} {what:<34} {status}");
    }
}

async fn print_ticket(store: &dyn Store, ticket: &Ticket) -> Result<()> {
    let newest = OccurrenceQuery::new().with_limit(1);
    let occurrences = store.get_occurrences(ticket.id, &newest).await?;
    println!("  {} {:<8} {}", &ticket.id.to_string()[..8], ticket.level, ticket.message);
    for occurrence in occurrences.items {
        print_record(&occurrence.record);
    }
    Ok(())
}

fn print_record(record: &Record) {
    let time = record.time;
    let request = record.request.clone().unwrap_or_default();
    let text = |field: Option<_>| field.unwrap_or_default();
    let (method, path, route) = (text(request.method), text(request.path), text(request.route));
    let (address, user) = (text(request.remote_address), text(request.user));
    println!("      {time} {method} {path} (route {route}) from {address} by {user}");
    if let Some(is_admin) = record.traits.get("is_admin") {
        println!("      is_admin: {is_admin}");
    }
    for cause in &record.error {
        println!("      error: {}", cause.message);
    }
    // The first frame of the blog's own code is where it panicked.
    if let Some(frame) = record.backtrace.iter().find(|frame| frame.in_app) {
        println!("      at {}:{}", text(frame.file.clone()), frame.line.unwrap_or_default());
    }
}

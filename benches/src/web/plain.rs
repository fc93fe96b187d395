//! What the list is compared with: a handler that sends the rows of one statement, as the database makes JSON of them.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rusqlite::{Connection, OpenFlags};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;

const SQLITE: &str = "SELECT json_group_array(json_object('id', lower(hex(id)), 'app_id', app_id, \
     'level', level, 'channel', channel, 'message', message, 'file', file, 'line', line, 'status', status, \
     'first_time', first_time, 'last_time', last_time, 'last_release', last_release, 'count', count)) \
     FROM (SELECT * FROM ticketing_tickets WHERE status = 1 ORDER BY last_time DESC, id DESC LIMIT 50)";

const POSTGRES: &str = "SELECT json_agg(t)::text FROM (SELECT id, app_id, level, channel, message, file, line, status, \
     first_time, last_time, last_release, count FROM ticketing_tickets WHERE status = 1 \
     ORDER BY last_time DESC, id DESC LIMIT 50) t";

/// Serves the newest 50 open tickets until the process is killed.
pub(crate) async fn serve(url: &str) -> Result<()> {
    let app = match url.strip_prefix("sqlite:") {
        Some(path) => of_sqlite(path)?,
        None => of_postgres(url).await?,
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await.context("cannot serve")
}

fn of_sqlite(path: &str) -> Result<Router> {
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let connection = Arc::new(Mutex::new(connection));
    let read = move || -> Option<String> {
        let connection = connection.lock().ok()?;
        let mut statement = connection.prepare_cached(SQLITE).ok()?;
        statement.query_row([], |row| row.get(0)).ok()
    };
    let handler = move || {
        let read = tokio::task::spawn_blocking(read.clone());
        async move { answer(read.await.ok().flatten()) }
    };
    Ok(Router::new().route("/", get(handler)))
}

async fn of_postgres(url: &str) -> Result<Router> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let statement = client.prepare(POSTGRES).await?;
    let shared = Arc::new((client, statement));
    let handler = move || {
        let shared = Arc::clone(&shared);
        async move {
            let (client, statement) = &*shared;
            let row = client.query_one(statement, &[]).await.ok();
            answer(row.and_then(|row| row.try_get(0).ok()))
        }
    };
    Ok(Router::new().route("/", get(handler)))
}

fn answer(json: Option<String>) -> Response {
    match json {
        Some(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

//! The whole story on each database: four requests fail inside of a transaction, the data stays as it was, and each failure
//! is one ticket with every column of the `Log` model that is in the README.
//!
//! Servers are found in the environment, as `cargo xtask databases env` prints it. Without them, their cases are ignored
//! with the reason, and fail under `CI` or `TICKET_REQUIRE_SERVERS=1`.

use std::net::SocketAddr;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use blog::session::ADMIN;
use blog::story::{self, QUIET, REFUSING, SILENT, Step};
use blog::{Database, Post, app, open, tickets};
use libtest_mimic::{Arguments, Failed, Trial};
use mongodb::Client;
use ticket_audit::{BufferHandler, BufferedRequest, EventTracker, Outcome};
use ticket_core::{
    Comparison, Direction, EventFilter, EventQuery, Level, Operator, Record, Store, TicketQuery,
    Timestamp, Value,
};
use ticket_tower::TicketHttpLayer;
use ticket_tracing::{TicketLayer, install_panic_hook};
use tokio::net::TcpListener;
use tokio_postgres::NoTls;
use tracing_subscriber::prelude::*;

const LONG: Duration = Duration::from_secs(60);

type Outcomes = Result<(), Failed>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case installs the panic hook, which belongs to the process.
    arguments.test_threads = Some(1);
    // The first backtrace of a process reads all debug information. If that takes longer than a second, as on a busy
    // machine, the panic is recorded without its frames, which a case looks at.
    let _ = backtrace::Backtrace::new();
    let trials = vec![
        trial("on_sqlite", None, |_| run(on_sqlite())),
        trial("on_postgres", Some("TICKET_POSTGRES_URL"), |url| run(on_postgres(url))),
        trial("on_mongodb", Some("TICKET_MONGODB_URL"), |url| run(on_mongodb(url))),
        trial("a_standalone_mongodb_server_is_rejected", Some("TICKET_TEST_MONGOD"), |program| {
            run(on_standalone_mongodb(program))
        }),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Creates a case that gets the value of an environment variable, and is ignored if the variable is not set.
fn trial(name: &str, needs: Option<&'static str>, test: fn(&str) -> Outcomes) -> Trial {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let Some(missing) = needs.filter(|name| set(name).is_none()) else {
        let value = needs.and_then(set).unwrap_or_default();
        return Trial::test(name, move || test(&value));
    };
    let is_required = set("CI").is_some() || set("TICKET_REQUIRE_SERVERS").is_some();
    let reason = format!("{missing} is not set: see `cargo xtask databases env`");
    let shown = if is_required { name.to_owned() } else { format!("{name}: {reason}") };
    Trial::test(shown, move || Err(Failed::from(reason))).with_ignored_flag(!is_required)
}

/// Runs a test on this thread, whose log is recorded.
fn run(test: impl Future<Output = Outcomes>) -> Outcomes {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(test)
}

async fn on_sqlite() -> Outcomes {
    let folder = tempfile::tempdir()?;
    tell_the_story(&format!("sqlite:{}", folder.path().join("blog.db").display())).await
}

async fn on_postgres(server: &str) -> Outcomes {
    let name = format!("blog_{}", std::process::id());
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE {name}")).await?;
    let result = tell_the_story(&with_database(server, &name)?).await;
    client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
    result
}

async fn on_mongodb(server: &str) -> Outcomes {
    let name = format!("blog_{}", std::process::id());
    let result = tell_the_story(&with_database(server, &name)?).await;
    Client::with_uri_str(server).await?.database(&name).drop().await?;
    result
}

/// Puts the name of a database into a server's URL.
fn with_database(url: &str, name: &str) -> Result<String, Failed> {
    let (server, options) = url.split_once('?').unwrap_or((url, ""));
    let (server, _) = server.rsplit_once('/').ok_or("the URL has no path")?;
    Ok(format!("{server}/{name}?{options}"))
}

/// A server process that is stopped when this value is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn on_standalone_mongodb(program: &str) -> Outcomes {
    let folder = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0").await?.local_addr()?.port().to_string();
    let mut command = Command::new(program);
    command.args(["--port", &port, "--bind_ip", "127.0.0.1", "--dbpath"]).arg(folder.path());
    let _server = Server(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);

    // The driver waits for the server to start.
    let Err(error) = open(&format!("mongodb://127.0.0.1:{port}/blog"), &[]).await else {
        return Err("a server without transactions is accepted".into());
    };
    assert!(error.to_string().contains("--replSet"), "{error}");
    Ok(())
}

async fn tell_the_story(url: &str) -> Outcomes {
    let handler = tickets::handler(url)?;
    let layer = TicketLayer::new(handler.clone()).filtered();
    let _log = tracing_subscriber::registry().with(layer).set_default();
    // The hook of the standard library would print the panic that is expected.
    std::panic::set_hook(Box::new(|_| {}));
    install_panic_hook(&handler);
    let buffer = BufferHandler::new();
    let tracker = EventTracker::builder().with_handler(buffer.clone()).build()?;

    let author = TcpListener::bind("127.0.0.1:0").await?;
    let database = open(url, &story::posts(&author)?).await?;
    let layer = TicketHttpLayer::new(&handler).with_tracker(tracker.clone());
    let tickets = tickets::backends().connect(url).await?;
    let address = serve(app(database.clone(), layer, tickets)).await?;

    let start = Timestamp::now();
    let steps = story::succeed(address).await?;
    assert_eq!(statuses(&steps), [Some(200), Some(200)]);
    let before = posts(database.as_ref()).await?;
    let steps = story::fail(address, &author).await?;
    assert_eq!(statuses(&steps), [Some(500), Some(500), Some(500), None]);
    let after = posts(database.as_ref()).await?;
    let end = Timestamp::now();
    drop(std::panic::take_hook());

    // The like of the quiet post shows that transactions which end well are committed.
    assert_eq!(before.iter().map(|post| post.likes).collect::<Vec<_>>(), [1, 0, 0]);
    assert_eq!(after, before);

    check_outcomes(&ended(&tracker, &buffer).await?);
    let flush = move || handler.blocking_flush(LONG);
    tokio::task::spawn_blocking(flush).await??;
    let store = tickets::backends().connect(url).await?;
    check_tickets(store.as_ref(), start, end).await?;
    check_dashboard(address).await
}

async fn serve(app: axum::Router) -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(address)
}

fn statuses(steps: &[Step]) -> Vec<Option<u16>> {
    steps.iter().map(|step| step.status.map(|status| status.as_u16())).collect()
}

async fn posts(database: &dyn Database) -> blog::Result<Vec<Post>> {
    database.begin().await?.posts().await
}

/// Returns all requests once they have ended.
async fn ended(
    tracker: &EventTracker,
    buffer: &BufferHandler,
) -> Result<Vec<BufferedRequest>, Failed> {
    let search = async {
        loop {
            tracker.flush(LONG).await?;
            let requests = buffer.requests();
            if requests.iter().all(|request| request.end.is_some()) {
                return Ok(requests);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, search).await?
}

fn check_outcomes(requests: &[BufferedRequest]) {
    let outcomes = requests.iter().map(|request| {
        let outcome = request.end.as_ref().map(|end| end.outcome.clone());
        (request.start.user_request.to_string(), outcome)
    });
    let failed = Outcome::from_message("500 Internal Server Error");
    let expected = [
        (format!("GET /posts/{REFUSING}"), Outcome::Done),
        (format!("POST /posts/{QUIET}/like"), Outcome::Done),
        (format!("POST /posts/{REFUSING}/like"), failed.clone()),
        (format!("POST /posts/{QUIET}/comments"), Outcome::Panicked),
        (format!("DELETE /posts/{REFUSING}"), failed),
        (format!("POST /posts/{SILENT}/like"), Outcome::Dropped),
    ];
    let expected = expected.map(|(request, outcome)| (request, Some(outcome)));
    assert_eq!(outcomes.collect::<Vec<_>>(), expected);
}

async fn check_tickets(store: &dyn Store, start: Timestamp, end: Timestamp) -> Outcomes {
    let tickets = store.get_tickets(&TicketQuery::new()).await?.items;
    assert_eq!(tickets.len(), 3, "{tickets:#?}");
    assert!(tickets.iter().all(|ticket| ticket.occurrence_count == 1), "{tickets:#?}");

    let records = find(store, EventFilter::new()).await?;
    let [like, comment, delete] = records.as_slice() else {
        return Err(format!("three records are expected: {records:#?}").into());
    };
    for record in &records {
        assert!(start <= record.time && record.time <= end, "creation_date {:?}", record.time);
    }

    let logged = Columns {
        logger: "blog::app",
        level: Level::Error,
        message: "cannot like post 17",
        path: "/posts/17/like",
        route: "/posts/{id}/like",
        method: "POST",
        ip: "127.0.0.1",
        user: "ann",
        is_admin: true,
        breadcrumbs: vec!["counted a like of post 17"],
    };
    assert_eq!(columns(like), logged);
    let trace: Vec<&str> = like.error.iter().map(|cause| cause.message.as_str()).collect();
    assert_eq!(trace[0], r#"the author of "Dangerous bug alert" does not answer"#);
    assert!(trace[1].starts_with("Connection refused"), "{trace:?}");

    let panicked = Columns {
        logger: "panic",
        level: Level::Critical,
        message: comment.message.as_str(),
        path: "/posts/16/comments",
        route: "/posts/{id}/comments",
        user: "bob",
        is_admin: false,
        breadcrumbs: vec!["adding a comment to post 16"],
        ..logged.clone()
    };
    assert_eq!(columns(comment), panicked);
    assert!(comment.message.contains("index 20 is not a char boundary"), "{}", comment.message);
    let frames = comment.backtrace.iter().filter(|frame| frame.in_app);
    let mut files = frames.filter_map(|frame| frame.file.as_deref());
    assert!(files.next().is_some_and(|file| file.ends_with("src/app.rs")), "{comment:#?}");

    let unlogged = Columns {
        logger: "http",
        message: "DELETE /posts/{id}: 500 Internal Server Error",
        path: "/posts/17",
        route: "/posts/{id}",
        method: "DELETE",
        breadcrumbs: vec!["archiving post 17"],
        ..logged.clone()
    };
    assert_eq!(columns(delete), unlogged);
    assert!(delete.error.is_empty() && delete.backtrace.is_empty(), "nobody knows more");

    // ticket find "route='/posts/{id}/like' and is_admin=true"
    let filter = EventFilter::new()
        .with_comparison(Comparison::new("route", Operator::Eq, "/posts/{id}/like"))
        .with_comparison(Comparison::new("is_admin", Operator::Eq, true));
    assert_eq!(find(store, filter).await?, std::slice::from_ref(like));
    Ok(())
}

/// Checks that the dashboard shows the tickets to the admin and to nobody else.
async fn check_dashboard(address: SocketAddr) -> Outcomes {
    let (status, _) = story::page(address, "/admin/errors", "bob").await?;
    assert_eq!(status, 403);
    for path in ["/admin/errors", "/admin/errors/"] {
        let (status, html) = story::page(address, path, ADMIN).await?;
        assert_eq!(status, 200);
        assert!(
            html.contains("cannot like post 17") && html.contains("href=\"/admin/errors/tickets/"),
            "{html}"
        );
    }
    Ok(())
}

/// Returns the records, the oldest first.
async fn find(store: &dyn Store, filter: EventFilter) -> Result<Vec<Record>, Failed> {
    let query = EventQuery::new().with_filter(filter).with_direction(Direction::Ascending);
    let events = store.get_events(&query).await?.items;
    Ok(events.into_iter().map(|event| event.record).collect())
}

/// The columns of the `Log` model that have one value, and the breadcrumbs.
#[derive(Clone, Debug, PartialEq)]
struct Columns<'a> {
    logger: &'a str,
    level: Level,
    message: &'a str,
    path: &'a str,
    route: &'a str,
    method: &'a str,
    ip: &'a str,
    user: &'a str,
    is_admin: bool,
    breadcrumbs: Vec<&'a str>,
}

fn columns(record: &Record) -> Columns<'_> {
    let request = record.request.as_ref().expect("the record has its request");
    Columns {
        logger: &record.channel,
        level: record.level,
        message: &record.message,
        path: request.path.as_deref().unwrap_or_default(),
        route: request.route.as_deref().unwrap_or_default(),
        method: request.method.as_deref().unwrap_or_default(),
        ip: request.remote_address.as_deref().unwrap_or_default(),
        user: request.user.as_deref().unwrap_or_default(),
        is_admin: record.traits.get("is_admin") == Some(&Value::Bool(true)),
        breadcrumbs: record.breadcrumbs.iter().map(|crumb| crumb.message.as_str()).collect(),
    }
}

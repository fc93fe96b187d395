//! F13 and F15: failover to another primary, and read-only servers.

use ticket_core::{BackendBase, ErrorKind, TicketQuery};
use ticket_postgres::PostgresBackend;

use super::cluster::Server;
use super::support::{connect, handler, occurrence, record, recorded, total, until};

/// Returns a URL that lists both servers, in this order.
fn url_of(first: &Server, second: &Server) -> String {
    format!(
        "postgres://ticket@127.0.0.1:{},127.0.0.1:{}/postgres?target_session_attrs=read-write&\
         timeout=2s&connect_timeout=2s",
        first.port, second.port
    )
}

/// Starts a primary and a synchronous standby: the primary acknowledges nothing without it.
async fn primary_and_standby() -> (Server, Server) {
    let primary = Server::new("").await;
    let standby = primary.standby().await;
    let client = connect(&primary.url_of_driver()).await;
    let set = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    client.batch_execute(set).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    until("the standby replicates synchronously", async || {
        client.query_one(synchronous, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    (primary, standby)
}

async fn set_read_only(server: &Server, value: &str) {
    let client = connect(&server.url_of_driver()).await;
    let set = format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    client.batch_execute(&set).await.unwrap();
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("the setting takes effect", async || {
        let client = connect(&server.url_of_driver()).await;
        let sql = "SHOW default_transaction_read_only";
        client.query_one(sql, &[]).await.unwrap().get::<_, String>(0) == value
    })
    .await;
}

pub(crate) async fn f13_recording_follows_the_primary_by_itself() {
    let (mut primary, standby) = primary_and_standby().await;
    let handler = handler(PostgresBackend::from_uri(&url_of(&primary, &standby)).unwrap());
    for number in 0..200 {
        handler.emit(record(&format!("t{}", number % 7))).unwrap();
    }
    recorded(&handler, 200).await;
    primary.kill();
    for number in 0..200 {
        handler.emit(record(&format!("t{}", number % 7))).unwrap();
    }
    until("the handler reports the store as unavailable", async || !handler.stats().available)
        .await;
    assert!(handler.stats().recorded <= 400);
    standby.promote();
    recorded(&handler, 400).await;
    // Everything that the old primary acknowledged is on the new one, exactly once.
    let store = PostgresBackend::from_uri(&standby.url()).unwrap();
    assert_eq!(total(&store).await, 400);

    // The old primary comes back unaware of the failover, and accepts reads only.
    primary.set("default_transaction_read_only = on");
    primary.start().await;
    let both = PostgresBackend::from_uri(&url_of(&primary, &standby)).unwrap();
    both.record_tickets(occurrence("afterwards").into()).await.unwrap();
    handler.emit(record("afterwards")).unwrap();
    recorded(&handler, 401).await;
    assert_eq!(total(&store).await, 402, "nothing was written to the old primary");
}

/// An orderly switchover breaks no connection, so open ones now lead to a read-only server.
pub(crate) async fn f13_a_primary_that_only_reads_from_now_on_is_left() {
    let (primary, standby) = primary_and_standby().await;
    let store = PostgresBackend::from_uri(&url_of(&primary, &standby)).unwrap();
    store.setup_backend().await.unwrap();
    store.record_tickets(occurrence("before").into()).await.unwrap();
    set_read_only(&primary, "on").await;
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    // Neither host accepts writes, so neither is chosen.
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.message().contains("accepts writes"), "{error}");
    standby.promote();
    store.record_tickets(occurrence("after").into()).await.unwrap();
    let new = PostgresBackend::from_uri(&standby.url()).unwrap();
    assert_eq!(total(&new).await, 2);
}

pub(crate) async fn f15_a_read_only_server_is_waited_for() {
    let server = Server::new("").await;
    let store = PostgresBackend::from_uri(&server.url()).unwrap();
    store.setup_backend().await.unwrap();
    store.record_tickets(occurrence("before").into()).await.unwrap();
    let handler = handler(store.clone());
    set_read_only(&server, "on").await;
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("read-only"), "{error}");
    assert_eq!(total(&store).await, 1, "reads still work");
    for _ in 0..10 {
        handler.emit(record("during")).unwrap();
    }
    // On a busy machine the first attempts may fail for another reason.
    until("the handler reports the store as read-only", async || {
        let stats = handler.stats();
        !stats.available && stats.last_error.is_some_and(|error| error.contains("read-only"))
    })
    .await;
    set_read_only(&server, "off").await;
    recorded(&handler, 10).await;
    assert_eq!(total(&store).await, 11);
}

pub(crate) async fn f15_a_hot_standby_is_read_and_not_written() {
    let (primary, standby) = primary_and_standby().await;
    let writer = PostgresBackend::from_uri(&primary.url()).unwrap();
    writer.setup_backend().await.unwrap();
    writer.record_tickets(occurrence("before").into()).await.unwrap();
    let store = PostgresBackend::from_uri(&standby.url()).unwrap();
    until("the standby has the ticket", async || {
        store.get_tickets(&TicketQuery::new()).await.is_ok_and(|page| page.items.len() == 1)
    })
    .await;
    store.setup_backend().await.unwrap();
    let error = store.record_tickets(occurrence("during").into()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.message().contains("read-only"), "{error}");
    standby.promote();
    store.record_tickets(occurrence("after").into()).await.unwrap();
    assert_eq!(total(&store).await, 2);
}

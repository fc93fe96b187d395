//! Who calls it from where.

use ticket_core::{BackendBase, ErrorKind, TicketQuery};
use ticket_postgres::PostgresBackend;

#[test]
fn without_a_runtime_there_is_an_error_and_no_panic() {
    let store = PostgresBackend::from_uri("postgres://h/d").unwrap();
    let error = futures::executor::block_on(store.get_tickets(&TicketQuery::new())).unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.message().contains("runtime"), "{error}");
}

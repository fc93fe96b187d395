//! Calls from a thread without a Tokio runtime.

use ticket_core::{BackendBase, ErrorKind, TicketQuery};
use ticket_postgres::PostgresBackend;

#[test]
fn a_call_without_a_runtime_is_an_error_and_not_a_panic() {
    let store = PostgresBackend::from_uri("postgres://h/d").unwrap();
    let error = futures::executor::block_on(store.get_tickets(&TicketQuery::new())).unwrap_err();
    assert!(error.kind() == ErrorKind::Config && error.message().contains("runtime"), "{error}");
}

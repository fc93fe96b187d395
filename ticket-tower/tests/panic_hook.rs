//! Panics while a request is served, in a process with the panic hook of `ticket-tracing`. It is alone in its program,
//! because the hook is the process's.

mod panicking;
mod support;

#[tokio::test]
async fn with_the_panic_hook_too_a_panic_becomes_one_ticket_and_a_plain_500() {
    let fixture = support::Fixture::new();
    ticket_tracing::install_panic_hook(&fixture.handler);
    panicking::check_all(&fixture).await;

    let records = fixture.records().await;
    assert!(records.iter().all(|record| !record.backtrace.is_empty()), "not those of the hook");
}

//! Rules 25 and 26: errors and capabilities.

use std::error::Error as _;
use std::sync::Arc;

use ticket_core::backend::Lease;
use ticket_core::{
    BackendBase, BucketWidth, Capability, Error, ErrorKind, EventQuery, EventStore, EventTypeQuery,
    Expiry, HistogramQuery, OccurrenceQuery, ProcessReport, ReportQuery, Store, TicketQuery,
    TraitQuery, TraitTypeQuery,
};

use crate::context::Context;
use crate::support::{at, id_of, keeping, new, put, rejected};

/// Returns an error from each call that fails for bad arguments.
async fn errors(store: &Arc<dyn Store>, events: bool) -> Vec<Error> {
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(0)).await;
    let occurrences =
        store.get_occurrences(id_of("it"), &OccurrenceQuery::new().with_limit(0)).await;
    let counts = HistogramQuery::of_app(None, BucketWidth::Hour, at(0), at(0));
    let counts = store.count_occurrences(&counts).await;
    let mut errors = vec![
        rejected(tickets, ErrorKind::Config, "a limit of 0"),
        rejected(occurrences, ErrorKind::Config, "a limit of 0"),
        rejected(counts, ErrorKind::Config, "an empty range"),
    ];
    if events {
        let of_events = store.get_events(&EventQuery::new().with_limit(0)).await;
        let traits = store.get_traits(&TraitQuery::new("t").with_limit(0)).await;
        errors.extend([
            rejected(of_events, ErrorKind::Config, "a limit of 0"),
            rejected(traits, ErrorKind::Config, "a limit of 0"),
        ]);
    }
    errors
}

pub(super) async fn rule_25_an_error_says_what_is_wrong_and_where(cx: Context) {
    let store = cx.store().await;
    for error in errors(&store, !cx.lacks(Capability::Events)).await {
        assert!(!error.message().trim().is_empty(), "{error:?}");
        assert!(!error.backend().is_empty(), "{error:?}");
        assert!(error.to_string().contains(error.message()), "{error:?}");
        assert!(!error.is_retryable(), "repeating the call does not help: {error:?}");
    }
    assert!(!store.name().is_empty() && !store.name().contains(char::is_whitespace));
}

pub(super) async fn rule_25_a_failed_call_leaves_the_handle_usable(cx: Context) {
    let store = cx.store().await;
    for i in 0..20 {
        errors(&store, !cx.lacks(Capability::Events)).await;
        assert_eq!(put(&store, &[new("it", i)]).await.occurrences, 1);
    }
}

pub(super) async fn rule_25_no_secret_is_shown(cx: Context) {
    let fixture = cx.fixture().await;
    let Some(secret) = &fixture.secret else {
        // A store without a password has none to show. Its `Debug` output must still not print its content.
        assert!(format!("{:?}", fixture.store).len() < 4_096, "the `Debug` output is short");
        return;
    };
    let store = &fixture.store;
    let mut shown = vec![format!("{store:?}"), format!("{store:#?}"), format!("{fixture:?}")];
    store.setup_backend().await.expect("setup_backend succeeds");
    for error in errors(store, !cx.lacks(Capability::Events)).await {
        shown.extend([error.to_string(), format!("{error:?}"), format!("{error:#?}")]);
        let mut source = error.source();
        while let Some(error) = source {
            shown.extend([error.to_string(), format!("{error:?}")]);
            source = error.source();
        }
    }
    // A store that cannot be set up must not show it either.
    let checking = cx.open(cx.case().clone().with_autocreate(false)).await;
    if let Err(error) = checking.store.setup_backend().await {
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    for text in shown {
        // The message of this failure must not show it either.
        let hidden = text.replace(secret.as_str(), "<the secret>");
        assert_eq!(text.len(), hidden.len(), "the secret is shown in: {hidden}");
    }
}

pub(super) async fn rule_26_capabilities_match_the_declaration(cx: Context) {
    let capabilities = cx.fixture().await.store.capabilities();
    for capability in Capability::ALL {
        assert_eq!(
            capabilities.has(capability),
            !cx.lacks(capability),
            "{capability}: whatever the backend's capabilities() lack has to be declared to the suite \
             by without(), and nothing else"
        );
    }
}

pub(super) async fn rule_26_a_missing_capability_is_unsupported(cx: Context) {
    let store = cx.store().await;
    let report = ProcessReport::new("it", "shop", at(0));
    let (sent, reports) =
        (store.report_process(report).await, store.get_reports(&ReportQuery::new()).await);
    if store.capabilities().has(Capability::ProcessReports) {
        sent.expect("report_process succeeds");
        assert_eq!(reports.expect("get_reports succeeds").len(), 1);
    } else {
        rejected(sent, ErrorKind::Unsupported, "report_process");
        rejected(reports, ErrorKind::Unsupported, "get_reports");
    }
    if store.capabilities().has(Capability::Events) {
        // No other capability has calls of its own, so these have to work.
        assert_eq!(
            store.event_types(&EventTypeQuery::new()).await.expect("event_types succeeds"),
            [""; 0]
        );
        return;
    }
    put(&store, &[new("it", 0)]).await;
    let lacking = ErrorKind::Unsupported;
    rejected(store.get_events(&EventQuery::new()).await, lacking, "get_events");
    rejected(store.event_types(&EventTypeQuery::new()).await, lacking, "event_types");
    rejected(store.trait_types(&TraitTypeQuery::new("t")).await, lacking, "trait_types");
    rejected(store.get_traits(&TraitQuery::new("t")).await, lacking, "get_traits");
    rejected(store.clear_expired(&Expiry::before(at(9))).await, lacking, "clear_expired");
    rejected(store.keep_per_ticket(&keeping(1)).await, lacking, "keep_per_ticket");
    rejected(store.clear().await, lacking, "clear");
    let lease = Lease::new("it", "me", std::time::Duration::ZERO);
    rejected(store.lease(&lease).await, lacking, "lease");
    assert!(store.get_ticket(id_of("it")).await.expect("get_ticket succeeds").is_some());
}

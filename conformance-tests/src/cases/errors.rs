//! Rules 25 and 26: what errors say, and what a backend says that it lacks.

use std::error::Error as _;
use std::sync::Arc;

use ticket_core::backend::Lease;
use ticket_core::{
    BackendBase, BucketWidth, Capability, Error, ErrorKind, EventQuery, EventStore, Expiry,
    HistogramQuery, OccurrenceQuery, Store, TicketQuery, TraitQuery,
};

use crate::context::Context;
use crate::kit::{at, id_of, new, put, refused};

/// An error from each call that can be made to fail by its arguments.
async fn errors(store: &Arc<dyn Store>, events: bool) -> Vec<Error> {
    let tickets = store.get_tickets(&TicketQuery::new().with_limit(0)).await;
    let occurrences =
        store.get_occurrences(id_of("it"), &OccurrenceQuery::new().with_limit(0)).await;
    let counts = HistogramQuery::of_app(None, BucketWidth::Hour, at(0), at(0));
    let counts = store.count_occurrences(&counts).await;
    let mut errors = vec![
        refused(tickets, ErrorKind::Config, "a limit of 0"),
        refused(occurrences, ErrorKind::Config, "a limit of 0"),
        refused(counts, ErrorKind::Config, "an empty range"),
    ];
    if events {
        let of_events = store.get_events(&EventQuery::new().with_limit(0)).await;
        let traits = store.get_traits(&TraitQuery::new("t").with_limit(0)).await;
        errors.extend([
            refused(of_events, ErrorKind::Config, "a limit of 0"),
            refused(traits, ErrorKind::Config, "a limit of 0"),
            refused(store.keep_per_ticket(None, 0).await, ErrorKind::Config, "to keep none"),
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
        assert!(!error.is_retryable(), "the same call never succeeds: {error:?}");
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
        // A store that is opened without a password has none to show; what is checked then is that
        // nobody prints the whole fixture's content.
        assert!(format!("{:?}", fixture.store).len() < 4_096, "Debug is short");
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
    // Nor does a store that fails to be set up tell it.
    let checking = cx.open(cx.case().clone().with_autocreate(false)).await;
    if let Err(error) = checking.store.setup_backend().await {
        shown.extend([error.to_string(), format!("{error:?}")]);
    }
    for text in shown {
        // Not in the failure either.
        let hidden = text.replace(secret.as_str(), "<the secret>");
        assert_eq!(text.len(), hidden.len(), "a secret is shown: {hidden}");
    }
}

pub(super) async fn rule_26_what_the_backend_lacks_is_what_the_suite_was_told(cx: Context) {
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

pub(super) async fn rule_26_calling_what_is_lacking_is_unsupported(cx: Context) {
    let store = cx.store().await;
    if store.capabilities().has(Capability::Events) {
        // Nothing else that can be lacking is a call of its own; so it has to work.
        assert_eq!(store.event_types(None).await.expect("event_types answers"), [""; 0]);
        return;
    }
    put(&store, &[new("it", 0)]).await;
    let lacking = ErrorKind::Unsupported;
    refused(store.get_events(&EventQuery::new()).await, lacking, "get_events");
    refused(store.event_types(None).await, lacking, "event_types");
    refused(store.trait_types(None, "t").await, lacking, "trait_types");
    refused(store.get_traits(&TraitQuery::new("t")).await, lacking, "get_traits");
    refused(store.clear_expired(&Expiry::before(at(9))).await, lacking, "clear_expired");
    refused(store.keep_per_ticket(None, 1).await, lacking, "keep_per_ticket");
    refused(store.clear().await, lacking, "clear");
    let lease = Lease::new("it", "me", std::time::Duration::ZERO);
    refused(store.lease(&lease).await, lacking, "lease");
    assert!(store.get_ticket(id_of("it")).await.expect("get_ticket answers").is_some());
}

//! Rule 28: who does what only one should do.
//!
//! Where a lease has to be held, it is one of an hour, so that a slow machine changes nothing; where it
//! has to run out, the case waits for as long as that takes.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::Lease;
use ticket_core::{EventStore, Store};

use crate::context::Context;
use crate::kit::{put, series, together};

const HOUR: Duration = Duration::from_secs(3_600);
const MOMENT: Duration = Duration::from_millis(50);

async fn ask(store: &Arc<dyn Store>, name: &str, holder: &str, time: Duration) -> bool {
    store.lease(&Lease::new(name, holder, time)).await.expect("lease answers")
}

/// Asks until it is there, for a hundred times as long as it should take.
async fn wait_for(store: &Arc<dyn Store>, holder: &str) {
    for _ in 0..1_000 {
        if ask(store, "it", holder, HOUR).await {
            return;
        }
        tokio::time::sleep(MOMENT / 10).await;
    }
    panic!("the lease has never run out");
}

pub(super) async fn rule_28_a_lease_is_held_by_one_holder(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", HOUR).await, "a lease that nobody holds is had");
    for _ in 0..3 {
        assert!(!ask(&store, "it", "two", HOUR).await, "one holds it");
        assert!(!ask(&store, "it", "one more", Duration::ZERO).await, "one holds it");
    }
    assert!(ask(&store, "it", "one", HOUR).await, "one still holds it");
}

pub(super) async fn rule_28_a_lease_runs_out(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", MOMENT).await);
    // Asking in vain does not prolong it.
    wait_for(&store, "two").await;
    assert!(!ask(&store, "it", "one", HOUR).await, "two holds it now");
}

pub(super) async fn rule_28_a_holder_prolongs_or_shortens_its_lease(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", MOMENT).await);
    assert!(ask(&store, "it", "one", HOUR).await, "the holder's, or nobody's");
    tokio::time::sleep(MOMENT * 4).await;
    assert!(!ask(&store, "it", "two", HOUR).await, "it was prolonged");
    assert!(ask(&store, "it", "one", MOMENT).await);
    wait_for(&store, "two").await;
}

pub(super) async fn rule_28_a_lease_is_given_back_by_its_holder(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "nobody", Duration::ZERO).await, "there is nothing to give back");
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(!ask(&store, "it", "two", Duration::ZERO).await, "it is not two's to give");
    assert!(!ask(&store, "it", "two", HOUR).await, "one holds it all the same");
    assert!(ask(&store, "it", "one", Duration::ZERO).await);
    assert!(ask(&store, "it", "two", HOUR).await, "one has given it back");
}

pub(super) async fn rule_28_of_64_that_ask_at_once_one_gets_the_lease(cx: Context) {
    let store = cx.store().await;
    for round in 0..4 {
        let askers = (0..64).map(|asker| {
            let store = Arc::clone(&store);
            let name = format!("round {round}");
            async move { ask(&store, &name, &format!("asker {asker}"), HOUR).await }
        });
        let held = together(askers).await;
        assert_eq!(held.iter().filter(|held| **held).count(), 1, "one holds it");
    }
    // And when it has run out.
    assert!(ask(&store, "it", "one", Duration::ZERO).await);
    let askers = (0..64).map(|asker| {
        let store = Arc::clone(&store);
        async move { ask(&store, "it", &format!("asker {asker}"), HOUR).await }
    });
    assert_eq!(together(askers).await.iter().filter(|held| **held).count(), 1);
}

pub(super) async fn rule_28_each_name_is_a_lease_of_its_own(cx: Context) {
    let store = cx.store().await;
    let names = ["it", "", "IT", "it ", "it%", "\u{0}", "é", "e\u{301}", "$it.x", "🦀"];
    for (place, name) in names.iter().enumerate() {
        assert!(ask(&store, name, &format!("holder {place}"), HOUR).await, "{name:?} is free");
    }
    for name in names {
        assert!(!ask(&store, name, "another", HOUR).await, "{name:?} is held");
    }
    assert!(ask(&store, "it", "holder 0", HOUR).await);
    assert!(!ask(&store, "it", "HOLDER 0", HOUR).await, "a holder is one to the letter");
}

pub(super) async fn rule_28_two_stores_do_not_share_leases(cx: Context) {
    let (store, beside) = (cx.store().await, cx.beside().await);
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(ask(&beside, "it", "two", HOUR).await, "another store's lease is another");
    assert!(!ask(&store, "it", "two", HOUR).await);
}

pub(super) async fn rule_28_two_handles_share_leases(cx: Context) {
    let (store, again) = (cx.store().await, cx.store().await);
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(!ask(&again, "it", "two", HOUR).await, "one holds it, by another handle");
    assert!(ask(&again, "it", "one", Duration::ZERO).await, "a holder is whoever has the name");
    assert!(ask(&again, "it", "two", HOUR).await);
    assert!(!ask(&store, "it", "one", HOUR).await);
}

pub(super) async fn rule_28_emptying_the_store_leaves_its_leases(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", 0..3)).await;
    assert!(ask(&store, "it", "one", HOUR).await);
    store.clear().await.expect("clear answers");
    assert!(!ask(&store, "it", "two", HOUR).await, "one still holds it");
}

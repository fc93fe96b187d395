//! Rule 28: leases.
//!
//! A lease that must not expire lasts an hour, so that a slow machine does not change the result. Where a lease
//! has to expire, the case waits for as long as that takes.

use std::sync::Arc;
use std::time::Duration;

use ticket_core::backend::Lease;
use ticket_core::{EventStore, Store};

use crate::context::Context;
use crate::process::{Crew, PROCESSES, Report, Step};
use crate::support::{put, series, together};

const HOUR: Duration = Duration::from_secs(3_600);
const MOMENT: Duration = Duration::from_millis(50);

async fn ask(store: &Arc<dyn Store>, name: &str, holder: &str, time: Duration) -> bool {
    store.lease(&Lease::new(name, holder, time)).await.expect("lease succeeds")
}

/// Asks for the lease until the holder gets it, for at most a hundred times as long as that should take.
async fn wait_for(store: &Arc<dyn Store>, holder: &str) {
    for _ in 0..1_000 {
        if ask(store, "it", holder, HOUR).await {
            return;
        }
        tokio::time::sleep(MOMENT / 10).await;
    }
    panic!("the lease never expired");
}

pub(super) async fn rule_28_a_lease_is_held_by_one_holder(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", HOUR).await, "a free lease can be acquired");
    for _ in 0..3 {
        assert!(!ask(&store, "it", "two", HOUR).await, "`one` has the lease");
        assert!(!ask(&store, "it", "one more", Duration::ZERO).await, "`one` has the lease");
    }
    assert!(ask(&store, "it", "one", HOUR).await, "`one` still has the lease");
}

pub(super) async fn rule_28_a_lease_expires(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", MOMENT).await);
    // Asking in vain does not extend the lease.
    wait_for(&store, "two").await;
    assert!(!ask(&store, "it", "one", HOUR).await, "`two` has the lease now");
}

pub(super) async fn rule_28_a_holder_extends_or_shortens_its_lease(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "one", MOMENT).await);
    assert!(ask(&store, "it", "one", HOUR).await, "the lease is the holder's, or expired");
    tokio::time::sleep(MOMENT * 4).await;
    assert!(!ask(&store, "it", "two", HOUR).await, "the lease was extended");
    assert!(ask(&store, "it", "one", MOMENT).await);
    wait_for(&store, "two").await;
}

pub(super) async fn rule_28_only_the_holder_releases_a_lease(cx: Context) {
    let store = cx.store().await;
    assert!(ask(&store, "it", "nobody", Duration::ZERO).await, "releasing a free lease succeeds");
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(
        !ask(&store, "it", "two", Duration::ZERO).await,
        "only the holder can release the lease"
    );
    assert!(!ask(&store, "it", "two", HOUR).await, "`one` still has the lease");
    assert!(ask(&store, "it", "one", Duration::ZERO).await);
    assert!(ask(&store, "it", "two", HOUR).await, "`one` released the lease");
}

pub(super) async fn rule_28_one_of_64_concurrent_holders_gets_the_lease(cx: Context) {
    let store = cx.store().await;
    for round in 0..4 {
        let askers = (0..64).map(|asker| {
            let store = Arc::clone(&store);
            let name = format!("round {round}");
            async move { ask(&store, &name, &format!("asker {asker}"), HOUR).await }
        });
        let held = together(askers).await;
        assert_eq!(held.iter().filter(|held| **held).count(), 1, "`one` has the lease");
    }
    // The same once the lease was released.
    assert!(ask(&store, "it", "one", Duration::ZERO).await);
    let askers = (0..64).map(|asker| {
        let store = Arc::clone(&store);
        async move { ask(&store, "it", &format!("asker {asker}"), HOUR).await }
    });
    assert_eq!(together(askers).await.iter().filter(|held| **held).count(), 1);
}

pub(super) async fn rule_28_each_name_is_a_separate_lease(cx: Context) {
    let store = cx.store().await;
    let names = ["it", "", "IT", "it ", "it%", "\u{0}", "é", "e\u{301}", "$it.x", "🦀"];
    for (place, name) in names.iter().enumerate() {
        assert!(ask(&store, name, &format!("holder {place}"), HOUR).await, "{name:?} is free");
    }
    for name in names {
        assert!(!ask(&store, name, "another", HOUR).await, "{name:?} is taken");
    }
    assert!(ask(&store, "it", "holder 0", HOUR).await);
    assert!(!ask(&store, "it", "HOLDER 0", HOUR).await, "holders are compared exactly");
}

pub(super) async fn rule_28_two_stores_do_not_share_leases(cx: Context) {
    let (store, beside) = (cx.store().await, cx.second_store().await);
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(ask(&beside, "it", "two", HOUR).await, "another store has a lease of its own");
    assert!(!ask(&store, "it", "two", HOUR).await);
}

pub(super) async fn rule_28_two_handles_share_leases(cx: Context) {
    let (store, again) = (cx.store().await, cx.store().await);
    assert!(ask(&store, "it", "one", HOUR).await);
    assert!(!ask(&again, "it", "two", HOUR).await, "`one` has the lease through another handle");
    assert!(
        ask(&again, "it", "one", Duration::ZERO).await,
        "the holder is identified by its name, not by its handle"
    );
    assert!(ask(&again, "it", "two", HOUR).await);
    assert!(!ask(&store, "it", "one", HOUR).await);
}

/// Returns the steps of a process that asks for these leases one after another.
fn asking(names: &[String], holder: &str, time: Duration) -> Vec<Step> {
    let one = |name: &String| Step::Lease { name: name.clone(), holder: holder.to_owned(), time };
    names.iter().map(one).collect()
}

/// Lets each process ask for these leases under a name of its own, and returns what was granted, sorted.
async fn granted(crew: &mut Crew, names: &[String]) -> Vec<String> {
    let steps = (0..PROCESSES).map(|process| asking(names, &format!("process {process}"), HOUR));
    let mut told = Report::sum(crew.run(steps).await);
    told.leases.sort_unstable();
    told.leases
}

/// Returns the names of leases, sorted.
fn names(round: u32) -> Vec<String> {
    (10..40).map(|number| format!("lease {round}.{number}")).collect()
}

pub(super) async fn rule_28_one_of_eight_processes_gets_each_lease(cx: Context) {
    let store = cx.store().await;
    let mut crew = Crew::start(cx.case()).await;
    for round in 0..6 {
        let names = names(round);
        assert_eq!(granted(&mut crew, &names).await, names, "each lease is granted to one process");
        for name in &names {
            assert!(!ask(&store, name, "another", HOUR).await, "{name} is taken");
        }
    }
}

pub(super) async fn rule_28_a_holder_is_the_same_in_eight_processes(cx: Context) {
    let store = cx.store().await;
    let mut crew = Crew::start(cx.case()).await;
    let names = names(0);
    let shared = vec![asking(&names, "shared", HOUR); PROCESSES];
    for report in crew.run(shared).await {
        assert_eq!(report.leases, names, "the holder has the lease in every process");
    }
    // One process releases them, and the others see that.
    let mut steps = vec![Vec::new(); PROCESSES];
    steps[3] = asking(&names, "shared", Duration::ZERO);
    crew.run(steps).await;
    assert!(ask(&store, &names[0], "another", HOUR).await, "another process released the lease");
    assert_eq!(granted(&mut crew, &names[1..]).await, names[1..], "they are free");
}

pub(super) async fn rule_28_clear_keeps_leases(cx: Context) {
    let store = cx.store().await;
    put(&store, &series("it", 0..3)).await;
    assert!(ask(&store, "it", "one", HOUR).await);
    store.clear().await.expect("clear succeeds");
    assert!(!ask(&store, "it", "two", HOUR).await, "`one` still has the lease");
}

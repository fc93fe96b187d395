//! F29: a fork without exec.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use fork::Fork;
use ticket_direct::HandlerOptions;
use ticket_tracing::{BackgroundHandler, TicketLayer};
use tracing_subscriber::prelude::*;

use crate::Case;
use crate::process::{LONG, Main, Victim, install, start};

pub(crate) const CASES: &[Case] =
    &[("f29_a_forked_child_neither_hangs_nor_uses_the_parents_store", forked)];

pub(crate) const VICTIMS: &[Main] = &[("forks", |victim| {
    let handler = victim.handler();
    install(&handler);
    tracing::error!("before the fork");
    handler.blocking_flush(LONG).unwrap();
    let _guard = handler.guard();
    match fork::fork().unwrap() {
        Fork::Child => {
            // Not even unwinding may lead back into the parent's `main`.
            let done = catch_unwind(AssertUnwindSafe(|| child(victim, &handler)));
            std::process::exit(i32::from(done.is_err()))
        }
        Fork::Parent(child) => {
            let alarm = Instant::now() + Duration::from_secs(10);
            let status = loop {
                if let Some(status) = fork::waitpid_nohang(child).unwrap() {
                    break status;
                }
                if Instant::now() > alarm {
                    let child = child.to_string();
                    std::process::Command::new("kill").args(["-9", &child]).status().unwrap();
                    panic!("the child hangs");
                }
                std::thread::sleep(Duration::from_millis(10));
            };
            assert_eq!(status, 0, "the child failed");
            tracing::error!("after the fork");
            handler.blocking_flush(LONG).unwrap();
            assert_eq!(handler.stats().dropped.total(), 0);
            ExitCode::SUCCESS
        }
    }
})];

fn child(victim: &Victim, handler: &BackgroundHandler) {
    tracing::info!("a breadcrumb in the child");
    tracing::error!("in the child");
    assert_eq!(handler.stats().dropped.forked, 1);
    assert!(handler.blocking_flush(Duration::from_secs(3_600)).is_err());
    drop(handler.guard());
    ticket_tracing::install_panic_hook(handler);
    assert!(catch_unwind(|| panic!("in the child")).is_err());

    // To record tickets, a child has to build its own handler.
    let own = BackgroundHandler::builder(HandlerOptions::new("child"));
    let own = own.backend(victim.store("child.db")).unwrap();
    let layer = TicketLayer::new(own.clone()).filtered();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        tracing::error!("in the child, by its own handler");
    });
    own.blocking_flush(LONG).unwrap();
}

fn forked() {
    let ended = start("forks", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["before the fork", "after the fork"]);
    let own: Vec<_> =
        ended.records_of("child.db").into_iter().map(|record| record.message).collect();
    assert_eq!(own, ["in the child, by its own handler"]);
}

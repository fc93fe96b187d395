//! F28: logging after `main` has ended. Threads are in `tests/teardown.rs`.

use std::cell::RefCell;
use std::process::ExitCode;

use crate::Case;
use crate::process::{LONG, Main, install, start};

pub(crate) const CASES: &[Case] = &[
    ("f28_logging_after_main_does_not_abort", after_main),
    ("f28_logging_from_a_blocking_task_that_outlives_its_runtime", outlives),
];

pub(crate) const VICTIMS: &[Main] = &[
    ("logs_after_main", |victim| {
        thread_local! {
            static LAST: RefCell<Option<LogsAtTheEnd>> = const { RefCell::new(None) };
        }
        LAST.with(|last| *last.borrow_mut() = Some(LogsAtTheEnd));
        let handler = victim.handler();
        let _guard = handler.guard().with_timeout(LONG);
        install(&handler);
        ticket_tracing::install_panic_hook(&handler);
        tracing::error!("in main");
        ExitCode::SUCCESS
    }),
    ("outlives_its_runtime", |victim| {
        let handler = victim.handler();
        install(&handler);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let (done, logged) = std::sync::mpsc::channel();
        runtime.spawn_blocking(move || {
            let _ = wait.recv();
            tracing::error!("from a blocking task");
            done.send(()).unwrap();
        });
        runtime.shutdown_timeout(std::time::Duration::ZERO);
        drop(go);
        logged.recv().unwrap();
        handler.blocking_flush(LONG).unwrap();
        ExitCode::SUCCESS
    }),
];

struct LogsAtTheEnd;

impl Drop for LogsAtTheEnd {
    fn drop(&mut self) {
        tracing::info!("a breadcrumb");
        tracing::error!("after main");
        eprintln!("logged after main");
    }
}

fn after_main() {
    let ended = start("logs_after_main", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.stderr, "logged after main\n");
    // What is logged after the guard was dropped is stored only if the process lives long enough.
    assert!(ended.messages().iter().any(|message| message == "in main"));
}

fn outlives() {
    let ended = start("outlives_its_runtime", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["from a blocking task"]);
}

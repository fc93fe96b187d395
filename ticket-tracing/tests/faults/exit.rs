//! F31: what happens to the last record for each way in which a process can end. `docs/operations.md` has the
//! table.

use std::ffi::OsString;
use std::fs;
use std::process::{Command, ExitCode};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::Case;
use crate::process::{LONG, Main, install, start, start_through};

pub(crate) const CASES: &[Case] = &[
    ("f31_returning_from_main_with_a_guard_keeps_the_last_record", with_guard),
    ("f31_returning_from_main_without_a_guard_ends_at_once", without_guard),
    ("f31_process_exit_after_a_flush_keeps_the_last_record", exit_after_flush),
    ("f31_sigterm_that_the_application_handles_keeps_the_last_record", sigterm_handled),
    ("f31_a_spool_folder_keeps_the_last_record_whatever_the_end", with_spool),
];

pub(crate) const VICTIMS: &[Main] = &[
    ("with_guard", |victim| {
        let handler = victim.handler();
        let _guard = handler.guard().with_timeout(LONG);
        install(&handler);
        tracing::error!("the last one");
        ExitCode::SUCCESS
    }),
    ("without_guard", |victim| {
        install(&victim.handler());
        tracing::error!("the last one");
        ExitCode::SUCCESS
    }),
    ("exit_after_flush", |victim| {
        let handler = victim.handler();
        install(&handler);
        tracing::error!("the last one");
        handler.blocking_flush(LONG).unwrap();
        std::process::exit(3)
    }),
    ("sigterm_handled", |victim| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let handler = victim.handler();
        install(&handler);
        runtime.block_on(async {
            let mut terminated = signal(SignalKind::terminate()).unwrap();
            fs::write(victim.path("ready"), "").unwrap();
            terminated.recv().await.unwrap();
            tracing::error!("the last one");
            let flush = ticket_core::TicketingBaseHandler::flush(&handler, LONG);
            flush.await.unwrap();
        });
        std::process::exit(0)
    }),
    ("spool_then_exit", |victim| {
        install(&victim.handler_with_spool());
        tracing::error!("the last one");
        std::process::exit(3)
    }),
    ("spool_then_abort", |victim| {
        install(&victim.handler_with_spool());
        tracing::error!("the last one");
        std::process::abort()
    }),
    ("spool_then_wait", |victim| {
        install(&victim.handler_with_spool());
        tracing::error!("the last one");
        fs::write(victim.path("ready"), "").unwrap();
        loop {
            thread::park();
        }
    }),
];

fn with_guard() {
    let ended = start("with_guard", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["the last one"]);
}

/// The record may be stored or not. Nothing hangs or panics, and it is not stored twice.
fn without_guard() {
    let ended = start("without_guard", &[]).wait();
    assert!(ended.status.success() && ended.stderr.is_empty(), "{}", ended.stderr);
    assert!(ended.messages().len() <= 1);
}

fn exit_after_flush() {
    let ended = start("exit_after_flush", &[]).wait();
    assert_eq!(ended.status.code(), Some(3), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["the last one"]);
}

fn kill(signal: &str, process: u32) {
    let process = process.to_string();
    assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
}

fn sigterm_handled() {
    let mut running = start("sigterm_handled", &[]);
    running.wait_for("ready");
    kill("-TERM", running.id());
    let ended = running.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["the last one"]);
}

fn with_spool() {
    for name in ["spool_then_exit", "spool_then_abort", "-TERM", "-INT", "-KILL"] {
        let ended = if name.starts_with('-') {
            // A background process of a shell ignores SIGINT, and so would the victim.
            let defaults = ["env", "--default-signal=INT,TERM"].map(OsString::from);
            let program = std::env::current_exe().unwrap().into_os_string();
            let command = [&defaults[..], &[program]].concat();
            let mut running = start_through(&command, "spool_then_wait", &[]);
            running.wait_for("ready");
            kill(name, running.id());
            running.wait()
        } else {
            start(name, &[]).wait()
        };
        assert!(!ended.status.success(), "{name}");
        ended.drain();
        assert_eq!(ended.messages(), ["the last one"], "{name}");
        ended.drain();
        assert_eq!(ended.messages(), ["the last one"], "{name}, once more");
    }
}

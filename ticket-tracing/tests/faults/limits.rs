//! F38: what the operating system refuses.

use std::ffi::OsString;
use std::fs::File;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use ticket_core::{Error, ErrorKind};
use ticket_direct::HandlerOptions;
use ticket_tracing::BackgroundHandler;

use crate::Case;
use crate::process::{LONG, Main, install, start, start_through};

pub(crate) const CASES: &[Case] = &[
    ("f38_no_thread_is_an_error_and_the_application_lives", no_thread),
    ("f38_no_files_are_waited_out", no_files),
];

pub(crate) const VICTIMS: &[Main] = &[
    ("no_thread", |victim| {
        let builder = BackgroundHandler::builder(HandlerOptions::new("app"));
        let error = builder.backend(victim.store("tickets.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        eprintln!("{error}");
        ExitCode::SUCCESS
    }),
    ("no_files", |victim| {
        let open = || File::open("/dev/null");
        let mut files: Vec<File> = std::iter::from_fn(|| open().ok()).collect();
        assert!(files.len() < 32 && open().is_err());
        let none = BackgroundHandler::builder(HandlerOptions::new("app"));
        if let Err(error) = none.backend(victim.store("tickets.db")) {
            assert_eq!(error.kind(), ErrorKind::Unavailable);
        }
        // A runtime takes a few; the store, later, does not get what it needs.
        files.truncate(files.len() - 8);
        let (store, gate) = (victim.store("tickets.db"), Arc::new(AtomicBool::new(false)));
        let is_open = Arc::clone(&gate);
        let connect = move || {
            let (store, is_open) = (store.clone(), is_open.load(SeqCst));
            async move {
                if is_open {
                    Ok(store)
                } else {
                    Err(Error::new(ErrorKind::Unavailable, "test", "later"))
                }
            }
        };
        let handler =
            BackgroundHandler::builder(HandlerOptions::new("app")).connect(connect).unwrap();
        files.extend(std::iter::from_fn(|| open().ok()));
        gate.store(true, SeqCst);
        install(&handler);
        tracing::error!("without files");
        assert!(handler.blocking_flush(std::time::Duration::from_millis(300)).is_err());
        drop(files);
        handler.blocking_flush(LONG).unwrap();
        ExitCode::SUCCESS
    }),
];

/// A stack that no machine has the addresses for.
fn no_thread() {
    let ended = start("no_thread", &[("RUST_MIN_STACK", "140737488355328")]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stderr.contains("thread"), "{}", ended.stderr);
}

fn no_files() {
    let program = std::env::current_exe().unwrap().into_os_string();
    let command = [OsString::from("prlimit"), "--nofile=32".into(), program];
    let ended = start_through(&command, "no_files", &[]).wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert_eq!(ended.messages(), ["without files"]);
}

//! Rust itself: this test program, started again, fails in three ways, each twice with other values.

use std::fs::File;
use std::process::Command;

use tempfile::TempDir;

use super::Outcome;
use super::expect::{self, Expected, Times};

/// The variable that makes this program one that fails, with the name of the logger.
pub(crate) const PROGRAM: &str = "TICKET_TEST_RUST_PROGRAM";

/// A logger of Rust, or the panic hook of the standard library.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    logger: &'static str,
    times: Times,
    expected: [Expected; 3],
}

const LOGGED: [Expected; 3] = [
    ("error", "shop::cart", "", "cannot pay"),
    ("error", "shop::cart", "", "cannot ship"),
    ("warning", "shop::cart", "", "is lost"),
];

#[rustfmt::skip]
pub(crate) const ALL: [Program; 6] = [
    Program { name: "rust_tracing", logger: "full", times: Times::Stated, expected: LOGGED },
    Program { name: "rust_tracing_compact", logger: "compact", times: Times::Stated, expected: LOGGED },
    Program { name: "rust_tracing_pretty", logger: "pretty", times: Times::Stated, expected: LOGGED },
    Program { name: "rust_tracing_json", logger: "json", times: Times::Stated, expected: LOGGED },
    Program { name: "rust_env_logger", logger: "env_logger", times: Times::Stated, expected: LOGGED },
    Program { name: "rust_panic", logger: "panic", times: Times::Missing, expected: [
        ("critical", "", "panic", "index out of bounds"),
        ("critical", "", "panic", "no card"),
        ("critical", "", "panic", "order is lost"),
    ] },
];

impl Program {
    pub(crate) fn check(&self) -> Outcome {
        let folder = TempDir::new()?;
        let log = folder.path().join("app.log");
        let file = File::create(&log)?;
        let mut program = Command::new(std::env::current_exe()?);
        program.env(PROGRAM, self.logger).env("RUST_BACKTRACE", "1").env("RUST_LOG", "info");
        let status = program.stdout(file.try_clone()?).stderr(file).status()?;
        assert!(status.success(), "{status}");
        expect::exactly(&log, self.times, &self.expected)
    }
}

/// Fails as the test wants it.
pub(crate) fn run(logger: &str) {
    let subscriber = tracing_subscriber::fmt().with_ansi(false);
    match logger {
        "compact" => subscriber.compact().init(),
        "pretty" => subscriber.pretty().init(),
        "json" => subscriber.json().init(),
        "env_logger" => env_logger::init(),
        "panic" => {}
        _ => subscriber.init(),
    }
    for number in [17, 4711] {
        match logger {
            "panic" => panics(number),
            "env_logger" => logs(number),
            _ => traces(number),
        }
    }
}

fn traces(number: usize) {
    let span = tracing::info_span!(target: "shop::cart", "order", number);
    let _entered = span.entered();
    tracing::info!(target: "shop::cart", "order begins");
    tracing::error!(target: "shop::cart", card = "visa", "cannot pay order {number}");
    tracing::error!(target: "shop::cart", weight = number, "cannot ship");
    tracing::warn!(target: "shop::cart", "order {number} is lost");
}

fn logs(number: usize) {
    log::info!(target: "shop::cart", "order {number} begins");
    log::error!(target: "shop::cart", "cannot pay order {number}");
    log::error!(target: "shop::cart", "cannot ship order {number}");
    log::warn!(target: "shop::cart", "order {number} is lost");
}

fn panics(number: usize) {
    let items = [1, 2, 3];
    let index = move || items[number];
    let pay = move || -> usize { panic!("no card {number}") };
    let lose = || -> usize { panic!("order is lost") };
    let ways: [Box<dyn Fn() -> usize + std::panic::UnwindSafe>; 3] =
        [Box::new(index), Box::new(pay), Box::new(lose)];
    for way in ways {
        // The hook has printed the panic.
        drop(std::panic::catch_unwind(way));
    }
}

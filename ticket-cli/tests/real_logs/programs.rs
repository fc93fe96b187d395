//! Programs in many languages that fail in three ways, each twice with other values.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::Outcome;
use super::expect::{self, Expected, Times};
use super::need::{Need, node_modules, python};
use super::server::output;

/// A program of the folder `programs`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    file: &'static str,
    /// The arguments of each run.
    runs: &'static [&'static [&'static str]],
    times: Times,
    expected: [Expected; 3],
}

const ONCE: &[&[&str]] = &[&[]];

/// What the programs for Python log, where the format has the logger's name.
const PYTHON: [Expected; 3] = [
    ("error", "shop.cart", "KeyError", "cannot pay"),
    ("error", "shop.cart", "ZeroDivisionError", "cannot ship"),
    ("error", "shop.cart", "", "is lost"),
];
const LOGURU: [Expected; 3] = [
    ("error", "__main__", "KeyError", "cannot pay"),
    ("error", "__main__", "ZeroDivisionError", "cannot ship"),
    ("error", "__main__", "", "is lost"),
];
const MONOLOG: [Expected; 3] = [
    ("error", "shop", "DomainException", "cannot pay"),
    ("critical", "shop", "RuntimeException", "cannot ship"),
    ("error", "shop", "", "is lost"),
];
const WINSTON: [Expected; 3] = [
    ("error", "", "TypeError", "Cannot read properties"),
    ("error", "", "RangeError", "are too many"),
    ("error", "", "", "is lost"),
];
const PHP_RUNS: &[&[&str]] = &[
    &["pay", "17"],
    &["ship", "17"],
    &["lose", "17"],
    &["pay", "4711"],
    &["ship", "4711"],
    &["lose", "4711"],
];
const NODE_RUNS: &[&[&str]] = &[
    &["pay", "17"],
    &["ship", "17"],
    &["read", "17"],
    &["pay", "4711"],
    &["ship", "4711"],
    &["read", "4711"],
];

#[rustfmt::skip]
pub(crate) fn all() -> Vec<Program> {
    use Need::{Node, Php, Program as Installed, Python};
    use Times::{Missing, Stated};
    let program = |name, need, file, runs, times, expected| Program { name, need, file, runs, times, expected };
    vec![
        program("python_logging", Python("logging"), "logging_.py", &[&["basic"]], Missing, PYTHON),
        program("python_logging_with_dashes", Python("logging"), "logging_.py", &[&["dashes"]], Stated, PYTHON),
        program("python_logging_with_spaces", Python("logging"), "logging_.py", &[&["spaces"]], Stated, PYTHON),
        program("python_logging_with_threads", Python("logging"), "logging_.py", &[&["thread"]], Stated, PYTHON),
        program("python_logging_with_places", Python("logging"), "logging_.py", &[&["place"]], Stated, PYTHON),
        program("python_loguru", Python("loguru"), "loguru_.py", &[&["text"]], Stated, LOGURU),
        program("python_loguru_json", Python("loguru"), "loguru_.py", &[&["json"]], Stated, LOGURU),
        program("python_structlog", Python("structlog"), "structlog_.py", &[&["console"]], Stated, PYTHON),
        program("python_structlog_json", Python("structlog"), "structlog_.py", &[&["json"]], Stated, PYTHON),
        program("python_django", Python("django"), "django_.py", ONCE, Stated, [
            ("error", "django.request", "KeyError", "Internal Server Error: /pay/"),
            ("error", "django.request", "ZeroDivisionError", "Internal Server Error: /ship/"),
            ("error", "shop.cart", "", "is lost"),
        ]),
        program("python_flask", Python("flask"), "flask_.py", ONCE, Stated, [
            ("error", "app", "KeyError", "Exception on /pay/"),
            ("error", "app", "ZeroDivisionError", "Exception on /ship/"),
            ("error", "flask_", "", "is lost"),
        ]),
        program("python_celery", Python("celery"), "celery_.py", ONCE, Stated, [
            ("error", "", "KeyError", "raised unexpected"),
            ("error", "", "ZeroDivisionError", "raised unexpected"),
            ("error", "", "", "is lost"),
        ]),
        program("node_uncaught", Installed("node"), "uncaught.js", NODE_RUNS, Missing, [
            ("error", "", "Error", "cannot pay order"),
            ("error", "", "TypeError", "Cannot read properties"),
            ("error", "", "Error", "ENOENT"),
        ]),
        program("node_pino", Node("pino"), "pino_.js", ONCE, Stated, [
            ("error", "shop.cart", "TypeError", "cannot pay"),
            ("critical", "shop.cart", "RangeError", "cannot ship"),
            ("error", "shop.cart", "", "is lost"),
        ]),
        program("node_winston", Node("winston"), "winston_.js", &[&["text"]], Stated, WINSTON),
        program("node_winston_json", Node("winston"), "winston_.js", &[&["json"]], Stated, WINSTON),
        program("php_uncaught", Installed("php"), "uncaught.php", PHP_RUNS, Stated, [
            ("error", "php", "TypeError", "must be of type int"),
            ("error", "php", "RuntimeException", "cannot weigh"),
            ("error", "php", "DomainException", "is lost"),
        ]),
        program("php_monolog", Php("Monolog/autoload.php"), "monolog_.php", &[&["line"]], Stated, MONOLOG),
        program("php_monolog_traces", Php("Monolog/autoload.php"), "monolog_.php", &[&["traces"]], Stated, MONOLOG),
        program("php_monolog_json", Php("Monolog/autoload.php"), "monolog_.php", &[&["json"]], Stated, MONOLOG),
        program("ruby_logger", Installed("ruby"), "logger_.rb", ONCE, Stated, [
            ("error", "shop", "KeyError", "key not found"),
            ("critical", "shop", "ArgumentError", "cannot ship order"),
            ("error", "shop", "", "is lost"),
        ]),
        program("elixir_logger", Installed("elixir"), "logger_.exs", ONCE, Missing, [
            ("error", "", "KeyError", "cannot pay order"),
            ("error", "", "ArgumentError", "terminating"),
            ("error", "", "", "is lost"),
        ]),
        program("erlang_logger", Installed("escript"), "logger_.escript", ONCE, Stated, [
            ("error", "", "badkey", "cannot pay order"),
            ("error", "", "cannot_weigh", "cannot_weigh"),
            ("error", "", "", "is lost"),
        ]),
        program("dotnet_with_bars", Installed("mcs"), "Cart.cs", ONCE, Stated, [
            ("error", "Shop.Cart", "System.Collections.Generic.KeyNotFoundException", "cannot pay order"),
            ("error", "Shop.Cart", "System.InvalidOperationException", "cannot ship order"),
            ("warning", "Shop.Cart", "", "is lost"),
        ]),
        program("java_util_logging", Installed("javac"), "Cart.java", ONCE, Stated, [
            ("error", "shop.Cart", "java.lang.ArrayIndexOutOfBoundsException", "cannot pay order"),
            ("error", "shop.Cart", "java.lang.IllegalStateException", "cannot ship order"),
            ("warning", "shop.Cart", "", "is lost"),
        ]),
    ]
}

impl Program {
    /// Runs the program and ingests what it wrote.
    pub(crate) fn check(&self) -> Outcome {
        let folder = TempDir::new()?;
        let log = folder.path().join("app.log");
        let source =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_logs/programs").join(self.file);
        let ending = self.file.rsplit('.').next().unwrap_or_default();
        if ending == "java" {
            output(Command::new("javac").arg("-d").arg(folder.path()).arg(&source))?;
        } else if ending == "cs" {
            output(
                Command::new("mcs").arg("-out:cart.exe").arg(&source).current_dir(folder.path()),
            )?;
        }
        for arguments in self.runs {
            let mut command = command(ending, &source, folder.path(), &log);
            let file = File::options().create(true).append(true).open(&log)?;
            command.args(*arguments).current_dir(folder.path());
            // A program that ends with an uncaught error fails.
            command.stdout(file.try_clone()?).stderr(file).env("TZ", "UTC").status()?;
        }
        // A worker of Celery has warnings of its own.
        if self.name == "python_celery" {
            return expect::tickets(&log, self.times, &self.expected).map(drop);
        }
        expect::exactly(&log, self.times, &self.expected)
    }
}

fn command(ending: &str, source: &Path, folder: &Path, log: &Path) -> Command {
    let mut command = match ending {
        "py" => Command::new(python()),
        "js" => Command::new("node"),
        "rb" => Command::new("ruby"),
        "php" => Command::new("php"),
        "exs" => Command::new("elixir"),
        "escript" => Command::new("escript"),
        "cs" => Command::new("mono"),
        _ => Command::new("java"),
    };
    match ending {
        "java" => {
            command.arg("-cp").arg(folder).arg("shop.Cart").env("LC_ALL", "C");
        }
        "cs" => {
            command.arg(folder.join("cart.exe"));
        }
        "js" => {
            command.arg(source).env("NODE_PATH", node_modules());
        }
        "php" => {
            let log: PathBuf = log.into();
            command.args(["-d", "log_errors=1", "-d", "display_errors=0", "-d"]);
            command.arg(format!("error_log={}", log.display())).arg(source);
        }
        _ => {
            command.arg(source);
        }
    }
    command
}

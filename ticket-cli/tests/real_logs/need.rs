//! What a case needs of the machine.

use std::path::Path;
use std::process::{Command, Stdio};

use libtest_mimic::{Failed, Trial};

use super::Outcome;

/// The variable with a Python that has the modules.
const PYTHON: &str = "TICKET_TEST_PYTHON";
/// The variable with the folder `node_modules`.
const NODE_MODULES: &str = "TICKET_TEST_NODE_MODULES";

/// A program, or a module of one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Need {
    /// A program, in the `PATH` or where Debian keeps those of servers.
    Program(&'static str),
    /// A module of Python.
    Python(&'static str),
    /// A package of Node.
    Node(&'static str),
    /// A file that PHP can load.
    Php(&'static str),
}

impl Need {
    /// Returns what is missing, and what would provide it.
    fn missing(self) -> Option<String> {
        let succeeds = |command: &mut Command| {
            let command = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        match self {
            Self::Program(name) => {
                find(name).is_none().then(|| format!("there is no `{name}`: install it"))
            }
            Self::Python(module) => {
                let import = format!("import {module}");
                (!succeeds(Command::new(python()).args(["-c", &import]))).then(|| {
                    format!(
                        "`{}` has no module `{module}`: name a Python that has it in {PYTHON}",
                        python()
                    )
                })
            }
            Self::Node(package) => {
                let folder = node_modules();
                let is_there = find("node").is_some() && Path::new(&folder).join(package).is_dir();
                (!is_there).then(|| format!("{NODE_MODULES} names no folder with `{package}`"))
            }
            Self::Php(file) => {
                let load = format!("require '{file}';");
                (!succeeds(Command::new("php").args(["-r", &load])))
                    .then(|| format!("`php` cannot load `{file}`: install php-cli and php-monolog"))
            }
        }
    }
}

/// Returns the Python that has the modules.
pub(crate) fn python() -> String {
    std::env::var(PYTHON).ok().filter(|path| !path.is_empty()).unwrap_or_else(|| "python3".into())
}

/// Returns the folder with the packages of Node.
pub(crate) fn node_modules() -> String {
    std::env::var(NODE_MODULES).unwrap_or_default()
}

/// Returns the path of a program.
pub(crate) fn find(name: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/lib/apache2", "/usr/local/sbin"]);
    let mut programs = folders.map(|folder| format!("{folder}/{name}"));
    programs.find(|program| Path::new(program).is_file())
}

/// Makes the test of a case. If something is missing, the case is ignored and says so where `cargo xtask test` looks
/// for the reason.
pub(crate) fn trial(
    name: &'static str,
    need: Need,
    case: impl FnOnce() -> Outcome + Send + 'static,
) -> Trial {
    let missing = need.missing();
    if let Some(reason) = &missing {
        eprintln!("ticket-cli: ignored {name}: capability {need:?}: {reason}");
    }
    let is_missing = missing.is_some();
    Trial::test(name, move || match missing {
        Some(reason) => Err(Failed::from(reason)),
        None => case().map_err(|error| Failed::from(error.to_string())),
    })
    .with_ignored_flag(is_missing)
}

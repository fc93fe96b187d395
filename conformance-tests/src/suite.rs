//! [`Suite`]: the test program of a backend.

use std::env;
use std::fmt;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use futures::future::FutureExt;
use libtest_mimic::{Arguments, Trial};
use ticket_core::Capability;

use crate::case::Case;
use crate::cases::{CASES, CaseEntry};
use crate::fixture::{BoxError, Fixture};
use crate::process;
use crate::runner::run_case;
use crate::subject::{Open, Subject};

/// The minimum number of cases that run concurrently, unless `--test-threads` says otherwise.
const MIN_THREADS: usize = 4;

/// The conformance suite for one backend.
///
/// ```no_run
/// # use ticket_conformance::{BoxError, Case, Fixture, Suite};
/// # use ticket_core::{Capability, Store};
/// # async fn open(_: &Case) -> Result<std::sync::Arc<dyn Store>, BoxError> { unimplemented!() }
/// fn main() -> std::process::ExitCode {
///     Suite::new("foo", |case: Case| async move { Ok(Fixture::new(open(&case).await?)) })
///         .needs_env("FOO_URL")
///         .without(Capability::SchemaVersions, "it has no schema")
///         .main()
/// }
/// ```
pub struct Suite {
    subject: Subject,
    needed: Vec<&'static str>,
}

impl Suite {
    /// Creates the suite for the backend called `name`.
    ///
    /// `open` opens the store of a [`Case`] without setting it up.
    pub fn new<F, R>(name: impl Into<String>, open: F) -> Self
    where
        F: Fn(Case) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Fixture, BoxError>> + Send + 'static,
    {
        let open: Open = Box::new(move |case| open(case).boxed());
        Self {
            subject: Subject { name: name.into(), open, lacking: Vec::new() },
            needed: Vec::new(),
        }
    }

    /// Requires an environment variable, such as a server's URL.
    ///
    /// While it is not set, every case is ignored with that reason. Under `CI=true` or
    /// `TICKET_REQUIRE_SERVERS=1` every case fails instead.
    #[must_use]
    pub fn needs_env(mut self, variable: &'static str) -> Self {
        self.needed.push(variable);
        self
    }

    /// Declares that the backend lacks a capability, and why.
    ///
    /// The cases that need it are ignored with that reason. The declaration has to agree with the
    /// backend's [`capabilities`](ticket_core::BackendBase::capabilities), which one case checks.
    #[must_use]
    pub fn without(mut self, capability: Capability, reason: impl Into<String>) -> Self {
        self.subject.lacking.push((capability, reason.into()));
        self
    }

    /// Runs the suite with the command line's arguments, which are those of `libtest`.
    ///
    /// Cases that need several processes start this program again, so `main` must do nothing else.
    #[must_use]
    pub fn main(self) -> ExitCode {
        if env::var_os(process::VARIABLE).is_some() {
            return process::main(&self.subject);
        }
        let mut arguments = Arguments::from_args();
        // Cases wait more than they compute: for locks, for answers, for other processes.
        arguments.test_threads.get_or_insert_with(|| {
            thread::available_parallelism().map_or(MIN_THREADS, |n| n.get().max(MIN_THREADS))
        });
        let missing = self.missing();
        let required = servers_are_required(|name| env::var(name).ok());
        let subject = Arc::new(self.subject);
        let trials = CASES
            .iter()
            .map(|entry| match obstacle(entry, &subject, missing, required) {
                Some(obstacle) => ignored(entry, &obstacle, &arguments),
                None => trial(entry, &subject, missing),
            })
            .collect();
        libtest_mimic::run(&arguments, trials).exit_code()
    }

    /// Returns the names of all cases.
    pub fn cases() -> impl Iterator<Item = &'static str> {
        CASES.iter().map(|entry| entry.name)
    }

    /// Runs a single case, even if the backend declares that it lacks what the case needs.
    ///
    /// The suite's own tests use it to run cases on backends that are wrong on purpose.
    ///
    /// # Errors
    ///
    /// The message of the failure, or that there is no case of this name.
    pub fn run_case(self, name: &str) -> Result<(), String> {
        let entry = CASES.iter().find(|entry| entry.name == name);
        let entry = entry.ok_or_else(|| format!("there is no case {name:?}"))?;
        run_case(entry, &Arc::new(self.subject))
    }

    fn missing(&self) -> Option<&'static str> {
        self.needed.iter().copied().find(|variable| env::var_os(variable).is_none())
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("backend", &self.subject.name)
            .field("lacking", &self.subject.lacking)
            .field("needed", &self.needed)
            .finish_non_exhaustive()
    }
}

/// Returns why a case cannot run, as it is printed; `None` if it can.
///
/// A missing variable is no obstacle where servers are required: the case then runs, and fails.
fn obstacle(
    entry: &CaseEntry,
    subject: &Subject,
    missing: Option<&str>,
    required: bool,
) -> Option<String> {
    if let Some(variable) = missing.filter(|_| !required) {
        return Some(format!("environment {variable}"));
    }
    let (capability, reason) =
        subject.lacking.iter().find(|(capability, _)| entry.needs.contains(capability))?;
    Some(format!("capability {capability}: {reason}"))
}

fn servers_are_required(variable: impl Fn(&str) -> Option<String>) -> bool {
    ["CI", "TICKET_REQUIRE_SERVERS"].into_iter().any(|name| {
        variable(name).is_some_and(|value| !["", "0", "false"].contains(&value.as_str()))
    })
}

#[allow(clippy::print_stderr, reason = "a test program prints why it ignores a case")]
fn ignored(entry: &'static CaseEntry, obstacle: &str, arguments: &Arguments) -> Trial {
    let failure = format!("cannot run: {obstacle}");
    // This body only runs with --ignored or --include-ignored.
    let trial = Trial::test(entry.name, || Err(failure.into())).with_ignored_flag(true);
    if !arguments.list && arguments.is_ignored(&trial) && !arguments.is_filtered_out(&trial) {
        eprintln!("ticket-conformance: ignored {}: {obstacle}", entry.name);
    }
    trial
}

fn trial(
    entry: &'static CaseEntry,
    subject: &Arc<Subject>,
    missing: Option<&'static str>,
) -> Trial {
    let subject = Arc::clone(subject);
    Trial::test(entry.name, move || run_unless(missing, entry, &subject).map_err(Into::into))
}

fn run_unless(
    missing: Option<&str>,
    entry: &CaseEntry,
    subject: &Arc<Subject>,
) -> Result<(), String> {
    match missing {
        Some(variable) => Err(format!(
            "the environment variable {variable} is not set, and CI or TICKET_REQUIRE_SERVERS requires it"
        )),
        None => run_case(entry, subject),
    }
}

#[cfg(test)]
mod tests {
    use ticket_memory::MemoryBackend;

    use super::*;

    fn suite() -> Suite {
        Suite::new("memory", |_| async { Ok(Fixture::new(MemoryBackend::new())) })
            .without(Capability::SharedStorage, "it is gone with its handle")
    }

    #[test]
    fn a_case_is_ignored_only_if_it_needs_a_lacking_capability() {
        let subject = suite().subject;
        for entry in CASES {
            let shared = entry.needs.contains(&Capability::SharedStorage);
            let reason = "capability SharedStorage: it is gone with its handle";
            let obstacle = obstacle(entry, &subject, None, true);
            assert_eq!(obstacle.as_deref(), shared.then_some(reason), "{}", entry.name);
        }
    }

    #[test]
    fn without_its_variable_every_case_is_ignored_or_fails_where_servers_are_required() {
        let subject = Arc::new(suite().subject);
        for entry in CASES.iter().filter(|entry| entry.needs.is_empty()) {
            let obstacle = |required| obstacle(entry, &subject, Some("FOO_URL"), required);
            assert_eq!(obstacle(false).as_deref(), Some("environment FOO_URL"));
            assert_eq!(obstacle(true), None);
        }
        let failure = run_unless(Some("FOO_URL"), &CASES[0], &subject).unwrap_err();
        assert!(failure.contains("FOO_URL is not set"), "{failure}");
    }

    #[test]
    fn servers_are_required_where_ci_says_so() {
        let required = |name: &'static str, value: &'static str| {
            servers_are_required(|asked| (asked == name).then(|| value.to_owned()))
        };
        assert!(required("CI", "true") && required("TICKET_REQUIRE_SERVERS", "1"));
        assert!(!required("CI", "false") && !required("CI", "") && !required("OTHER", "1"));
    }

    #[test]
    fn the_first_unset_variable_is_reported_as_missing() {
        let suite = suite().needs_env("PATH").needs_env("TICKET_CONFORMANCE_NO_SUCH_VARIABLE");
        assert_eq!(suite.missing(), Some("TICKET_CONFORMANCE_NO_SUCH_VARIABLE"));
        assert_eq!(self::suite().missing(), None);
    }

    #[test]
    fn one_case_can_be_run_by_its_name() {
        assert_eq!(suite().run_case("rule_01_a_batch_of_one_is_recorded"), Ok(()));
        assert!(suite().run_case("rule_99").unwrap_err().contains("rule_99"));
        // The reference backend lacks more than that, and the suite was not told.
        let told = suite().run_case("rule_26_capabilities_match_the_declaration");
        assert!(told.unwrap_err().contains("without()"));
    }
}

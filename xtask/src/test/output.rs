//! The output of test programs, read line by line.

use std::time::Duration;
use std::{iter, mem};

use super::build::Names;

/// The beginning of the line by which the conformance suite, the fault tests and the tests with real logs say why they
/// ignore a case: `ticket-conformance: ignored <case>: capability <Capability>: <reason>`.
const DECLARATIONS: [&str; 3] =
    ["ticket-conformance: ignored ", "ticket-faults: ignored ", "ticket-cli: ignored "];

/// The tests of a program, or of a crate's documentation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    /// The failed tests whose output could be read.
    failures: Vec<Failure>,
    /// The names of the ignored tests.
    ignored_names: Vec<String>,
    declared: Vec<Declared>,
    /// Whether its closing line, `test result: …`, was read.
    complete: bool,
    /// How long it ran, if it ran by itself.
    pub(crate) time: Option<Duration>,
}

/// A failed test and the beginning of its output.
#[derive(Debug, Default, PartialEq, Eq)]
struct Failure {
    test: String,
    output: Vec<String>,
    /// Whether the lines that follow belong to it.
    open: bool,
}

/// A case that needs something that the backend or the machine declares it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) case: String,
    pub(crate) capability: String,
    pub(crate) reason: String,
}

impl Target {
    /// The declared cases that really were ignored.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &Declared> {
        self.declared.iter().filter(|declared| self.ignored_names.contains(&declared.case))
    }

    fn close_failure(&mut self) {
        if let Some(failure) = self.failures.last_mut() {
            failure.open = false;
        }
    }

    fn is_declared(&self, test: &str) -> bool {
        self.declared.iter().any(|declared| declared.case == test)
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        let Self { name, failed, failures, ignored, ignored_names, complete, .. } = self;
        let broken_off = (!complete).then(|| format!("{name}: ended before its last test"));
        let failed = (*failed > 0).then(|| {
            let failures: String = failures.iter().map(Failure::shown).collect();
            format!("{name}: {failed} failed{failures}")
        });
        let undeclared =
            ignored_names.iter().filter(|test| !self.is_declared(test)).map(move |test| {
                format!("{name}: `{test}` was ignored, and no declared capability says why")
            });
        // A test's own output in the middle of a line can hide a name, but not the count.
        let unnamed = ignored.saturating_sub(ignored_names.len());
        let unnamed = (unnamed > 0).then(|| format!("{name}: {unnamed} more tests were ignored"));
        broken_off.into_iter().chain(failed).chain(undeclared).chain(unnamed)
    }
}

impl Failure {
    /// The lines of output that are kept: the message, but not the whole backtrace behind it.
    const LINES: usize = 12;

    fn shown(&self) -> String {
        let indented = self.output.iter().map(|line| format!("\n    {line}"));
        iter::once(format!("\n  {}", self.test)).chain(indented).collect()
    }

    fn add(&mut self, line: &str) {
        if !line.trim().is_empty() && self.output.len() < Self::LINES {
            self.output.push(line.to_owned());
        }
    }
}

/// The results of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    names: Names,
    pub(crate) targets: Vec<Target>,
    current: Target,
}

impl Report {
    pub(crate) fn new(names: Names) -> Self {
        Self { names, ..Self::default() }
    }

    pub(crate) fn read_line(&mut self, line: &str) {
        if let Some(name) = self.started(line) {
            self.begin(name);
        } else if let Some(declared) = declared(line) {
            self.current.declared.push(declared);
        } else if let Some(test) = ignored_test(line) {
            self.current.ignored_names.push(test.to_owned());
        } else if let Some(test) = failed_test(line) {
            let test = test.to_owned();
            self.current.failures.push(Failure { test, open: true, ..Failure::default() });
        } else if line == "failures:" {
            self.current.close_failure();
        } else if let Some([passed, failed, ignored]) = result(line) {
            // A name can have several: the documentation tests of one crate run in two groups.
            self.current.passed += passed;
            self.current.failed += failed;
            self.current.ignored += ignored;
            self.current.complete = true;
        } else if let Some(failure) = self.current.failures.last_mut().filter(|last| last.open) {
            failure.add(line);
        }
    }

    /// Starts a target: the following lines belong to it.
    pub(crate) fn begin(&mut self, name: String) {
        self.finish();
        self.current.name = name;
    }

    /// Closes the last target.
    pub(crate) fn finish(&mut self) {
        let target = mem::take(&mut self.current);
        if target != Target::default() {
            self.targets.push(target);
        }
    }

    /// Returns `true` if the last target ran any test. The program itself does not consider it a failure if
    /// its filter matches none.
    pub(crate) fn last_has_run(&self) -> bool {
        self.targets.last().is_some_and(|target| target.passed + target.failed > 0)
    }

    /// Adds the targets of another run.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.finish();
        self.targets.extend(other.targets);
    }

    /// Notes how long the run took, if it is of one target.
    pub(crate) fn took(&mut self, time: Duration) {
        if let [target] = self.targets.as_mut_slice() {
            target.time = Some(time);
        }
    }

    /// Accepts tests that were ignored because no server was named to them.
    pub(crate) fn excuse_missing_servers(&mut self) {
        for target in &mut self.targets {
            let missing = |name: &&String| name.contains(" is not set: ");
            target.declared.extend(target.ignored_names.iter().filter(missing).map(|name| {
                Declared {
                    case: name.clone(),
                    capability: "a server".to_owned(),
                    reason: "this is a quick run".to_owned(),
                }
            }));
        }
    }

    pub(crate) fn passed(&self) -> usize {
        self.targets.iter().map(|target| target.passed).sum()
    }

    /// The number of failed tests, plus one for each program that ended before its last test.
    pub(crate) fn failed(&self) -> usize {
        self.targets.iter().map(|target| target.failed + usize::from(!target.complete)).sum()
    }

    pub(crate) fn ignored(&self) -> usize {
        self.targets.iter().map(|target| target.ignored).sum()
    }

    /// The reasons why the run is not a success.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let nothing = self.passed() + self.failed() == 0;
        let nothing = nothing.then(|| "no test has run".to_owned());
        self.targets.iter().flat_map(Target::problems).chain(nothing)
    }

    /// The name of the target that the line announces, with cargo's own indent:
    /// `     Running tests/conformance.rs (target/debug/deps/conformance-0123)`,
    /// `   Doc-tests ticket_core`.
    fn started(&self, line: &str) -> Option<String> {
        if let Some(name) = line.strip_prefix("   Doc-tests ") {
            return Some(format!("{} (documentation)", name.replace('_', "-")));
        }
        let (source, program) =
            line.strip_prefix("     Running ")?.strip_suffix(')')?.split_once(" (")?;
        let file = program.rsplit(['/', '\\']).next()?;
        Some(self.names.get(file).cloned().unwrap_or_else(|| source.to_owned()))
    }
}

/// `12 passed`, `0 failed`, `1 ignored` from a line such as
/// `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`.
fn result(line: &str) -> Option<[usize; 3]> {
    let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
    let mut counts = counts.split("; ");
    let mut count = |what: &str| counts.next()?.strip_suffix(what)?.trim_end().parse().ok();
    Some([count("passed")?, count("failed")?, count("ignored")?])
}

/// The name from `test name ... ignored` and `test name ... ignored, reason`.
fn ignored_test(line: &str) -> Option<&str> {
    let (name, outcome) = line.strip_prefix("test ")?.rsplit_once(" ... ")?;
    let ignored = outcome == "ignored" || outcome.starts_with("ignored,");
    ignored.then(|| name.trim_end())
}

/// The name from `---- name stdout ----` and `---- name ----`, the headings of what failed tests have printed.
fn failed_test(line: &str) -> Option<&str> {
    let name = line.strip_prefix("---- ")?.strip_suffix(" ----")?;
    Some(name.strip_suffix(" stdout").unwrap_or(name))
}

fn declared(line: &str) -> Option<Declared> {
    let (_, declaration) = DECLARATIONS.iter().find_map(|words| line.split_once(words))?;
    let (case, rest) = declaration.split_once(": capability ")?;
    let (capability, reason) = rest.split_once(": ").unwrap_or((rest, ""));
    let [case, capability, reason] = [case, capability, reason].map(|text| text.trim().to_owned());
    Some(Declared { case, capability, reason })
}

#[cfg(test)]
mod tests;

//! What `cargo test` says, read line by line.

use std::mem;

use super::build::Names;

/// How the conformance suite, and the faults on a machine that lacks something, tell why they ignore a case:
/// `ticket-conformance: ignored <case>: capability <Capability>: <reason>`.
const DECLARATIONS: [&str; 2] = ["ticket-conformance: ignored ", "ticket-faults: ignored "];

/// The tests of one program, or of one crate's documentation.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) ignored: usize,
    /// The names of the ignored tests.
    ignored_names: Vec<String>,
    declared: Vec<Declared>,
    /// Whether the closing `test result:` was seen.
    complete: bool,
}

/// A case that needs what the backend, by its own declaration, lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declared {
    pub(crate) case: String,
    pub(crate) capability: String,
    pub(crate) reason: String,
}

impl Target {
    /// The declared cases that were indeed ignored.
    pub(crate) fn skipped(&self) -> impl Iterator<Item = &Declared> {
        self.declared.iter().filter(|declared| self.ignored_names.contains(&declared.case))
    }

    fn is_declared(&self, test: &str) -> bool {
        self.declared.iter().any(|declared| declared.case == test)
    }

    fn problems(&self) -> impl Iterator<Item = String> {
        let Self { name, passed: _, failed, ignored, ignored_names, complete, .. } = self;
        let broken_off =
            (!complete).then(|| format!("{name}: ended before its tests were through"));
        let failed = (*failed > 0).then(|| format!("{name}: {failed} failed"));
        let undeclared =
            ignored_names.iter().filter(|test| !self.is_declared(test)).map(move |test| {
                format!("{name}: `{test}` was ignored, and no declared capability says why")
            });
        // Output of a test in the middle of the line can hide a name, but not the count.
        let unnamed = ignored.saturating_sub(ignored_names.len());
        let unnamed = (unnamed > 0).then(|| format!("{name}: {unnamed} more were ignored unnamed"));
        broken_off.into_iter().chain(failed).chain(undeclared).chain(unnamed)
    }
}

/// All that a run of `cargo test` has told.
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
        } else if let Some([passed, failed, ignored]) = result(line) {
            // More than one for one name: documentation tests of one crate come in two lots.
            self.current.passed += passed;
            self.current.failed += failed;
            self.current.ignored += ignored;
            self.current.complete = true;
        }
    }

    /// What follows is of this target.
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

    /// Whether the target that was closed last had any test. A filter that finds none is no failure to
    /// the program itself.
    pub(crate) fn last_has_run(&self) -> bool {
        self.targets.last().is_some_and(|target| target.passed + target.failed > 0)
    }

    pub(crate) fn passed(&self) -> usize {
        self.targets.iter().map(|target| target.passed).sum()
    }

    /// The failed tests, and one for each program that did not get to the end of its tests.
    pub(crate) fn failed(&self) -> usize {
        self.targets.iter().map(|target| target.failed + usize::from(!target.complete)).sum()
    }

    pub(crate) fn ignored(&self) -> usize {
        self.targets.iter().map(|target| target.ignored).sum()
    }

    /// Why the run is not a success; empty if it is.
    pub(crate) fn problems(&self) -> impl Iterator<Item = String> {
        let nothing = self.passed() + self.failed() == 0;
        let nothing = nothing.then(|| "no test has run".to_owned());
        self.targets.iter().flat_map(Target::problems).chain(nothing)
    }

    /// The name of the target whose tests follow, if the line announces one, at cargo's own indent:
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

fn declared(line: &str) -> Option<Declared> {
    let (_, declaration) = DECLARATIONS.iter().find_map(|words| line.split_once(words))?;
    let (case, rest) = declaration.split_once(": capability ")?;
    let (capability, reason) = rest.split_once(": ").unwrap_or((rest, ""));
    let [case, capability, reason] = [case, capability, reason].map(|text| text.trim().to_owned());
    Some(Declared { case, capability, reason })
}

#[cfg(test)]
mod tests;

//! The suite's own test, with backends that are wrong on purpose.
//!
//! For each case there is at least one backend with a single fault that the case finds, and the same backend
//! without a fault passes all cases. This test therefore fails if a case no longer finds its fault, if a case is
//! removed while its fault is listed, and if a new case has no fault to find.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test program without a harness")]

mod answers;
mod clauses;
mod database;
mod deleting;
mod events;
mod history;
mod ids;
mod journal;
mod leases;
mod merging;
mod outage;
mod paging;
mod payloads;
mod positions;
mod processes;
mod reading;
mod recording;
mod releases;
mod reports;
mod retention;
mod setup;
mod status;
mod texts;
mod values;
mod wrong;

use std::collections::{BTreeSet, HashMap};
use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use ticket_conformance::{Case, Fixture, Suite};

use crate::database::{Away, Connection, Databases, Storage, Versions};
use crate::wrong::{CORRECT, Hooks, Wrong};

/// A backend with a single fault.
struct Mutant {
    /// A unique description of the fault.
    fault: &'static str,
    /// The cases that find the fault. Each finds it on its own.
    found_by: &'static [&'static str],
    hooks: Hooks,
}

/// All faults by area.
const MUTANTS: &[&[Mutant]] = &[
    recording::MUTANTS,
    ids::MUTANTS,
    deleting::MUTANTS,
    status::MUTANTS,
    releases::MUTANTS,
    paging::MUTANTS,
    reading::MUTANTS,
    events::MUTANTS,
    clauses::MUTANTS,
    retention::MUTANTS,
    history::MUTANTS,
    leases::MUTANTS,
    merging::MUTANTS,
    positions::MUTANTS,
    reports::MUTANTS,
    processes::MUTANTS,
    values::MUTANTS,
    texts::MUTANTS,
    payloads::MUTANTS,
    setup::MUTANTS,
    outage::MUTANTS,
];

/// How many runs a case with several processes has to find a fault.
const RACES: u32 = 3;

/// The fault that only random sequences find.
const FOUND_BY_CHANCE: &str = "forgets max_count if an application is given";

static FAULTLESS: Mutant = Mutant { fault: "none", found_by: &[], hooks: CORRECT };

const SECRET: &str = "swordfish";

/// How long a call may take while the database is away. The correct backend does not wait.
const OUTAGE_LIMIT: Duration = Duration::from_secs(2);

/// The fault and the case, in a process that runs a single case and in the processes that the case starts.
const FAULT_VARIABLE: &str = "TICKET_WRONG_FAULT";
const CASE_VARIABLE: &str = "TICKET_WRONG_CASE";

/// The exit code of such a process if the case failed, as it should with a fault.
const CASE_FAILED: u8 = 3;

fn main() -> ExitCode {
    match (env::var(FAULT_VARIABLE), env::var(CASE_VARIABLE)) {
        (Ok(fault), Ok(case)) => run_alone(&fault, &case),
        _ => libtest_mimic::run(&Arguments::from_args(), trials()).exit_code(),
    }
}

fn trials() -> Vec<Trial> {
    let correct = Suite::cases().map(|case| {
        Trial::test(format!("the correct backend passes {case}"), move || {
            Ok(run(&FAULTLESS, case)?)
        })
    });
    let wrong = mutants().flat_map(|mutant| {
        mutant.found_by.iter().map(move |case| {
            let name = format!("{case} finds: {}", mutant.fault);
            Trial::test(name, move || find(mutant, case))
        })
    });
    let list = Trial::test("every case finds a fault and every rule is broken by one", || {
        let known: BTreeSet<&str> = Suite::cases().collect();
        let finding: BTreeSet<&str> =
            mutants().flat_map(|mutant| mutant.found_by).copied().collect();
        let idle: Vec<_> = known.difference(&finding).collect();
        assert!(idle.is_empty(), "these cases have no fault to find: {idle:#?}");
        let unnoticed: Vec<_> = mutants()
            .filter(|mutant| mutant.found_by.is_empty())
            .map(|mutant| mutant.fault)
            .collect();
        assert!(unnoticed.is_empty(), "no case finds these faults: {unnoticed:?}");
        let faults: BTreeSet<&str> = mutants().map(|mutant| mutant.fault).collect();
        assert_eq!(faults.len(), mutants().count(), "a fault is listed twice");
        for rule in 1..=33 {
            let rule = format!("rule_{rule:02}_");
            assert!(finding.iter().any(|case| case.starts_with(&rule)), "no fault breaks {rule}");
        }
        Ok(())
    });
    let chance =
        Trial::test("only random sequences find the fault that no other case covers", || {
            let mutant = mutants().find(|mutant| mutant.fault == FOUND_BY_CHANCE);
            let mutant = mutant.ok_or("the fault is not in the list")?;
            for case in Suite::cases().filter(|case| !mutant.found_by.contains(case)) {
                run(mutant, case).map_err(|failure| format!("{case} finds it too: {failure}"))?;
            }
            Ok(())
        });
    correct.chain(wrong).chain([list, chance]).collect()
}

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    MUTANTS.iter().copied().flatten()
}

fn find(mutant: &'static Mutant, case: &str) -> Result<(), libtest_mimic::Failed> {
    if !Suite::cases().any(|known| known == case) {
        return Err(format!("there is no case {case:?} that could find it").into());
    }
    // The processes of a busy machine sometimes take turns, and then there is no race to lose.
    let runs = if starts_processes(case) { RACES } else { 1 };
    for number in 1..=runs {
        if run(mutant, case).is_err() {
            return Ok(());
        }
        eprintln!("run {number} of {runs}: {case} did not find: {}", mutant.fault);
    }
    Err("the case passed and did not find the fault".into())
}

fn run(mutant: &'static Mutant, case: &str) -> Result<(), String> {
    if starts_processes(case) {
        return run_apart(mutant, case);
    }
    suite(mutant, false).run_case(case)
}

/// Returns `true` if a case starts further processes. They are this program again, and have to know their fault.
fn starts_processes(case: &str) -> bool {
    case.contains("process")
}

fn run_apart(mutant: &Mutant, case: &str) -> Result<(), String> {
    let mut process = Command::new(env::current_exe().unwrap());
    process.env(FAULT_VARIABLE, mutant.fault).env(CASE_VARIABLE, case);
    let output = process.output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Ok(()),
        Some(code) if code == i32::from(CASE_FAILED) => Err(text.into_owned()),
        _ => panic!("the case did not complete: {}: {text}", output.status),
    }
}

fn run_alone(fault: &str, case: &str) -> ExitCode {
    let mutant = mutants().find(|mutant| mutant.fault == fault).unwrap_or(&FAULTLESS);
    let suite = suite(mutant, true);
    if env::var_os("TICKET_CONFORMANCE_PROCESS").is_some() {
        return suite.main();
    }
    match suite.run_case(case) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(CASE_FAILED)
        }
    }
}

fn suite(mutant: &'static Mutant, processes: bool) -> Suite {
    let stores = Arc::new(Mutex::new(Stores::default()));
    Suite::new("wrong", move |case: Case| {
        let stores = Arc::clone(&stores);
        async move { Ok(stores.lock().unwrap().open(mutant, &case, processes)) }
    })
}

/// The stores of a run. The same namespace is the same store.
#[derive(Default)]
struct Stores {
    stores: HashMap<(PathBuf, String), Wrong>,
    databases: Databases,
}

impl Stores {
    fn open(&mut self, mutant: &'static Mutant, case: &Case, processes: bool) -> Fixture {
        let namespace = if mutant.hooks.one_for_all { "" } else { case.namespace() };
        let storage = (case.directory().to_owned(), namespace.to_owned());
        let database = self.databases.of(case);
        let new = || {
            let storage = Storage::new(case, Arc::clone(&database), processes);
            Wrong::new(&mutant.hooks, storage)
        };
        let mut store = match mutant.hooks.one_for_each_handle {
            true => new(),
            false => self.stores.entry(storage).or_insert_with(new).clone(),
        };
        store.storage.autocreate = case.autocreate();
        let storage = store.storage.clone();
        Fixture::new(store)
            .with_outage(Away(Arc::clone(&database)), OUTAGE_LIMIT)
            .with_application(Connection(database))
            .with_schema(Versions(storage))
            .with_secret(SECRET)
    }
}

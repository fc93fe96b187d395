//! The suite's own test: backends that are wrong on purpose.
//!
//! For each case there is at least one backend with one fault that the case finds, and the same backend
//! without a fault passes all cases. So a case that is removed, or that finds nothing any more, makes
//! this test fail, and so does a new case without a backend that needs it.

mod database;
mod recording;
mod status;
mod wrong;

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use ticket_conformance::{BoxError, Case, Fixture, Suite};

use crate::database::{Connection, Databases, Place, Versions};
use crate::wrong::{Hooks, RIGHT, Wrong};

/// A backend with one fault.
struct Mutant {
    /// What it does wrong; unique.
    fault: &'static str,
    /// The cases that find it, each for itself.
    found_by: &'static [&'static str],
    hooks: Hooks,
}

/// All of them, area by area.
const MUTANTS: &[&[Mutant]] = &[recording::MUTANTS, status::MUTANTS];

static FAULTLESS: Mutant = Mutant { fault: "none", found_by: &[], hooks: RIGHT };

const SECRET: &str = "swordfish";

/// In a case's folder: which fault other processes are to have.
const FAULT_FILE: &str = "fault";

fn main() -> ExitCode {
    if std::env::var_os("TICKET_CONFORMANCE_WORKER").is_some() {
        // Another process of a case: which fault it has stands in the case's folder.
        return Suite::new("wrong", |case: Case| async move {
            let fault = fs::read_to_string(case.directory().join(FAULT_FILE))?;
            let mutant = mutants().find(|mutant| mutant.fault == fault).unwrap_or(&FAULTLESS);
            Stores::default().open(mutant, &case, true)
        })
        .main();
    }
    let right = Suite::cases().map(|case| {
        Trial::test(format!("the right backend passes {case}"), move || Ok(run(&FAULTLESS, case)?))
    });
    let wrong = mutants().flat_map(|mutant| {
        mutant.found_by.iter().map(move |case| {
            let name = format!("{case} finds: {}", mutant.fault);
            Trial::test(name, move || find(mutant, case))
        })
    });
    let list = Trial::test("every case finds a fault and every rule is broken", || {
        let known: BTreeSet<&str> = Suite::cases().collect();
        let finding: BTreeSet<&str> =
            mutants().flat_map(|mutant| mutant.found_by).copied().collect();
        let idle: Vec<_> = known.difference(&finding).collect();
        assert!(idle.is_empty(), "these cases have no fault to find: {idle:#?}");
        let faults: BTreeSet<&str> = mutants().map(|mutant| mutant.fault).collect();
        assert_eq!(faults.len(), mutants().count(), "a fault is listed twice");
        for rule in 1..=27 {
            let rule = format!("rule_{rule:02}_");
            assert!(finding.iter().any(|case| case.starts_with(&rule)), "{rule} is not broken");
        }
        Ok(())
    });
    let trials = right.chain(wrong).chain([list]).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn mutants() -> impl Iterator<Item = &'static Mutant> {
    MUTANTS.iter().copied().flatten()
}

fn find(mutant: &'static Mutant, case: &str) -> Result<(), libtest_mimic::Failed> {
    if !Suite::cases().any(|known| known == case) {
        return Err(format!("there is no case {case:?} that could find it").into());
    }
    match run(mutant, case) {
        Err(_) => Ok(()),
        Ok(()) => Err("the case has passed: it does not find the fault".into()),
    }
}

fn run(mutant: &'static Mutant, case: &str) -> Result<(), String> {
    let stores = Arc::new(Mutex::new(Stores::default()));
    let processes = case.contains("process");
    let suite = Suite::new("wrong", move |case: Case| {
        let stores = Arc::clone(&stores);
        async move { stores.lock().unwrap().open(mutant, &case, processes) }
    });
    suite.run_case(case)
}

/// The stores of a run: the same namespace means the same store.
#[derive(Default)]
struct Stores {
    stores: HashMap<(PathBuf, String), Wrong>,
    databases: Databases,
}

impl Stores {
    fn open(
        &mut self,
        mutant: &'static Mutant,
        case: &Case,
        processes: bool,
    ) -> Result<Fixture, BoxError> {
        fs::write(case.directory().join(FAULT_FILE), mutant.fault)?;
        let namespace = if mutant.hooks.one_for_all { "" } else { case.namespace() };
        let place = (case.directory().to_owned(), namespace.to_owned());
        let database = self.databases.of(case);
        let store = self.stores.entry(place).or_insert_with(|| {
            let place = Place::new(case, Arc::clone(&database), processes);
            Wrong::new(&mutant.hooks, place)
        });
        let mut store = store.clone();
        store.place.autocreate = case.autocreate();
        let place = store.place.clone();
        Ok(Fixture::new(store)
            .with_application(Connection(database))
            .with_schema(Versions(place))
            .with_secret(SECRET))
    }
}

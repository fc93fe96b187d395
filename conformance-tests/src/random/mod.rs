//! The case for the rules about tickets and events together. It runs random sequences of operations on a backend and on
//! the reference, [`MemoryBackend`], and compares every result. A sequence with a result that differs is shrunk and
//! printed.

mod executor;
mod operation;
mod samples;
mod strategy;

use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use ticket_core::{Capability, Store};
use ticket_memory::MemoryBackend;

use self::executor::Executor;
use self::operation::Operation;
use crate::context::Context;

/// A fixed default, so that two runs of a suite are the same; see [`Settings::from_env`].
const SEED: u64 = 27;
const SEQUENCES: u32 = 200;
/// A run ends after this time even if a slow backend has not completed all sequences, but not before
/// [`MIN_SEQUENCES`].
const BUDGET: Duration = Duration::from_secs(20);
const MIN_SEQUENCES: u32 = 10;
/// Shrinking ends after this time, with the shortest sequence found so far.
const SHRINKING: Duration = Duration::from_secs(20);

/// Which sequences are run, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    seed: u64,
    sequences: u32,
    /// The time limit; `None` for none.
    budget: Option<Duration>,
}

impl Settings {
    /// Reads the environment: `TICKET_CONFORMANCE_SEED` selects other sequences, and
    /// `TICKET_CONFORMANCE_CASES` sets their number and removes the time limit.
    fn from_env() -> Result<Self, String> {
        let seed = number("TICKET_CONFORMANCE_SEED")?.unwrap_or(SEED);
        Ok(match number("TICKET_CONFORMANCE_CASES")? {
            Some(sequences) => Self { seed, sequences, budget: None },
            None => Self { seed, sequences: SEQUENCES, budget: Some(BUDGET) },
        })
    }

    fn runner(self) -> TestRunner {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&self.seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        TestRunner::new_with_rng(Config::default(), rng)
    }
}

/// Reads a number from an environment variable; `None` if it is not set.
fn number<T: std::str::FromStr>(variable: &str) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| format!("{variable} is {text:?}: set it to a number or unset it"))
}

pub(crate) async fn random_sequences_are_indistinguishable_from_the_reference(cx: Context) {
    let store = cx.store().await;
    let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
    // proptest's strategies are not `Send`, so they stay on one thread.
    let runtime = tokio::runtime::Handle::current();
    let running = tokio::task::spawn_blocking(move || runtime.block_on(run(&*store, settings)));
    match running.await.expect("the executor does not panic") {
        Ok(completed) => print_completed(cx.name(), completed, settings),
        Err(difference) => {
            // It has all the calls.
            cx.calls().forget();
            panic!("{difference}")
        }
    }
}

/// Prints how many sequences were run: a run that the time limit ended must not look like a complete one.
#[allow(clippy::print_stderr, reason = "a test program prints how much it has tested")]
fn print_completed(backend: &str, completed: u32, Settings { seed, sequences, .. }: Settings) {
    eprintln!(
        "ticket-conformance: {backend}: ran {completed} of {sequences} random sequences, seed {seed}"
    );
}

/// Runs random sequences on the store and on the reference, and returns how many it ran. It empties the
/// store before each of them.
async fn run(store: &dyn Store, settings: Settings) -> Result<u32, String> {
    let mut runner = settings.runner();
    let strategy = strategy::sequence(store.capabilities().has(Capability::Events));
    let started = Instant::now();
    let mut completed = 0;
    while completed < settings.sequences && !is_over(settings, started, completed) {
        let mut sequence = strategy
            .new_tree(&mut runner)
            .map_err(|reason| format!("cannot generate a sequence: {reason}"))?;
        if let Some(difference) = difference(store, &sequence.current()).await? {
            let (sequence, difference) = shrink(store, &mut sequence, difference).await?;
            return Err(report(settings.seed, completed, &sequence, &difference));
        }
        completed += 1;
    }
    Ok(completed)
}

fn is_over(settings: Settings, started: Instant, completed: u32) -> bool {
    completed >= MIN_SEQUENCES && settings.budget.is_some_and(|budget| started.elapsed() > budget)
}

/// The first difference between the results of a sequence.
struct Difference {
    /// The index of the operation.
    operation: usize,
    /// A description of the two results.
    text: String,
}

/// Runs a sequence on both stores, up to the first result that differs.
async fn difference(
    store: &dyn Store,
    sequence: &[Operation],
) -> Result<Option<Difference>, String> {
    let reference = MemoryBackend::new();
    let mut expected = Executor::new(&reference);
    let mut actual = Executor::new(store);
    actual.start_empty().await?;
    for (operation, next) in sequence.iter().enumerate() {
        let (expected, actual) = (expected.run(next).await, actual.run(next).await);
        if let Some(text) = expected.difference(&actual) {
            return Ok(Some(Difference { operation, text }));
        }
    }
    Ok(None)
}

/// Makes a failing sequence as short and simple as possible within [`SHRINKING`].
async fn shrink(
    store: &dyn Store,
    tree: &mut impl ValueTree<Value = Vec<Operation>>,
    difference_of_all: Difference,
) -> Result<(Vec<Operation>, Difference), String> {
    let started = Instant::now();
    let mut best = (tree.current(), difference_of_all);
    let mut goes_on = tree.simplify();
    while goes_on && started.elapsed() < SHRINKING {
        let sequence = tree.current();
        goes_on = match difference(store, &sequence).await? {
            Some(difference) => {
                best = (sequence, difference);
                tree.simplify()
            }
            None => tree.complicate(),
        };
    }
    Ok(best)
}

fn report(seed: u64, number: u32, sequence: &[Operation], difference: &Difference) -> String {
    let mut text =
        format!("sequence {number} of seed {seed} differs from the reference, shrunk:\n");
    for (index, operation) in sequence.iter().take(difference.operation + 1).enumerate() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {}. {operation}", index + 1);
    }
    text.push_str(&difference.text);
    text
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn the_reference_does_not_differ_from_itself() {
        let settings = Settings { seed: SEED, sequences: SEQUENCES, budget: None };
        assert_eq!(block_on(run(&MemoryBackend::new(), settings)), Ok(SEQUENCES));
    }

    #[test]
    fn equal_seeds_give_equal_sequences_and_other_seeds_others() {
        let sequence = |seed| {
            let settings = Settings { seed, sequences: 1, budget: None };
            let tree = strategy::sequence(true).new_tree(&mut settings.runner()).unwrap();
            tree.current().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }

    #[test]
    fn a_slow_backend_runs_the_minimum_number_of_sequences() {
        let settings = Settings { seed: 1, sequences: 200, budget: Some(Duration::ZERO) };
        let started = Instant::now() - Duration::from_secs(1);
        assert!(!is_over(settings, started, MIN_SEQUENCES - 1));
        assert!(is_over(settings, started, MIN_SEQUENCES));
        assert!(!is_over(Settings { budget: None, ..settings }, started, 199));
    }

    /// Sequences whose operations never touch the same data would find no difference.
    #[test]
    fn the_sequences_reach_all_kinds_of_results() {
        let settings = Settings { seed: SEED, sequences: SEQUENCES, budget: None };
        let mut runner = settings.runner();
        let strategy = strategy::sequence(true);
        let mut answers = String::new();
        for _ in 0..SEQUENCES {
            let reference = MemoryBackend::new();
            let mut executor = Executor::new(&reference);
            for operation in strategy.new_tree(&mut runner).unwrap().current() {
                let answer = block_on(executor.run(&operation));
                if let Operation::Record(batch) = &operation {
                    answers += &format!("{} given, ", batch.len());
                }
                answers += &format!("{}: {answer}\n", operation.name());
            }
        }
        for seen in [
            "Reopened",
            "Created",
            "change: None",
            "Solved",
            "Muted",
            "next: ",
            "error: config",
            "error: conflict",
            "read_position: None",
            "read_position: Some",
            "delete_ticket: true",
            "delete_ticket: false",
            "tickets: 1",
            "1 given, record_tickets: 0 new",
            "4 given, record_tickets: 3 new",
            "set_status: None",
            "set_status: Some",
            "add_note: true",
            "merge_tickets: Some",
            "merge_tickets: error: config",
            "unmerge_ticket: true",
            "Merged(",
            "Recurred",
            "Note(",
        ] {
            assert!(answers.contains(seen), "no result contains: {seen}");
        }
    }
}

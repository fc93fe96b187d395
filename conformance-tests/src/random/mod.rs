//! The case for all rules at once: random sequences of operations, played on a backend and on
//! [`MemoryBackend`], the reference. Each answer has to be the same; a sequence after which one differs
//! is shrunk and printed.

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

/// Fixed, so that two runs of a suite are the same; see [`Settings::from_env`].
const SEED: u64 = 27;
const SEQUENCES: u32 = 200;
/// For slow backends: after this time a run ends, with fewer sequences, but never without
/// [`FEWEST_SEQUENCES`].
const BUDGET: Duration = Duration::from_secs(20);
const FEWEST_SEQUENCES: u32 = 10;
/// Shrinking ends after this time with the shortest sequence that it has.
const SHRINKING: Duration = Duration::from_secs(20);

/// What is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Settings {
    seed: u64,
    sequences: u32,
    /// `None`: however long it takes.
    budget: Option<Duration>,
}

impl Settings {
    /// `TICKET_CONFORMANCE_SEED` plays other sequences, `TICKET_CONFORMANCE_CASES` another number of
    /// them, however long they take.
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

/// The number in an environment variable; `None` if it is not set.
fn number<T: std::str::FromStr>(variable: &str) -> Result<Option<T>, String> {
    let Some(text) = std::env::var_os(variable) else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse().ok());
    number
        .map(Some)
        .ok_or_else(|| format!("{variable} is {text:?}: set it to a number, or not at all"))
}

pub(crate) async fn random_sequences_are_indistinguishable_from_the_reference(cx: Context) {
    let store = cx.store().await;
    let settings = Settings::from_env().unwrap_or_else(|error| panic!("{error}"));
    // proptest's strategies cannot move between threads, so they have one to themselves.
    let runtime = tokio::runtime::Handle::current();
    let playing = tokio::task::spawn_blocking(move || runtime.block_on(play(&*store, settings)));
    match playing.await.expect("the executor does not panic") {
        Ok(played) => tell(cx.name(), played, settings),
        Err(difference) => panic!("{difference}"),
    }
}

/// A run that was cut short must not look like a whole one.
#[allow(clippy::print_stderr, reason = "a test program tells how much it has tested")]
fn tell(backend: &str, played: u32, Settings { seed, sequences, .. }: Settings) {
    eprintln!(
        "ticket-conformance: {backend}: played {played} of {sequences} random sequences, seed {seed}"
    );
}

/// Plays random sequences on the store, which it empties before each of them, and on the reference.
/// Says how many were played.
async fn play(store: &dyn Store, settings: Settings) -> Result<u32, String> {
    let mut runner = settings.runner();
    let strategy = strategy::sequence(store.capabilities().has(Capability::Events));
    let started = Instant::now();
    let mut played = 0;
    while played < settings.sequences && !is_over(settings, started, played) {
        let mut sequence =
            strategy.new_tree(&mut runner).map_err(|reason| format!("no sequence: {reason}"))?;
        if let Some(difference) = difference(store, &sequence.current()).await? {
            let (sequence, difference) = shrink(store, &mut sequence, difference).await?;
            return Err(report(settings.seed, played, &sequence, &difference));
        }
        played += 1;
    }
    Ok(played)
}

fn is_over(settings: Settings, started: Instant, played: u32) -> bool {
    played >= FEWEST_SEQUENCES && settings.budget.is_some_and(|budget| started.elapsed() > budget)
}

/// Where a sequence's answers part.
struct Difference {
    /// The operation whose answers differ, counted from 0.
    operation: usize,
    /// What differs.
    text: String,
}

/// Plays a sequence on both stores, up to the first answer that differs.
async fn difference(
    store: &dyn Store,
    sequence: &[Operation],
) -> Result<Option<Difference>, String> {
    let reference = MemoryBackend::new();
    let mut expected = Executor::new(&reference);
    let mut actual = Executor::new(store);
    actual.start_empty().await?;
    for (operation, next) in sequence.iter().enumerate() {
        let (expected, actual) = (expected.play(next).await, actual.play(next).await);
        if let Some(text) = expected.difference(&actual) {
            return Ok(Some(Difference { operation, text }));
        }
    }
    Ok(None)
}

/// Makes a failing sequence as short and simple as it gets in the time there is.
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
    fn the_reference_is_like_itself() {
        let settings = Settings { seed: SEED, sequences: SEQUENCES, budget: None };
        assert_eq!(block_on(play(&MemoryBackend::new(), settings)), Ok(SEQUENCES));
    }

    #[test]
    fn a_seed_gives_the_same_sequences_again_and_another_seed_others() {
        let sequence = |seed| {
            let settings = Settings { seed, sequences: 1, budget: None };
            let tree = strategy::sequence(true).new_tree(&mut settings.runner()).unwrap();
            tree.current().iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sequence(1), sequence(1));
        assert_ne!(sequence(1), sequence(2));
    }

    #[test]
    fn a_slow_backend_plays_some_sequences_and_then_ends() {
        let settings = Settings { seed: 1, sequences: 200, budget: Some(Duration::ZERO) };
        let started = Instant::now() - Duration::from_secs(1);
        assert!(!is_over(settings, started, FEWEST_SEQUENCES - 1));
        assert!(is_over(settings, started, FEWEST_SEQUENCES));
        assert!(!is_over(Settings { budget: None, ..settings }, started, 199));
    }

    /// Sequences that never meet anything would find nothing.
    #[test]
    fn the_sequences_reach_what_they_are_for() {
        let settings = Settings { seed: SEED, sequences: SEQUENCES, budget: None };
        let mut runner = settings.runner();
        let strategy = strategy::sequence(true);
        let mut answers = String::new();
        for _ in 0..SEQUENCES {
            let reference = MemoryBackend::new();
            let mut executor = Executor::new(&reference);
            for operation in strategy.new_tree(&mut runner).unwrap().current() {
                let answer = block_on(executor.play(&operation));
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
            "delete_ticket: true",
            "delete_ticket: false",
            "tickets: 1",
            "1 given, record_tickets: 0 new",
            "4 given, record_tickets: 3 new",
            "set_status: None",
            "set_status: Some",
        ] {
            assert!(answers.contains(seen), "never seen: {seen}");
        }
    }
}

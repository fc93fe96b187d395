//! Test programs that run at the same time.
//!
//! Most of them wait: for deadlines, for servers that are down, for processes that are killed. Run one
//! after the other they leave the machine idle for most of the time.

use std::iter;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use super::output::Report;
use super::process::{Outcome, Screen, forward, lock};

/// A program of tests, or a few steps that end in one.
pub(super) struct Job {
    name: String,
    run: Box<dyn FnOnce(&Screen) -> Outcome + Send>,
}

impl Job {
    pub(super) fn new(
        name: impl Into<String>,
        run: impl FnOnce(&Screen) -> Outcome + Send + 'static,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }

    /// One test program.
    pub(super) fn program(name: String, command: Command) -> Self {
        let target = name.clone();
        Self::new(name, move |screen| {
            let mut report = Report::default();
            report.begin(target);
            forward(command, report, screen)
        })
    }
}

/// Runs `programs` on one thread per core, and `compiling` on one thread more, in their order. The output
/// of each goes to `screen` once it has ended.
///
/// Those that compile have a thread to themselves because cargo would make them wait for each other.
pub(super) fn run(programs: Vec<Job>, compiling: Vec<Job>, screen: &Screen) -> Outcome {
    let [programs, compiling] = [programs, compiling].map(|jobs| Mutex::new(jobs.into_iter()));
    let sum = Mutex::new((Report::default(), Vec::new()));
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let queues =
        iter::once([&compiling, &programs]).chain(iter::repeat_n([&programs, &compiling], cores));
    thread::scope(|scope| {
        for queues in queues {
            let sum = &sum;
            scope.spawn(move || {
                while let Some(Job { name, run }) = queues.iter().find_map(|jobs| lock(jobs).next())
                {
                    eprintln!("     Running {name}");
                    let buffer = Screen::buffer();
                    let started = Instant::now();
                    let outcome = run(&buffer);
                    let mut sum = lock(sum);
                    let (report, problems) = &mut *sum;
                    buffer.release(screen.clone());
                    match outcome {
                        Ok((mut of_job, found)) => {
                            of_job.took(started.elapsed());
                            report.absorb(of_job);
                            problems
                                .extend(found.into_iter().map(|text| format!("{name}: {text}")));
                        }
                        Err(error) => {
                            // Counted as a failure: what did not run has not passed.
                            report.begin(name.clone());
                            report.finish();
                            problems.push(format!("{name}: {error:#}"));
                        }
                    }
                }
            });
        }
    });
    Ok(sum.into_inner().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn all_jobs_are_added_up_and_one_that_cannot_run_is_a_failure() {
        let says = |text: &str| shell(&format!("echo 'test result: {text}; 0 ignored'"));
        let programs = vec![
            Job::program("a".into(), says("ok. 2 passed; 0 failed")),
            Job::program("b".into(), Command::new("/no/such/program")),
        ];
        let compiling = vec![
            Job::program("c".into(), says("FAILED. 1 passed; 1 failed")),
            Job::program("d".into(), shell("exit 0")),
        ];
        // Not the terminal: the tests that are running now are counted by their output, too.
        let (report, problems) = run(programs, compiling, &Screen::buffer()).unwrap();
        assert_eq!((report.passed(), report.failed()), (3, 3));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].starts_with("b: "), "{problems:?}");
        let mut problems: Vec<String> = report.problems().collect();
        problems.sort();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[2].starts_with("d: ended before"), "{problems:?}");
    }
}

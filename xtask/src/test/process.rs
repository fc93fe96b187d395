//! Running a test program: its output is shown and read at the same time.

use std::io::{self, BufRead as _, BufReader, PipeReader, Write};
use std::mem;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::output::Report;
use crate::command;

/// How long output may still come after the program has ended.
const PATIENCE: Duration = Duration::from_secs(5);

/// What ran, and what else is wrong.
pub(super) type Outcome = Result<(Report, Vec<String>)>;

/// Where the output of a program goes.
#[derive(Clone, Debug)]
pub(super) enum Screen {
    /// Straight to the terminal.
    Terminal,
    /// Kept until the program has ended, for programs that run at the same time.
    Buffer(Arc<Mutex<Vec<u8>>>),
}

impl Screen {
    pub(super) fn buffer() -> Self {
        Self::Buffer(Arc::default())
    }

    /// Moves the kept output to another screen.
    pub(super) fn release(&self, mut to: Self) {
        if let Self::Buffer(buffer) = self {
            // A closed terminal must not keep the tests from being counted.
            let _ = to.write_all(&mem::take(&mut *lock(buffer)));
        }
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Terminal => io::stdout().write(bytes),
            Self::Buffer(buffer) => lock(buffer).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Terminal => io::stdout().flush(),
            Self::Buffer(_) => Ok(()),
        }
    }
}

/// Runs `tests`, passes their output on, and adds what it says to `report`.
pub(super) fn forward(mut tests: Command, report: Report, screen: &Screen) -> Outcome {
    let mut heading = screen.clone();
    let _ = writeln!(heading, "$ {}", command::shown(&tests));
    // One pipe for both streams: cargo announces a program on one of them, and the program lists its
    // tests on the other.
    let (reader, writer) = io::pipe()?;
    tests.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child = tests.spawn().context("cannot run the tests")?;
    // The command holds our ends of the pipe; with them open the output would never end.
    drop(tests);

    let report = Arc::new(Mutex::new(report));
    let reading = read(reader, Arc::clone(&report), screen.clone());
    let status = child.wait()?;
    let mut problems = Vec::new();
    if !finished(&reading) {
        problems.push("a process that a test started still runs and holds its output".to_owned());
    }
    let mut report = lock(&report);
    report.finish();
    if !status.success() && report.problems().next().is_none() {
        problems.push(format!("the tests failed: {status}"));
    }
    Ok((mem::take(&mut *report), problems))
}

fn read(reader: PipeReader, report: Arc<Mutex<Report>>, mut screen: Screen) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            // A closed terminal must not keep the tests from being counted.
            let _ = screen.write_all(&line).and_then(|()| screen.flush());
            lock(&report).read_line(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
    })
}

/// Waits for the end of the output, and returns `false` if it does not come: a process that a test
/// left behind keeps the pipe open, which must be a failure rather than a run that never ends.
fn finished(reading: &JoinHandle<()>) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !reading.is_finished() {
        if Instant::now() > deadline {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
    true
}

/// The value behind `mutex`, whether or not another thread panicked with it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn both_streams_are_read_in_order() {
        let script = "echo '     Running tests/a.rs (target/a-1)' >&2; echo 'test x ... ignored'; \
                      echo 'test result: ok. 0 passed; 0 failed; 1 ignored; 0 measured'; exit 0";
        let (report, problems) =
            forward(shell(script), Report::default(), &Screen::buffer()).unwrap();
        assert_eq!(problems, Vec::<String>::new());
        let problems: Vec<String> = report.problems().collect();
        assert!(problems[0].contains("tests/a.rs") && problems[0].contains("`x`"), "{problems:?}");
    }

    #[test]
    fn a_program_that_fails_after_green_tests_is_a_failure() {
        let script = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; exit 101";
        let (_, problems) = forward(shell(script), Report::default(), &Screen::buffer()).unwrap();
        assert!(problems[0].contains("101"), "{problems:?}");
    }

    #[test]
    fn a_process_left_behind_is_a_failure_and_not_a_hang() {
        let script = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'; sleep 30 & exit 0";
        let started = Instant::now();
        let (_, problems) = forward(shell(script), Report::default(), &Screen::buffer()).unwrap();
        assert!(problems[0].contains("still runs"), "{problems:?}");
        assert!(started.elapsed() < Duration::from_secs(25));
    }
}

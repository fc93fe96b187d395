//! The fault tests. The crate's README explains how they are judged.

mod crowd;
mod disk;
mod process;
mod read_only;
mod server;
mod silence;
mod values;

use libtest_mimic::Arguments;

/// The path of the program that the tests break.
const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case loads all cores and depends on deadlines, so cases do not run in parallel.
    arguments.test_threads = Some(1);
    let trials = process::cases()
        .chain(server::cases())
        .chain(disk::cases())
        .chain(read_only::cases())
        .chain(crowd::cases())
        .chain(silence::cases())
        .chain(values::cases());
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

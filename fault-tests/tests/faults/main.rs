//! The fault tests. The crate's README explains how they are judged.

mod clock;
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
    // In its long form a case loads all cores. In the short form it mostly waits: for deadlines, and for servers that
    // are down.
    arguments.test_threads = Some(if ticket_faults::case::long() { 1 } else { 2 });
    let trials = process::cases()
        .chain(server::cases())
        .chain(disk::cases())
        .chain(read_only::cases())
        .chain(crowd::cases())
        .chain(silence::cases())
        .chain(values::cases())
        .chain(clock::cases());
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

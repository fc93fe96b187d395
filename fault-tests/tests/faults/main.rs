//! The faults. See the crate's README for how they are judged.

mod crowd;
mod disk;
mod process;
mod read_only;
mod server;
mod silence;
mod values;

use libtest_mimic::Arguments;

/// The program that faults are done to.
const VICTIM: &str = env!("CARGO_BIN_EXE_victim");

fn main() -> std::process::ExitCode {
    let mut arguments = Arguments::from_args();
    // Each case fills the machine by itself, and waits for deadlines.
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

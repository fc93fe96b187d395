//! Abilities that not every machine grants to tests: mounting disks, making another program's system
//! calls fail, and giving a program another clock.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Outcome;

/// An ability that a case needs and that a machine may lack.
///
/// Containers often forbid it, some systems allow only root to create namespaces, and the program that
/// provides it may not be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Mounting disks that no other process sees.
    Mounts,
    /// Making the system calls of another program fail, with `strace`.
    Injection,
    /// Giving a program another clock, with `faketime`.
    Clocks,
}

impl Ability {
    /// Tries to use the ability, and returns the reason if the machine lacks it.
    pub fn lacking(self) -> Option<String> {
        let mut attempt = match self {
            // Whoever created the namespace has already tried this.
            Self::Mounts if is_namespace() => return None,
            Self::Mounts => {
                let mut attempt = namespace();
                attempt.args(["sh", "-c", "mount -t tmpfs none /tmp && unshare --user true"]);
                attempt
            }
            Self::Injection => {
                // Some systems only allow a process to trace its descendants. Here the tracer and its target are
                // siblings, as they are in the tests.
                let strace = "strace --output=/dev/null --inject=getppid:error=EIO";
                let mut attempt = Command::new("sh");
                attempt.args(["-c", &format!("sleep 0.3 & {strace} --attach=$! && true")]);
                attempt
            }
            Self::Clocks => {
                let earlier = r#"[ "$(faketime -m -f -1d date +%s)" -lt "$(date +%s)" ]"#;
                let mut attempt = Command::new("sh");
                attempt.args(["-c", earlier]);
                attempt
            }
        };
        let program = attempt.get_program().to_string_lossy().into_owned();
        match attempt.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => None,
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                Some(said.lines().next().unwrap_or(&program).to_owned())
            }
            Err(error) => Some(format!("{program}: {error}")),
        }
    }
}

/// The environment variable that is set while a case runs in its own namespace.
const NAMESPACE: &str = "TICKET_FAULTS_NAMESPACE";

/// Returns `true` if this process runs in its own namespace and may mount disks.
pub fn is_namespace() -> bool {
    std::env::var_os(NAMESPACE).is_some()
}

/// Runs a case in its own namespace, where it may mount disks.
///
/// Outside a namespace, this starts the test program again inside a new one, filtered to the case with
/// the full name `name`. The mounts vanish when that process exits.
pub fn in_namespace(name: &str, case: impl FnOnce() -> Outcome) -> Outcome {
    if is_namespace() {
        return case();
    }
    let mut again = namespace();
    again.arg(std::env::current_exe()?).args(["--exact", name, "--nocapture"]);
    let output = again.env(NAMESPACE, "1").output()?;
    let [said, error] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
    // The status alone is not enough: a run whose filter matches no case succeeds as well.
    if output.status.success() && said.contains("1 passed") {
        return Ok(());
    }
    Err(format!("in a namespace of its own: {}\n{said}{error}", output.status).into())
}

/// Returns a command that runs its further arguments as a program in a new mount namespace.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    command
}

/// Returns a command that runs a program inside the namespace as a user other than root.
///
/// PostgreSQL refuses to run as root. Outside the namespace the user is the same, so file permissions do
/// not change.
pub fn not_as_root(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1", "--map-group=1"]).arg(program);
    command
}

/// Returns a command that runs its further arguments as a program with a small disk mounted at `folder`.
///
/// Only that program sees the disk.
pub fn with_disk(folder: &Path, size: &str) -> Command {
    let mut command = namespace();
    let folder = folder.display();
    let script = format!("mount -t tmpfs -o size={size} none '{folder}' && exec \"$@\"");
    command.args(["sh", "-c", &script, "sh"]);
    command
}

/// A disk in memory that is mounted in a namespace.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts a disk of the given size, such as `64m`.
    pub fn new(size: &str) -> Outcome<Self> {
        let disk = Self { folder: TempDir::new()? };
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"])?;
        Ok(disk)
    }

    /// Returns the folder where the disk is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes the disk read-only, or writable again.
    pub fn set_read_only(&self, read_only: bool) -> Outcome {
        self.mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }])
    }

    /// Fills the disk with a file until no space is left.
    pub fn fill(&self) -> Outcome {
        let mut file = File::create(self.ballast())?;
        // Large writes first, then single pages until not even one fits.
        for size in [1 << 20, 4 << 10] {
            loop {
                match file.write_all(&vec![0; size]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    /// Frees the space that [`Disk::fill`] took.
    pub fn make_room(&self) -> Outcome {
        Ok(std::fs::remove_file(self.ballast())?)
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("somebody-elses")
    }

    fn mount(&self, arguments: &[&str]) -> Outcome {
        let status = Command::new("mount").args(arguments).arg(self.path()).status()?;
        if status.success() { Ok(()) } else { Err(format!("mount {arguments:?}: {status}").into()) }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The folder cannot be removed while the disk is mounted. `--lazy` detaches it even if a process
        // still has files open.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// A clock that is ahead of the machine's or behind it.
///
/// Only the time of day differs. What has passed between two moments is measured correctly, as on a real machine.
#[derive(Debug)]
pub struct Clock {
    folder: TempDir,
    library: String,
}

impl Clock {
    /// Creates a clock with an offset such as `+1d` or `-2h`.
    pub fn new(offset: &str) -> Outcome<Self> {
        let library =
            Command::new("faketime").args(["-m", "-f", "+0", "printenv", "LD_PRELOAD"]).output()?;
        let library = String::from_utf8(library.stdout)?.trim().to_owned();
        let clock = Self { folder: TempDir::new()?, library };
        clock.set(offset)?;
        Ok(clock)
    }

    /// Sets the clock forward or back, which running programs notice at once.
    pub fn set(&self, offset: &str) -> Outcome {
        let new = self.folder.path().join("new");
        std::fs::write(&new, offset)?;
        // No program may read a file that is half written.
        Ok(std::fs::rename(new, self.file())?)
    }

    /// Returns a command that runs its further arguments as a program with this clock.
    pub fn command(&self) -> Command {
        let mut command = Command::new("env");
        command.arg(format!("LD_PRELOAD={}", self.library));
        command.arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.file().display()));
        command.args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]);
        command
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("offset")
    }
}

//! What not every machine lets a test do: mounting disks of its own, and failing another program's calls.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::Outcome;

/// Something that a case needs, and that a machine may refuse: a container, a system that lets nobody
/// but root make namespaces, a program that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ability {
    /// Mounting disks that nobody else sees.
    Mounts,
    /// Failing the calls of another program, with `strace`.
    Injection,
}

impl Ability {
    /// Why this machine lacks it, found out by trying.
    pub fn lacking(self) -> Option<String> {
        let mut attempt = match self {
            // Inside of a namespace it was tried outside.
            Self::Mounts if is_namespace() => return None,
            Self::Mounts => {
                let mut attempt = namespace();
                attempt.args(["sh", "-c", "mount -t tmpfs none /tmp && unshare --user true"]);
                attempt
            }
            Self::Injection => {
                // Some systems let only a parent trace its children: here both are children of the shell.
                let strace = "strace --output=/dev/null --inject=getppid:error=EIO";
                let mut attempt = Command::new("sh");
                attempt.args(["-c", &format!("sleep 0.3 & {strace} --attach=$! && true")]);
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

/// Set where a case runs in a namespace of its own.
const NAMESPACE: &str = "TICKET_FAULTS_NAMESPACE";

/// Whether this process can mount what nobody else sees.
pub fn is_namespace() -> bool {
    std::env::var_os(NAMESPACE).is_some()
}

/// Runs a case of this program where it may mount disks, which go with it: in this program started once
/// more, with the case's full name.
pub fn in_namespace(name: &str, case: impl FnOnce() -> Outcome) -> Outcome {
    if is_namespace() {
        return case();
    }
    let mut again = namespace();
    again.arg(std::env::current_exe()?).args(["--exact", name, "--nocapture"]);
    let output = again.env(NAMESPACE, "1").output()?;
    let [said, error] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
    // With a name that no case has it would succeed too.
    if output.status.success() && said.contains("1 passed") {
        return Ok(());
    }
    Err(format!("in a namespace of its own: {}\n{said}{error}", output.status).into())
}

/// Runs what follows with mounts of its own.
fn namespace() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount"]);
    command
}

/// Runs a program in a namespace as somebody who is not root there: PostgreSQL does not run as root. It
/// is the same person all the same, and may do the same to files.
pub fn not_as_root(program: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-user=1", "--map-group=1"]).arg(program);
    command
}

/// A small disk that only the program sees which is named next, at `folder`.
pub fn with_disk(folder: &Path, size: &str) -> Command {
    let mut command = namespace();
    let folder = folder.display();
    let script = format!("mount -t tmpfs -o size={size} none '{folder}' && exec \"$@\"");
    command.args(["sh", "-c", &script, "sh"]);
    command
}

/// A disk in memory, in a namespace.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// Mounts one with room for this, such as `64m`.
    pub fn new(size: &str) -> Outcome<Self> {
        let disk = Self { folder: TempDir::new()? };
        disk.mount(&["-t", "tmpfs", "-o", &format!("size={size}"), "none"])?;
        Ok(disk)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// From now on it can be read only, or be written again.
    pub fn set_read_only(&self, read_only: bool) -> Outcome {
        self.mount(&["-o", if read_only { "remount,ro" } else { "remount,rw" }])
    }

    /// Somebody else takes all the room that is left.
    pub fn fill(&self) -> Outcome {
        let mut file = File::create(self.ballast())?;
        // Down to the last page.
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

    /// There is room again.
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
        // Or its folder could not be removed; whoever still has it open does not matter.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

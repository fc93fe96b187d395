//! Running other programs, with errors that name the program and the reason.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::workspace;

/// Cargo itself, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(workspace::root());
    // Cargo describes this package to its programs in variables, and build scripts such as ring's ask
    // for them: passed on, they would have it and its dependents compiled again after each plain `cargo`.
    let own = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(own) {
            command.env_remove(name);
        }
    }
    command
}

/// Prints `command`, runs it on this terminal, and fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", shown(command));
    run_unannounced(command)
}

/// Runs `command` on this terminal and expects success.
pub(crate) fn run_unannounced(command: &mut Command) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` failed: {status}", shown(command));
    }
    Ok(())
}

/// Runs `command` silently and returns what it printed; fails, with its output, if it fails.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = Command::output(command.stdin(Stdio::null()))
        .with_context(|| format!("cannot run `{}`", shown(command)))?;
    successful(command, output)
}

/// Like [`output`], with a short text as the standard input.
pub(crate) fn output_of(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot run `{}`", shown(command)))?;
    // The pipe is dropped at the end of the statement, which ends the input.
    let written = child.stdin.take().map(|mut stdin| stdin.write_all(input.as_bytes()));
    let output = successful(command, child.wait_with_output()?)?;
    written.transpose()?;
    Ok(output)
}

fn successful(command: &Command, output: Output) -> Result<String> {
    let Output { status, stdout, stderr } = output;
    let stdout = String::from_utf8_lossy(&stdout).into_owned();
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        bail!("`{}` failed: {status}\n{stdout}{stderr}", shown(command));
    }
    Ok(stdout)
}

/// Formats `command` as a person would type it, without the folder of the program.
pub(crate) fn shown(command: &Command) -> String {
    let program = std::path::Path::new(command.get_program());
    let mut text =
        program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&quoted(&argument.to_string_lossy()));
    }
    text
}

/// Quotes `text` as one word of a POSIX shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_keeps_plain_words_and_wraps_the_rest() {
        assert_eq!(quoted("--url=sqlite:a.db"), "--url=sqlite:a.db");
        assert_eq!(quoted(""), "''");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
    }

    #[test]
    fn the_error_of_a_failed_command_has_its_output() {
        let error = output(Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]))
            .expect_err("exit 3");
        let text = error.to_string();
        assert!(text.contains("out\nerr") && text.contains('3'), "{text}");
    }
}

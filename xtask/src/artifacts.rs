//! The programs that cargo compiles, from its JSON messages.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::command;

/// A program that cargo compiled.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) package: String,
    /// Cargo's kind of target: `lib`, `bin`, `test`, `example`, …
    pub(crate) kind: String,
    pub(crate) target: String,
    pub(crate) executable: PathBuf,
    /// The folder of the package.
    pub(crate) folder: PathBuf,
    /// Whether it is a program of tests.
    pub(crate) is_test: bool,
}

impl Artifact {
    /// Runs it as `cargo test` does: in the folder of its package.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.executable);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }
}

/// Runs `cargo build` or `cargo test --no-run`, and returns the programs, compiled now or earlier.
pub(crate) fn build(cargo: &mut Command) -> Result<Vec<Artifact>> {
    built(cargo.arg(MESSAGES))
}

/// The option that makes cargo print the messages.
pub(crate) const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// Like [`build`], for a command that has the option already.
pub(crate) fn built(cargo: &mut Command) -> Result<Vec<Artifact>> {
    eprintln!("$ {}", command::shown(cargo));
    let output =
        cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo failed to compile: {}", output.status);
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// Returns the program among `artifacts` whose target has this name.
pub(crate) fn executable<'a>(artifacts: &'a [Artifact], target: &str) -> Result<&'a PathBuf> {
    artifacts
        .iter()
        .find(|artifact| artifact.target == target)
        .map(|artifact| &artifact.executable)
        .with_context(|| format!("cargo compiled no program `{target}`"))
}

#[derive(Deserialize)]
struct Message {
    package_id: String,
    manifest_path: PathBuf,
    profile: Profile,
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Reads the messages about programs. Other messages lack a field and are skipped.
fn parse(messages: &str) -> Vec<Artifact> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .map(|message| Artifact {
            package: package_name(&message.package_id).to_owned(),
            kind: message.target.kind.into_iter().next().unwrap_or_default(),
            target: message.target.name,
            executable: message.executable,
            folder: message.manifest_path.parent().map(Path::to_path_buf).unwrap_or_default(),
            is_test: message.profile.test,
        })
        .collect()
}

/// The name in a package id, which cargo omits if it is the folder's name:
/// `path+file:///w/ticket-core#0.1.0`, `path+file:///w/conformance-tests#ticket-conformance@0.1.0`.
fn package_name(id: &str) -> &str {
    let (url, fragment) = id.split_once('#').unwrap_or((id, ""));
    match fragment.split_once('@') {
        Some((name, _)) => name,
        None => url.rsplit('/').next().unwrap_or(url),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_in_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"registry+x#serde@1.0.0","#,
            r#""target":{"kind":["lib"],"name":"serde"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","#,
            r#""package_id":"path+file:///w/conformance-tests#ticket-conformance@0.1.0","#,
            r#""manifest_path":"/w/conformance-tests/Cargo.toml","profile":{"test":true},"#,
            r#""target":{"kind":["test"],"name":"own"},"executable":"/w/target/own-1"}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
            "\n",
        );
        let expected = Artifact {
            package: "ticket-conformance".into(),
            kind: "test".into(),
            target: "own".into(),
            executable: "/w/target/own-1".into(),
            folder: "/w/conformance-tests".into(),
            is_test: true,
        };
        assert_eq!(parse(messages), [expected]);
    }

    #[test]
    fn package_ids_have_two_forms() {
        assert_eq!(package_name("path+file:///w/ticket-core#0.1.0"), "ticket-core");
        assert_eq!(package_name("path+file:///w/c#ticket-conformance@0.1.0"), "ticket-conformance");
    }
}

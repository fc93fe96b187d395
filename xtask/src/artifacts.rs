//! Programs that cargo builds, as it tells about them in its messages for machines.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::command;

/// A program that cargo has built.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Artifact {
    pub(crate) package: String,
    /// Cargo's kind of target: `lib`, `bin`, `test`, `example`, …
    pub(crate) kind: String,
    pub(crate) target: String,
    pub(crate) executable: PathBuf,
}

/// Runs a `cargo build` or `cargo test --no-run`, and returns the programs it made or had.
pub(crate) fn build(cargo: &mut Command) -> Result<Vec<Artifact>> {
    built(cargo.arg(MESSAGES))
}

/// The option by which cargo tells of them.
pub(crate) const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// The same of a cargo command that has this option.
pub(crate) fn built(cargo: &mut Command) -> Result<Vec<Artifact>> {
    eprintln!("$ {}", command::shown(cargo));
    let output =
        cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo failed to build: {}", output.status);
    }
    Ok(parse(&String::from_utf8_lossy(&output.stdout)))
}

/// The program among `artifacts` that is built from the target of that name.
pub(crate) fn executable<'a>(artifacts: &'a [Artifact], target: &str) -> Result<&'a PathBuf> {
    artifacts
        .iter()
        .find(|artifact| artifact.target == target)
        .map(|artifact| &artifact.executable)
        .with_context(|| format!("cargo built no program `{target}`"))
}

#[derive(Deserialize)]
struct Message {
    package_id: String,
    target: Target,
    executable: PathBuf,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Other messages, and artifacts that are no programs, lack a field and are passed over.
fn parse(messages: &str) -> Vec<Artifact> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Message>(line).ok())
        .map(|message| Artifact {
            package: package_name(&message.package_id).to_owned(),
            kind: message.target.kind.into_iter().next().unwrap_or_default(),
            target: message.target.name,
            executable: message.executable,
        })
        .collect()
}

/// The name in a package id, which cargo leaves out where the folder already says it:
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
    fn programs_are_picked_from_cargos_messages() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","package_id":"registry+x#serde@1.0.0","#,
            r#""target":{"kind":["lib"],"name":"serde"},"executable":null}"#,
            "\n",
            r#"{"reason":"compiler-artifact","#,
            r#""package_id":"path+file:///w/conformance-tests#ticket-conformance@0.1.0","#,
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
        };
        assert_eq!(parse(messages), [expected]);
    }

    #[test]
    fn package_ids_have_two_forms() {
        assert_eq!(package_name("path+file:///w/ticket-core#0.1.0"), "ticket-core");
        assert_eq!(package_name("path+file:///w/c#ticket-conformance@0.1.0"), "ticket-conformance");
    }
}

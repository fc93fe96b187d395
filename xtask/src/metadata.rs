//! What cargo knows of the workspace's packages.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::command;

/// A package of the workspace.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) manifest_path: PathBuf,
    pub(crate) description: Option<String>,
    pub(crate) documentation: Option<String>,
    pub(crate) repository: Option<String>,
    pub(crate) readme: Option<String>,
    pub(crate) keywords: Vec<String>,
    pub(crate) categories: Vec<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// The oldest compiler that works.
    pub(crate) rust_version: Option<String>,
    /// The registries to publish to: an empty list is `publish = false`.
    publish: Option<Vec<String>>,
}

/// The packages that are published.
pub(crate) fn published() -> Result<Vec<Package>> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Package>,
    }
    let mut metadata = command::cargo();
    metadata.args(["metadata", "--no-deps", "--format-version", "1", "--locked"]);
    let metadata = command::output(&mut metadata)?;
    let metadata: Metadata =
        serde_json::from_str(&metadata).context("cannot read what `cargo metadata` printed")?;
    Ok(metadata.packages.into_iter().filter(|package| package.publish.is_none()).collect())
}

//! Where the parts of the checkout are.

use std::path::{Path, PathBuf};

/// The folder of the root manifest.
pub(crate) fn root() -> PathBuf {
    // Cargo tells a program that it runs where its package is; the value from the build serves one started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    // A relative `CARGO_TARGET_DIR` counts from where cargo was called, which `join` on an absolute one ignores.
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Programs that a task had to install, kept out of the system and of cargo's own folders.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

/// `path` as a person at the root of the checkout would type it.
pub(crate) fn shown(path: &Path) -> &Path {
    path.strip_prefix(root()).unwrap_or(path)
}

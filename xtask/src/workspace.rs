//! The folders of the checkout.

use std::path::{Path, PathBuf};

/// The folder of the root manifest.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable for a program that it runs. The value from the build serves one that is
    // started by hand.
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// Cargo's target folder.
pub(crate) fn target() -> PathBuf {
    // `join` with an absolute path is that path.
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The folder for programs that a task installs, separate from the system's and cargo's own.
pub(crate) fn tools() -> PathBuf {
    target().join("tools")
}

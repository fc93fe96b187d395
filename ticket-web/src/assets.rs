//! The stylesheet, the script and the icon.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use crate::failure::Failure;
use crate::paths::AssetPath;

/// A file that is part of the program. Its name has a hash of its content, so a browser may keep it forever.
struct Asset {
    name: String,
    content_type: &'static str,
    content: &'static str,
}

impl Asset {
    fn new(stem: &str, ext: &str, content_type: &'static str, content: &'static str) -> Self {
        let hash = Sha256::digest(content.as_bytes());
        let hash: String = hash[..6].iter().map(|byte| format!("{byte:02x}")).collect();
        Self { name: format!("{stem}-{hash}.{ext}"), content_type, content }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/style.css");
    Asset::new("style", "css", "text/css; charset=utf-8", content)
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("../assets/script.js");
    Asset::new("script", "js", "text/javascript; charset=utf-8", content)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new("icon", "svg", "image/svg+xml", include_str!("../assets/icon.svg"))
});

fn all() -> [&'static Asset; 3] {
    [&STYLE, &SCRIPT, &ICON]
}

/// The paths of the files below the mount.
pub(crate) fn style() -> String {
    format!("/assets/{}", STYLE.name)
}

pub(crate) fn script() -> String {
    format!("/assets/{}", SCRIPT.name)
}

pub(crate) fn icon() -> String {
    format!("/assets/{}", ICON.name)
}

/// Answers with a file.
pub(crate) async fn get(
    Path(AssetPath { asset: name }): Path<AssetPath>,
) -> Result<Response, Failure> {
    let asset = all().into_iter().find(|asset| asset.name == name);
    let asset = asset.ok_or_else(|| Failure::not_found("such file"))?;
    let headers = [
        (CONTENT_TYPE, asset.content_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, asset.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stylesheet_and_the_script_are_small() {
        for asset in [&STYLE, &SCRIPT] {
            assert!(asset.content.len() < 20 * 1024, "{}: {}", asset.name, asset.content.len());
        }
    }
}

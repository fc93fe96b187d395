//! `cargo xtask package`: the published crates as a stranger gets them.
//!
//! Inside the workspace a crate finds files, features and versions that its package lacks. So the
//! packages are unpacked into a folder outside, where the README's program is built with them and run,
//! and where all of them have to compile with the oldest versions of their dependencies.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::metadata::{self, Package};
use crate::{command, workspace};

/// The files that each package holds besides its code.
const FILES: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(crate) fn run() -> Result<()> {
    let packages = metadata::published()?;
    let problems: Vec<String> = packages.iter().flat_map(problems).collect();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));

    let folder = tempfile::tempdir()?;
    unpack(&packages, folder.path())?;
    write_workspace(&packages, folder.path())?;
    run_readme(folder.path())?;
    use_oldest_versions(folder.path())?;
    check(&packages, folder.path())
}

/// What keeps a package from being published, or its page from being read.
fn problems(package: &Package) -> Vec<String> {
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            problems.push(format!("{}: {what}", package.manifest_path.display()));
        }
    };
    expect(package.description.is_some(), "has no `description`");
    expect(package.documentation.is_some(), "has no `documentation`");
    expect(package.repository.is_some(), "has no `repository`");
    expect(package.readme.is_some(), "has no `readme`");
    expect((1..=5).contains(&package.keywords.len()), "needs one to five `keywords`");
    expect(!package.categories.is_empty(), "has no `categories`");
    let readme = package.manifest_path.with_file_name("README.md");
    let readme = fs::read_to_string(readme).unwrap_or_default();
    let shown = readme_problems(&readme);
    problems
        .extend(shown.map(|(line, what)| format!("{}, README.md:{line}: {what}", package.name)));
    problems
}

/// The lines of a README that look right on a forge or on docs.rs alone.
fn readme_problems(readme: &str) -> impl Iterator<Item = (usize, String)> {
    // The language of the code block that a line is in.
    let mut block = None;
    (1..).zip(readme.lines()).filter_map(move |(number, line)| {
        let line = line.trim();
        if let Some(language) = line.strip_prefix("```") {
            block = block.is_none().then_some(language);
            return None;
        }
        let problem = match block {
            Some(language) if language.is_empty() || language.starts_with("rust") => (line == "#"
                || line.starts_with("# "))
            .then_some("a registry shows this hidden line"),
            Some(_) => None,
            None => links(line)
                .any(|link| !link.starts_with("https://") && !link.starts_with('#'))
                .then_some("on a registry this link leads nowhere"),
        };
        Some((number, format!("{}: {line}", problem?)))
    })
}

/// The targets of the links in a line of Markdown: `[text](target)` and `[text]: target`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let inline = line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0));
    let reference = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    inline.chain(reference.map(|(_, target)| target))
}

/// Packages all of them and unpacks them into `folder`.
fn unpack(packages: &[Package], folder: &Path) -> Result<()> {
    let mut package = command::cargo();
    // Verifying compiles each package alone, which takes minutes; here they are compiled together.
    package.args(["package", "--quiet", "--locked", "--no-verify", "--allow-dirty"]);
    package.args(packages.iter().flat_map(|package| ["--package", &package.name]));
    command::run(&mut package)?;
    for package in packages {
        let name = unpacked(package);
        let archive = workspace::target().join("package").join(format!("{name}.crate"));
        let mut tar = Command::new("tar");
        // Not with the files' own times, which are the same in every package: to cargo, what an earlier run compiled
        // would look current.
        command::output(tar.arg("-xzmf").arg(archive).arg("-C").arg(folder))?;
        for file in FILES {
            let path = folder.join(&name).join(file);
            let text = fs::read_to_string(&path).unwrap_or_default();
            ensure!(text.len() > 500, "the package {name} lacks {file}, or it is a broken link");
        }
    }
    Ok(())
}

/// The folder that the package is unpacked into.
fn unpacked(package: &Package) -> String {
    format!("{}-{}", package.name, package.version)
}

/// Makes a workspace of the packages and the README's program, in which they find each other.
fn write_workspace(packages: &[Package], folder: &Path) -> Result<()> {
    let manifest = fs::read_to_string(workspace::root().join("Cargo.toml"))?;
    let profiles = manifest.find("[profile.").map_or("", |start| &manifest[start..]);
    let members: Vec<String> =
        packages.iter().map(|package| format!("\"{}\"", unpacked(package))).collect();
    let patches: Vec<String> = packages
        .iter()
        .map(|package| format!("{} = {{ path = \"{}\" }}\n", package.name, unpacked(package)))
        .collect();
    // The same profiles and versions: what has been compiled in the workspace serves here too.
    let text = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"readme\", {}]\n\n[patch.crates-io]\n{}\n{profiles}",
        members.join(", "),
        patches.concat(),
    );
    fs::write(folder.join("Cargo.toml"), text)?;
    fs::copy(workspace::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;

    let readme = fs::read_to_string(workspace::root().join("README.md"))?;
    let program = folder.join("readme");
    fs::create_dir_all(program.join("src"))?;
    let package = "[package]\nname = \"readme\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n";
    fs::write(program.join("Cargo.toml"), package.to_owned() + block(&readme, "toml")?)?;
    fs::write(program.join("src").join("main.rs"), block(&readme, "rust")?)?;
    Ok(())
}

/// The first code block in that language.
fn block<'a>(text: &'a str, language: &str) -> Result<&'a str> {
    let start = text.find(&format!("```{language}"));
    let start = start.with_context(|| format!("README.md has no code block in {language}"))?;
    let (_, rest) = text[start..].split_once('\n').context("README.md ends in a code block")?;
    let (code, _) = rest.split_once("```").context("README.md ends in a code block")?;
    Ok(code)
}

/// Cargo in that folder, with what the workspace has compiled.
fn cargo(folder: &Path, command: &str) -> Command {
    let mut cargo = command::cargo();
    cargo.current_dir(folder).arg(command);
    cargo.env("CARGO_TARGET_DIR", workspace::target());
    cargo
}

/// Builds the README's program and the command, runs the one, and expects its ticket from the other.
fn run_readme(folder: &Path) -> Result<()> {
    let mut readme = cargo(folder, "run");
    command::run(readme.args(["--package", "readme"]))?;
    let mut list = cargo(folder, "run");
    list.args([
        "--quiet",
        "--package",
        "ticket-cli",
        "--no-default-features",
        "--features",
        "sqlite",
    ]);
    list.args(["--", "--url", "sqlite:tickets.db", "list", "--json"]);
    let tickets = command::output(&mut list)?;
    if !tickets.contains("the invoice was not sent") {
        bail!("the README's program has run, but `ticket list` shows:\n{tickets}");
    }
    Ok(())
}

fn check(packages: &[Package], folder: &Path) -> Result<()> {
    let mut check = cargo(folder, "check");
    check.args(["--quiet", "--all-features"]);
    check.args(packages.iter().flat_map(|package| ["--package", &package.name]));
    command::run(&mut check)
}

/// Resolves each dependency that a manifest names to the oldest version that it allows.
fn use_oldest_versions(folder: &Path) -> Result<()> {
    // Without the README's program: it asks for `tracing` 0.1 of any patch, the oldest of which is too old for us.
    let manifest = folder.join("Cargo.toml");
    let without = fs::read_to_string(&manifest)?.replace("\"readme\", ", "");
    fs::write(manifest, without)?;
    fs::remove_file(folder.join("Cargo.lock"))?;
    let mut update = cargo(folder, "update");
    // A nightly option, but its result is a lock file like any other.
    update.args(["--quiet", "-Z", "direct-minimal-versions"]).env("RUSTC_BOOTSTRAP", "1");
    command::run(&mut update)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_lines_and_relative_links_are_found() {
        let readme = "# Title\n\
                      [a](b.md) and [c](https://d.e), [part](#part)\n\
                      ```sh\n# a comment\n```\n\
                      ```rust\n#[test]\n# fn main() {}\n```\n\
                      ```\n#\n```\n\
                      [f]: crate::F\n";
        let lines: Vec<usize> = readme_problems(readme).map(|(line, _)| line).collect();
        assert_eq!(lines, [2, 8, 11, 13]);
    }

    #[test]
    fn code_blocks_are_found_by_their_language() {
        let text = "a\n```toml\nx = 1\n```\n```rust,no_run\nfn main() {}\n```\n";
        assert_eq!(block(text, "toml").unwrap(), "x = 1\n");
        assert_eq!(block(text, "rust").unwrap(), "fn main() {}\n");
        assert!(block(text, "sh").is_err());
    }
}

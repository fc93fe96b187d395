//! Ids that follow from the place of a line, so that a line that is read twice is recorded once.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use ticket_core::{OccurrenceId, Timestamp};

/// The identity of a log file across runs and rotations.
///
/// A file is identified by its folder, with symbolic links resolved, and by its name without the suffix
/// that rotation appends, such as `.1`, `-20261121` or `.2026-11-21T10-47-20`, and `.gz` or another one for what is compressed. A line is identified by
/// its file, the byte at which it begins, and its text. So a line keeps its id when the file is read
/// again, by another spelling of its path, after it has grown, and after it was renamed from `app.log`
/// to `app.log.1`. The same text at another place or in another file has another id.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    name: String,
}

impl FileIdentity {
    /// Returns the identity of a file that exists.
    ///
    /// # Errors
    ///
    /// Fails if the path cannot be resolved, for example because there is no such file.
    pub fn new(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.as_deref().map_or("", without_rotation);
        Ok(Self { name: path.with_file_name(name).to_string_lossy().into_owned() })
    }

    /// Returns a short text that is the same for the same file, and differs between files.
    #[must_use]
    pub fn key(&self) -> String {
        OccurrenceId::from_key(Timestamp::UNIX_EPOCH, &self.name).to_string()
    }

    /// Returns the id of the record whose first line is `text` and begins at the byte `offset`.
    #[must_use]
    pub fn occurrence_id(&self, time: Timestamp, offset: u64, text: &str) -> OccurrenceId {
        OccurrenceId::from_key(time, &format!("{}\n{offset}\n{text}", self.name))
    }
}

/// Returns the name of a file without the suffix that programs append when they begin a new file.
fn without_rotation(name: &str) -> &str {
    let name = [".gz", ".zst", ".xz", ".bz2"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix).filter(|name| !name.is_empty()))
        .unwrap_or(name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-._TZ".contains(c));
    let suffix = &name[stem.len()..];
    let digits = suffix.bytes().filter(u8::is_ascii_digit).count();
    let is_number = suffix.strip_prefix('.').is_some_and(|rest| {
        (1..=4).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_date = suffix.starts_with(['.', '-', '_']) && digits >= 8;
    if !stem.is_empty() && (is_number || is_date) { stem } else { name }
}

/// The number of distinct lines that [`StreamIdentity`] remembers at least. Lines that state a time are
/// repeated soon or never, so it may forget older lines.
///
/// Two generations of so many take 4.3 MiB, and 6 MiB while one of them grows: each is a table of 2^17 entries of 17 bytes.
const REMEMBERED: usize = 100_000;

/// The identities of lines that come through a pipe and therefore have no place.
///
/// A line is identified by its text and by how many lines with the same text came before it in the same
/// stream. So the second of two equal lines has its own id, and a stream that is read again gives the
/// same ids. This requires that lines state their time: without one, equal texts of different runs are
/// different events, and a random id is right.
///
/// The last 100,000 distinct lines are remembered, and up to 200,000. A line that equals an older one, with its time, has
/// the id of that one.
#[derive(Clone, Debug, Default)]
pub struct StreamIdentity {
    /// The number of lines by the hash of their text.
    seen: HashMap<u64, u32>,
    /// The generation before `seen`, which replaces it when it is full. Two generations bound the memory
    /// without forgetting the most recent lines.
    seen_before: HashMap<u64, u32>,
}

impl StreamIdentity {
    /// Begins a stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the id of the next record, whose first line is `text`.
    pub fn occurrence_id(&mut self, time: Timestamp, text: &str) -> OccurrenceId {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if self.seen.len() >= REMEMBERED {
            self.seen_before = std::mem::take(&mut self.seen);
        }
        let before = self.seen_before.get(&hash).copied().unwrap_or(0);
        let count = self.seen.entry(hash).or_insert(before);
        *count += 1;
        OccurrenceId::from_key(time, &format!("-\n{count}\n{text}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_suffix_of_a_rotation_is_ignored() {
        for (name, expected) in [
            ("app.log", "app.log"),
            ("app.log.1", "app.log"),
            ("app.log.2.gz", "app.log"),
            ("app.log-20261121.zst", "app.log"),
            (".gz", ".gz"),
            ("syslog.12", "syslog"),
            ("messages-20261121", "messages"),
            ("app.log.2026-11-21", "app.log"),
            ("mongod.log.2026-11-21T10-47-20", "mongod.log"),
            ("app-1.log", "app-1.log"),
            ("worker-1", "worker-1"),
            ("20261121", "20261121"),
            ("app.log.old", "app.log.old"),
        ] {
            assert_eq!(without_rotation(name), expected);
        }
    }

    #[test]
    fn a_file_has_one_identity_by_every_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        fs::write(&path, "x").unwrap();
        let identity = |path: &Path| FileIdentity::new(path).unwrap();
        assert_eq!(identity(&path), identity(&folder.path().join(".").join("app.log")));
        let rotated = folder.path().join("app.log.1");
        fs::rename(&path, &rotated).unwrap();
        fs::write(&path, "y").unwrap();
        assert_eq!(identity(&path), identity(&rotated));
        let other = folder.path().join("other.log");
        fs::write(&other, "x").unwrap();
        assert_ne!(identity(&path), identity(&other));
        assert_ne!(identity(&path).key(), identity(&other).key());
    }

    #[test]
    fn equal_lines_of_a_stream_have_different_ids_that_the_next_run_repeats() {
        let time = Timestamp::from_micros(1_000_000);
        let run = || {
            let mut stream = StreamIdentity::new();
            ["a", "a", "b"].map(|text| stream.occurrence_id(time, text))
        };
        let ids = run();
        assert_eq!(ids, run());
        assert_eq!(std::collections::HashSet::from(ids).len(), 3);
    }
}

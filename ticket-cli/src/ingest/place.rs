//! Where a line stands, and the identity that follows from it.
//!
//! A line of a file is known by the file's folder (with symbolic links resolved), its name without
//! what rotation appends to it, the byte at which the line begins, and its text. So it is the same
//! line in a second run, by another spelling of the path, after the file has grown, and after the
//! file was renamed from `app.log` to `app.log.1`; and the same text in another place, or in another
//! file, is another line.
//!
//! Two things cannot be seen from the line alone, and are therefore noted in what is stored:
//!
//! - [`UNDATED`]: a line before which no line has a time takes that of its file, which changes. Its
//!   identity is made of the time that the file had when such a line was recorded first.
//! - [`OPEN_END`]: the last record of a file may be incomplete: a stack trace or a line whose end is
//!   not written yet. It is recorded as it is. When the rest has come, it must not be recorded again,
//!   under another ticket perhaps, since what makes the ticket may be in the rest. The trait says how
//!   much of its first line there was.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;

use ticket_core::{
    Comparison, ErrorKind, EventFilter, EventQuery, MAX_LIMIT, OccurrenceId, Operator, Store,
    Timestamp, Value,
};

/// The trait with the file of a record without a time.
pub(super) const UNDATED: &str = "ingest.undated";
/// The trait with the place of a record that was the last of its file.
pub(super) const OPEN_END: &str = "ingest.open_end";

/// A file as all runs know it.
#[derive(Clone, Debug)]
pub(super) struct FilePlace {
    name: String,
    digest: String,
    known: Known,
}

/// What is stored of a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// The milliseconds of the identities of records without a time.
    undated: Option<Timestamp>,
    /// Records that were the last ones once: where they begin, how long their first line was, and
    /// what identity that gave them.
    open_ends: HashMap<u64, Vec<(usize, OccurrenceId)>>,
}

impl FilePlace {
    /// The place of a file that is there.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(path)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.as_deref().map_or("", without_rotation);
        let name = path.with_file_name(name).to_string_lossy().into_owned();
        let digest = OccurrenceId::from_key(Timestamp::UNIX_EPOCH, &name).to_string();
        Ok(Self { name, digest, known: Known::default() })
    }

    /// What is stored of it.
    pub(super) async fn look_up(
        &self,
        store: &dyn Store,
        app_id: &str,
    ) -> ticket_core::Result<Known> {
        let mut known = Known::default();
        let filter = || EventFilter::new().with_app_id(app_id);
        let mine = Comparison::new(UNDATED, Operator::Eq, self.digest.as_str());
        let query = EventQuery::new().with_filter(filter().with_comparison(mine)).with_limit(1);
        let page = match store.get_events(&query).await {
            Ok(page) => page,
            // Without events nothing can be looked up, and growing files count their ends twice.
            Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(known),
            Err(error) => return Err(error),
        };
        known.undated = page.items.first().and_then(|event| time_of(event.record.id));

        let from = Comparison::new(OPEN_END, Operator::Ge, format!("{}:", self.digest));
        let to = Comparison::new(OPEN_END, Operator::Lt, format!("{};", self.digest));
        let filter = filter().with_comparison(from).with_comparison(to);
        let mut query = EventQuery::new().with_filter(filter).with_limit(MAX_LIMIT);
        loop {
            let page = store.get_events(&query).await?;
            for event in &page.items {
                if let Some(Value::Text(place)) = event.record.traits.get(OPEN_END)
                    && let Some((offset, length)) = parse_open_end(place)
                {
                    known.open_ends.entry(offset).or_default().push((length, event.record.id));
                }
            }
            match page.next {
                Some(next) => query = query.with_after(next),
                None => return Ok(known),
            }
        }
    }

    /// Takes over what was looked up.
    pub(super) fn knows(&mut self, known: Known) {
        self.known = known;
    }

    /// Whether the record that begins here is stored as far as it was written then. The time is that
    /// of its identity.
    pub(super) fn is_stored_in_part(&self, time: Timestamp, offset: u64, text: &str) -> bool {
        self.known.open_ends.get(&offset).is_some_and(|known| {
            known.iter().any(|(length, id)| {
                text.get(..*length).is_some_and(|part| self.id(time, offset, part) == *id)
            })
        })
    }

    /// The identity of a record that begins here.
    pub(super) fn id(&self, time: Timestamp, offset: u64, text: &str) -> OccurrenceId {
        OccurrenceId::from_key(time, &format!("{}\n{offset}\n{text}", self.name))
    }

    /// The time of which the identities of records without a time are made; `now` counts only for the
    /// first of them.
    pub(super) fn undated(&mut self, now: Timestamp) -> Timestamp {
        *self.known.undated.get_or_insert(now)
    }

    /// What [`UNDATED`] says of this file.
    pub(super) fn digest(&self) -> &str {
        &self.digest
    }

    /// What [`OPEN_END`] says of a record that begins here.
    pub(super) fn open_end(&self, offset: u64, text: &str) -> String {
        format!("{}:{offset}:{}", self.digest, text.len())
    }
}

fn parse_open_end(place: &str) -> Option<(u64, usize)> {
    let mut parts = place.rsplit(':');
    let length = parts.next()?.parse().ok()?;
    Some((parts.next()?.parse().ok()?, length))
}

/// The time in an identity.
fn time_of(id: OccurrenceId) -> Option<Timestamp> {
    let (seconds, nanos) = id.as_uuid().get_timestamp()?.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?;
    Some(Timestamp::from_micros(micros + i64::from(nanos / 1_000)))
}

/// A file's name without what programs append when they begin a new one: `.1`, `-20261121`,
/// `.2026-11-21T10-47-20`.
fn without_rotation(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-._TZ".contains(c));
    let suffix = &name[stem.len()..];
    let digits = suffix.bytes().filter(u8::is_ascii_digit).count();
    let is_number = suffix.strip_prefix('.').is_some_and(|rest| {
        (1..=4).contains(&rest.len()) && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    let is_date = suffix.starts_with(['.', '-', '_']) && digits >= 8;
    if !stem.is_empty() && (is_number || is_date) { stem } else { name }
}

/// Identities of lines that come through a pipe, where there is no place: the text, and how many
/// lines with this text came before in the same run.
#[derive(Debug, Default)]
pub(super) struct Stream {
    seen: HashMap<u64, u32>,
    seen_before: HashMap<u64, u32>,
}

/// How many different lines are remembered at least. Lines with a time repeat soon or never.
const REMEMBERED: usize = 500_000;

impl Stream {
    /// The identity of a line with a time.
    pub(super) fn id(&mut self, time: Timestamp, text: &str) -> OccurrenceId {
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

/// A file as the system knows it, to see whether a path means another one by now.
pub(super) fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        (a.dev(), a.ino()) == (b.dev(), b.ino())
    }
    #[cfg(not(unix))]
    {
        a.created().ok() == b.created().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rotation_appends_does_not_count() {
        for (name, expected) in [
            ("app.log", "app.log"),
            ("app.log.1", "app.log"),
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
    fn a_file_is_the_same_by_every_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.log");
        fs::write(&path, "x").unwrap();
        let name = |path: &Path| FilePlace::of(path).unwrap().name;
        assert_eq!(name(&path), name(&folder.path().join(".").join("app.log")));
        let rotated = folder.path().join("app.log.1");
        fs::rename(&path, &rotated).unwrap();
        fs::write(&path, "y").unwrap();
        assert_eq!(name(&path), name(&rotated));
        let other = folder.path().join("other.log");
        fs::write(&other, "x").unwrap();
        assert_ne!(name(&path), name(&other));
    }

    #[test]
    fn a_line_that_has_grown_is_known_by_its_beginning() {
        let mut place =
            FilePlace { name: "/a".into(), digest: "d".into(), known: Known::default() };
        let time = Timestamp::from_micros(1_000_000);
        let (offset, length) = parse_open_end(&place.open_end(7, "ERROR no")).unwrap();
        assert_eq!((offset, length), (7, 8));
        place.known.open_ends.insert(offset, vec![(length, place.id(time, 7, "ERROR no"))]);
        assert!(place.is_stored_in_part(time, 7, "ERROR no such user"));
        assert!(place.is_stored_in_part(time, 7, "ERROR no"));
        assert!(!place.is_stored_in_part(time, 7, "ERROR yes"));
        assert!(!place.is_stored_in_part(time, 8, "ERROR no"));
        assert!(!place.is_stored_in_part(time, 7, "ERROR n\u{fffd}\u{fffd}"));
    }

    #[test]
    fn the_same_line_twice_in_a_stream_is_two_and_the_same_two_in_the_next_run() {
        let time = Timestamp::from_micros(1_000_000);
        let run = || {
            let mut stream = Stream::default();
            [stream.id(time, "a"), stream.id(time, "a"), stream.id(time, "b")]
        };
        let ids = run();
        assert_eq!(ids, run());
        assert_eq!(std::collections::HashSet::from(ids).len(), 3);
    }

    #[test]
    fn an_identity_has_its_time() {
        let time = Timestamp::from_micros(1_795_258_040_123_000);
        assert_eq!(time_of(OccurrenceId::from_key(time, "x")), Some(time));
    }
}

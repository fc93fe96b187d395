//! [`Sample`]: what the stored occurrences of a ticket have in common.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use ticket_core::{Occurrence, OccurrenceQuery, Ticket, Timestamp, Value};

use crate::failure::Failure;
use crate::reader::Reader;

/// The number of occurrences that are looked at.
const MAX_SAMPLE: usize = 10_000;
const PER_READ: u32 = 1_000;

/// How long reading the sample may take before the rest is left out.
const BUDGET: Duration = Duration::from_millis(250);

/// The number of values that are shown of a trait, and of releases.
const TOP: usize = 10;

/// The number of different values that are counted of a trait.
const MAX_DISTINCT: usize = 1_000;

/// The values, releases and environments of the newest occurrences of a ticket.
#[derive(Default)]
pub(crate) struct Sample {
    /// The number of occurrences that were looked at.
    pub(crate) occurrences: usize,
    /// Whether these are all that are stored.
    pub(crate) is_whole: bool,
    pub(crate) traits: BTreeMap<String, TraitCounts>,
    releases: HashMap<(String, String), Seen>,
}

/// How often a trait has which value.
#[derive(Default)]
pub(crate) struct TraitCounts {
    /// By the literal of the value, which tells values of different types apart.
    values: HashMap<String, ValueCount>,
    /// The number of records with this trait.
    pub(crate) sum: u64,
}

/// How often a trait has a value.
pub(crate) struct ValueCount {
    pub(crate) value: Value,
    pub(crate) count: u64,
}

/// When a release was seen in an environment, and how often.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
    pub(crate) count: u64,
}

impl Sample {
    /// Reads the newest occurrences, as many as is quick.
    pub(crate) async fn read(reader: Reader<'_>, ticket: &Ticket) -> Result<Self, Failure> {
        let start = Instant::now();
        let mut sample = Self::default();
        let mut query = OccurrenceQuery::new().with_limit(PER_READ);
        loop {
            let page = reader.occurrences(ticket, &query).await?;
            page.items.iter().for_each(|occurrence| sample.add(occurrence));
            let Some(next) = page.next else {
                sample.is_whole = true;
                return Ok(sample);
            };
            if sample.occurrences >= MAX_SAMPLE || start.elapsed() > BUDGET {
                return Ok(sample);
            }
            query = query.with_after(next);
        }
    }

    fn add(&mut self, occurrence: &Occurrence) {
        let Occurrence { repeats, record, ticket_id: _ } = occurrence;
        let repeats = u64::from(*repeats);
        self.occurrences += 1;
        for (name, value) in record.traits.iter() {
            let counts = self.traits.entry(name.to_string()).or_default();
            counts.sum += repeats;
            let literal = ticket_query::literal(value);
            if let Some(counted) = counts.values.get_mut(&literal) {
                counted.count += repeats;
            } else if counts.values.len() < MAX_DISTINCT {
                counts.values.insert(literal, ValueCount { value: value.clone(), count: repeats });
            }
        }
        if record.release.is_some() || record.environment.is_some() {
            let text = |text: &Option<ticket_core::SmolStr>| {
                text.as_deref().unwrap_or_default().to_owned()
            };
            let of = (text(&record.release), text(&record.environment));
            let new = Seen { first: record.time, last: record.time, count: 0 };
            let seen = self.releases.entry(of).or_insert(new);
            seen.first = seen.first.min(record.time);
            seen.last = seen.last.max(record.time);
            seen.count += repeats;
        }
    }

    /// Returns releases with their environments, those that were seen last first.
    pub(crate) fn releases(&self) -> Vec<(&str, &str, Seen)> {
        let releases = self.releases.iter();
        let mut releases: Vec<_> =
            releases.map(|((release, of), seen)| (release.as_str(), of.as_str(), *seen)).collect();
        releases.sort_by_key(|(_, _, seen)| Reverse(seen.last));
        releases.truncate(TOP);
        releases
    }
}

impl TraitCounts {
    /// Returns the most frequent values with their literals.
    pub(crate) fn top(&self) -> Vec<(&str, &ValueCount)> {
        let values = self.values.iter();
        let mut values: Vec<_> = values.map(|(literal, of)| (literal.as_str(), of)).collect();
        values.sort_by_key(|(literal, of)| (Reverse(of.count), *literal));
        values.truncate(TOP);
        values
    }
}

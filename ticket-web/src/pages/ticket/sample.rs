//! What the stored occurrences of a ticket have in common: values, releases and environments.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use ticket_core::{Occurrence, OccurrenceQuery, Ticket, Timestamp};
use ticket_query::sanitize;

use crate::failure::Failure;
use crate::reader::Reader;
use crate::view::{TimeView, beginning, grouped};

/// The number of occurrences that are looked at.
const MAX_SAMPLE: usize = 10_000;
const PER_READ: u32 = 1_000;

/// How long reading the sample may take before the rest is left out.
const BUDGET: Duration = Duration::from_millis(250);

/// The number of values that are shown of a trait.
const TOP: usize = 10;

/// The number of different values that are counted of a trait.
const MAX_DISTINCT: usize = 1_000;

/// What the newest occurrences have in common.
pub(crate) struct Sample {
    /// How many there are, and whether these are all.
    pub(crate) of: String,
    pub(crate) traits: Vec<TraitShare>,
    pub(crate) releases: Vec<ReleaseShare>,
}

/// The most frequent values of a trait.
pub(crate) struct TraitShare {
    pub(crate) name: String,
    pub(crate) values: Vec<ValueShare>,
    /// What the values that are not shown are together.
    pub(crate) others: Option<String>,
}

pub(crate) struct ValueShare {
    pub(crate) value: String,
    pub(crate) count: String,
    pub(crate) percent: u64,
    /// The same, where less than one in a hundred is not nothing.
    pub(crate) share: String,
}

/// A release in an environment.
pub(crate) struct ReleaseShare {
    pub(crate) release: String,
    pub(crate) environment: String,
    pub(crate) first: TimeView,
    pub(crate) last: TimeView,
    pub(crate) count: String,
}

#[derive(Default)]
struct Counts {
    traits: BTreeMap<String, TraitCounts>,
    releases: HashMap<(String, String), (Timestamp, Timestamp, u64)>,
    occurrences: usize,
}

#[derive(Default)]
struct TraitCounts {
    values: HashMap<String, u64>,
    sum: u64,
}

/// Reads the newest occurrences, as many as is quick.
pub(crate) async fn read(
    reader: Reader<'_>,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<Sample, Failure> {
    let start = Instant::now();
    let mut counts = Counts::default();
    let mut query = OccurrenceQuery::new().with_limit(PER_READ);
    let is_whole = loop {
        let page = reader.occurrences(ticket, &query).await?;
        page.items.iter().for_each(|occurrence| counts.add(occurrence));
        match page.next {
            None => break true,
            Some(_) if counts.occurrences >= MAX_SAMPLE || start.elapsed() > BUDGET => break false,
            Some(next) => query = query.with_after(next),
        }
    };
    Ok(counts.sample(is_whole, now))
}

impl Counts {
    fn add(&mut self, occurrence: &Occurrence) {
        let Occurrence { repeats, record, ticket_id: _ } = occurrence;
        let repeats = u64::from(*repeats);
        self.occurrences += 1;
        for (name, value) in record.traits.iter() {
            let counts = self.traits.entry(name.to_string()).or_default();
            counts.sum += repeats;
            let value = ticket_query::literal(value);
            if let Some(count) = counts.values.get_mut(&value) {
                *count += repeats;
            } else if counts.values.len() < MAX_DISTINCT {
                counts.values.insert(value, repeats);
            }
        }
        let text =
            |text: &Option<ticket_core::SmolStr>| text.as_deref().unwrap_or_default().to_owned();
        if record.release.is_some() || record.environment.is_some() {
            let of = (text(&record.release), text(&record.environment));
            let seen = self.releases.entry(of).or_insert((record.time, record.time, 0));
            *seen = (seen.0.min(record.time), seen.1.max(record.time), seen.2 + repeats);
        }
    }

    fn sample(self, is_whole: bool, now: Timestamp) -> Sample {
        let number = grouped(self.occurrences as u64);
        let of = match (is_whole, self.occurrences) {
            (true, 1) => "the only stored occurrence".to_owned(),
            (true, _) => format!("all {number} stored occurrences"),
            (false, _) => format!("the newest {number} occurrences"),
        };
        let mut releases: Vec<_> = self.releases.into_iter().collect();
        releases.sort_by_key(|(_, (_, last, _))| std::cmp::Reverse(*last));
        let release =
            |((release, environment), (first, last, count)): ((String, String), (_, _, u64))| {
                ReleaseShare {
                    release: beginning(&release, 80),
                    environment: beginning(&environment, 80),
                    first: TimeView::new(first, now),
                    last: TimeView::new(last, now),
                    count: grouped(count),
                }
            };
        Sample {
            of,
            traits: self.traits.into_iter().map(|(name, counts)| counts.share(&name)).collect(),
            releases: releases.into_iter().take(TOP).map(release).collect(),
        }
    }
}

impl TraitCounts {
    fn share(self, name: &str) -> TraitShare {
        let mut values: Vec<(String, u64)> = self.values.into_iter().collect();
        values.sort_by(|(a_value, a), (b_value, b)| b.cmp(a).then_with(|| a_value.cmp(b_value)));
        values.truncate(TOP);
        let shown: u64 = values.iter().map(|(_, count)| count).sum();
        let percent = |count: u64| (count * 100).checked_div(self.sum).unwrap_or(0);
        let others = (shown < self.sum).then(|| format!("{}%", percent(self.sum - shown)));
        let value = |(value, count): (String, u64)| ValueShare {
            value: beginning(&value, 120),
            count: grouped(count),
            percent: percent(count),
            share: if percent(count) == 0 {
                "<1%".to_owned()
            } else {
                format!("{}%", percent(count))
            },
        };
        TraitShare {
            name: sanitize::line(name),
            values: values.into_iter().map(value).collect(),
            others,
        }
    }
}

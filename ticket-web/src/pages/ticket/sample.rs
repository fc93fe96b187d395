//! What the stored occurrences of a ticket have in common, as the page shows it.

use ticket_core::Timestamp;
use ticket_query::sanitize;

use crate::sample::{Sample, TraitCounts};
use crate::view::{TimeView, beginning, grouped};

/// What the newest occurrences have in common.
pub(crate) struct SampleView {
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

impl SampleView {
    pub(crate) fn new(sample: &Sample, now: Timestamp) -> Self {
        let number = grouped(sample.occurrences as u64);
        let of = match (sample.is_whole, sample.occurrences) {
            (true, 1) => "the only stored occurrence".to_owned(),
            (true, _) => format!("all {number} stored occurrences"),
            (false, _) => format!("the newest {number} occurrences"),
        };
        let releases = sample.releases().into_iter();
        let releases = releases.map(|(release, environment, seen)| ReleaseShare {
            release: beginning(release, 80),
            environment: beginning(environment, 80),
            first: TimeView::new(seen.first, now),
            last: TimeView::new(seen.last, now),
            count: grouped(seen.count),
        });
        let traits = sample.traits.iter().map(|(name, counts)| share(name, counts));
        Self { of, traits: traits.collect(), releases: releases.collect() }
    }
}

fn share(name: &str, counts: &TraitCounts) -> TraitShare {
    let top = counts.top();
    let shown: u64 = top.iter().map(|(_, of)| of.count).sum();
    let percent = |count: u64| (count * 100).checked_div(counts.sum).unwrap_or(0);
    let values = top.into_iter().map(|(literal, of)| ValueShare {
        value: beginning(literal, 120),
        count: grouped(of.count),
        percent: percent(of.count),
        share: if percent(of.count) == 0 {
            "<1%".to_owned()
        } else {
            format!("{}%", percent(of.count))
        },
    });
    TraitShare {
        name: sanitize::line(name),
        values: values.collect(),
        others: (shown < counts.sum).then(|| format!("{}%", percent(counts.sum - shown))),
    }
}

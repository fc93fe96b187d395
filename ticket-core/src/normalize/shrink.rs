//! Shrinks records whose JSON form is too long.

use std::io;

use super::thin;
use crate::limits::{RECORD, cut};
use crate::{Record, Traits, Value};

/// The steps that shrink a record, ordered so that the least informative data goes first.
///
/// The documentation of [`Record::normalize`] lists them. The 1 that is added to a count is the element that
/// says how many are missing.
const STEPS: [fn(&mut Record); 15] = [
    |record| thin::breadcrumbs(record, 20 + 1),
    |record| thin::frames(record, 64 + 1),
    |record| cut_surroundings(record, 128),
    |record| thin::breadcrumbs(record, 5 + 1),
    |record| cut_values(&mut record.traits, 512),
    |record| cut_values(&mut record.traits, 256),
    |record| cut_values(&mut record.traits, 128),
    |record| thin::frames(record, 16 + 1),
    |record| {
        thin::spans(record, 2 + 1 + 2);
        surrounding_traits(record).for_each(|values| values.thin(8 + 1));
    },
    |record| cut_errors(record, 1024),
    |record| cut_values(&mut record.traits, 64),
    |record| {
        thin::breadcrumbs(record, 1);
        thin::frames(record, 1);
        surrounding_traits(record).for_each(|values| values.thin(1));
    },
    |record| cut_errors(record, 256),
    |record| record.traits.fit_names(64),
    |record| {
        while !fits(record) && record.traits.len() > 1 {
            let half = record.traits.len() / 2;
            record.traits.thin(half);
        }
    },
];

/// Shrinks a record until its JSON form is within the limit.
#[cold]
pub(super) fn shrink(record: &mut Record) {
    // The payload has a limit of its own, and does not count.
    let payload = record.payload.take();
    for step in STEPS {
        if fits(record) {
            break;
        }
        step(record);
    }
    debug_assert!(fits(record), "the last step must bring the record within the limit");
    record.payload = payload;
}

/// Returns the traits of all spans and breadcrumbs.
fn surrounding_traits(record: &mut Record) -> impl Iterator<Item = &mut Traits> {
    let breadcrumbs = record.breadcrumbs.iter_mut().map(|breadcrumb| &mut breadcrumb.traits);
    breadcrumbs.chain(record.spans.iter_mut().map(|span| &mut span.traits))
}

fn cut_surroundings(record: &mut Record, limit: usize) {
    for breadcrumb in &mut record.breadcrumbs {
        cut(&mut breadcrumb.message, limit);
    }
    surrounding_traits(record).for_each(|values| cut_values(values, limit));
}

fn cut_values(traits: &mut Traits, limit: usize) {
    for value in traits.values_mut() {
        if let Value::Text(text) = value {
            cut(text, limit);
        }
    }
}

fn cut_errors(record: &mut Record, limit: usize) {
    for error in &mut record.error {
        cut(&mut error.message, limit);
        if let Some(name) = &mut error.type_name {
            cut(name, limit);
        }
    }
}

/// Returns `true` if the JSON form is within the limit.
fn fits(record: &Record) -> bool {
    serde_json::to_writer(Room(RECORD), record).is_ok()
}

/// A writer that accepts this number of bytes and then fails, so that measuring stops at the limit.
struct Room(usize);

impl io::Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

//! How much memory a waiting record takes.

use std::mem::size_of;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::{Breadcrumb, ErrorCause, Frame, Span};
use ticket_core::{Record, SmolStr, Traits, Value};

/// What a map keeps for an entry besides the text: name, value, and its share of a half-full node.
const TRAIT: usize = 2 * (size_of::<SmolStr>() + size_of::<Value>());

/// An estimate in bytes, from above for all but the allocator's own rounding.
pub(crate) fn of(occurrence: &NewOccurrence) -> usize {
    let pairs = occurrence.ingredients().iter();
    let ingredients: usize =
        pairs.map(|(name, value)| 2 * size_of::<SmolStr>() + name.len() + value.len()).sum();
    size_of::<NewOccurrence>() + ingredients + record(occurrence.record())
}

fn record(record: &Record) -> usize {
    let location = &record.location;
    let texts = [
        &location.file,
        &location.module,
        &location.function,
        &record.release,
        &record.environment,
        &record.host,
        &record.thread,
        &record.trace_id,
        &record.span_id,
        &record.fingerprint,
    ];
    let request = record.request.as_ref().map_or(0, |request| {
        let texts = [
            &request.method,
            &request.path,
            &request.route,
            &request.remote_address,
            &request.user,
            &request.request_id,
        ];
        texts.into_iter().map(text).sum()
    });
    record.channel.len()
        + record.message.len()
        + record.app_id.len()
        + texts.into_iter().map(text).sum::<usize>()
        + request
        + traits(&record.traits)
        + record.error.iter().map(cause).sum::<usize>()
        + record.backtrace.iter().map(frame).sum::<usize>()
        + record.breadcrumbs.iter().map(breadcrumb).sum::<usize>()
        + record.spans.iter().map(span).sum::<usize>()
}

fn text(text: &Option<SmolStr>) -> usize {
    text.as_ref().map_or(0, SmolStr::len)
}

fn traits(traits: &Traits) -> usize {
    let value = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Int(_) | Value::Float(_) | Value::Bool(_) | Value::Time(_) => 0,
    };
    traits.iter().map(|(name, of)| TRAIT + name.len() + value(of)).sum()
}

fn cause(cause: &ErrorCause) -> usize {
    size_of::<ErrorCause>() + text(&cause.type_name) + cause.message.len()
}

fn frame(frame: &Frame) -> usize {
    size_of::<Frame>() + frame.function.len() + text(&frame.file)
}

fn breadcrumb(crumb: &Breadcrumb) -> usize {
    size_of::<Breadcrumb>() + crumb.channel.len() + crumb.message.len() + traits(&crumb.traits)
}

fn span(span: &Span) -> usize {
    size_of::<Span>() + span.name.len() + span.target.len() + traits(&span.traits)
}

#[cfg(test)]
mod tests {
    use ticket_core::{Level, Timestamp};
    use ticket_direct::HandlerOptions;

    use super::*;

    fn size(change: impl FnOnce(&mut Record)) -> usize {
        let mut record = Record::new(Level::Error, "a", "b");
        change(&mut record);
        of(&HandlerOptions::new("app").prepare(record).unwrap())
    }

    #[test]
    fn every_part_of_a_record_counts() {
        let text = || "x".repeat(200);
        let base = size(|_| ());
        assert!(base > size_of::<NewOccurrence>() && base < 2000, "{base}");
        let bigger: [fn(&mut Record, String); 6] = [
            |record, text| record.message = text.into(),
            |record, text| record.host = Some(text.into()),
            |record, text| drop(record.traits.insert("a".into(), text.into())),
            |record, text| record.error.push(ErrorCause::new(None, text)),
            |record, text| {
                let crumb = Breadcrumb::new(Timestamp::now(), Level::Info, "a", text);
                record.breadcrumbs.push(crumb);
            },
            |record, text| record.spans.push(Span::new(text)),
        ];
        for (index, change) in bigger.into_iter().enumerate() {
            assert!(size(|record| change(record, text())) >= base + 200, "{index}");
        }
    }
}

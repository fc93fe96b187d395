//! Thins lists that exceed their limits.

use crate::limits::{BREADCRUMBS, ERRORS, FRAMES, SPANS, left_out, mark, thin};
use crate::record::{Breadcrumb, ErrorCause, Frame, Span};
use crate::{Level, Record};

/// Brings all lists of a record within their limits.
pub(super) fn lists(record: &mut Record) {
    errors(record, ERRORS);
    frames(record, FRAMES);
    breadcrumbs(record, BREADCRUMBS);
    spans(record, SPANS);
}

fn errors(record: &mut Record, limit: usize) {
    let of = |error: &ErrorCause| left_out(&error.message, "errors");
    thin(&mut record.error, both_ends(limit), of, |count, _| {
        ErrorCause::new(None, mark(count, "errors"))
    });
}

pub(super) fn frames(record: &mut Record, limit: usize) {
    let of = |frame: &Frame| left_out(&frame.function, "frames");
    thin(&mut record.backtrace, [limit - 1, 0], of, |count, _| Frame::new(mark(count, "frames")));
}

pub(super) fn breadcrumbs(record: &mut Record, limit: usize) {
    let of = |breadcrumb: &Breadcrumb| left_out(&breadcrumb.message, "breadcrumbs");
    thin(&mut record.breadcrumbs, [0, limit - 1], of, |count, last| {
        Breadcrumb::new(last.time, Level::Info, "", mark(count, "breadcrumbs"))
    });
}

pub(super) fn spans(record: &mut Record, limit: usize) {
    let of = |span: &Span| left_out(&span.name, "spans");
    thin(&mut record.spans, both_ends(limit), of, |count, _| Span::new(mark(count, "spans")));
}

/// Returns the number of elements to keep at the start and at the end, leaving room for the mark.
fn both_ends(limit: usize) -> [usize; 2] {
    [limit / 2, limit - 1 - limit / 2]
}

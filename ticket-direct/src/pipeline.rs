//! The individual steps of [`HandlerOptions`], for implementors of handlers.
//!
//! An application needs only [`HandlerOptions`], and a simple handler only [`HandlerOptions::prepare`]. A handler
//! that caches the fingerprints of repeated records, or creates records itself, uses a [`Pipeline`].

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Record};

use crate::HandlerOptions;

/// Applies [`HandlerOptions`] to records step by step.
///
/// ```
/// use ticket_core::backend::NewOccurrence;
/// use ticket_core::{Level, Record};
/// use ticket_direct::HandlerOptions;
/// use ticket_direct::pipeline::Pipeline;
///
/// let pipeline = Pipeline::new(HandlerOptions::new("shop"));
/// let mut record = Record::new(Level::Error, "shop", "payment refused");
/// if pipeline.admit(&mut record) {
///     let fingerprint = pipeline.options().hash_record(&record);
///     pipeline.finish(&mut record, &fingerprint);
///     let occurrence = NewOccurrence::from_normalized(record, fingerprint);
///     assert_eq!(occurrence.record().app_id, "shop");
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Pipeline {
    options: HandlerOptions,
}

impl Pipeline {
    /// Creates a pipeline with these options.
    #[must_use]
    pub const fn new(options: HandlerOptions) -> Self {
        Self { options }
    }

    /// Returns the options.
    #[must_use]
    pub const fn options(&self) -> &HandlerOptions {
        &self.options
    }

    /// Applies the level, the common fields, the filter, the processor, the redaction and the limits to a record.
    ///
    /// Returns `false` if the record is dropped; its content is then unspecified. The record is changed in place,
    /// because it is large and each move would copy it.
    #[must_use]
    pub fn admit(&self, record: &mut Record) -> bool {
        let is_wanted = self.options.is_wanted(record);
        if is_wanted {
            record.prepare(self.options.redaction());
        }
        is_wanted
    }

    /// Applies the final processor to an admitted record whose fingerprint is known, and then the redaction and the
    /// limits to what it has changed.
    pub fn finish(&self, record: &mut Record, fingerprint: &Fingerprint) {
        self.options.finish(record, fingerprint);
    }

    /// Prepares a record that the handler itself has created. Level, filter and processors do not apply to it.
    #[must_use]
    pub fn prepare_own(&self, mut record: Record) -> NewOccurrence {
        self.options.add_common(&mut record);
        let hash = |record: &Record| self.options.hash_record(record);
        NewOccurrence::prepare(record, self.options.redaction(), hash)
    }

    /// Returns `true` if the options contain no filter, no processor that decides the ticket and no custom
    /// grouping.
    ///
    /// The ticket of a record is then determined by its application, level, channel, location, message, errors
    /// and explicit fingerprint. If a record agrees in all of these with an earlier one, a handler may reuse the earlier
    /// fingerprint without building the record.
    #[must_use]
    pub const fn is_pure(&self) -> bool {
        !self.options.has_functions()
    }
}

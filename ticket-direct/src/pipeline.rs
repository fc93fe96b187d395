//! The steps of [`HandlerOptions`] one by one, for implementors of handlers.
//!
//! An application needs only [`HandlerOptions`], and a simple handler only
//! [`HandlerOptions::prepare`]. A handler that saves work for records it has seen before, or makes records
//! itself, uses a [`Pipeline`].

use ticket_core::Record;
use ticket_core::backend::NewOccurrence;

use crate::HandlerOptions;

/// What a handler does with its records, according to [`HandlerOptions`].
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

    /// Prepares a record in place: level, common fields, filter, processor, redaction, and limits.
    ///
    /// Returns `false` if the record is not wanted; its content is then unspecified. In place, because a
    /// record is large and each move of it is a copy.
    #[must_use]
    pub fn admit(&self, record: &mut Record) -> bool {
        let is_wanted = self.options.is_wanted(record);
        if is_wanted {
            record.prepare(self.options.redaction());
        }
        is_wanted
    }

    /// Prepares a record of the handler's own, which the level, the filter and the processor do not concern.
    #[must_use]
    pub fn prepare_own(&self, mut record: Record) -> NewOccurrence {
        self.options.add_common(&mut record);
        let hash = |record: &Record| self.options.hash_record(record);
        NewOccurrence::prepare(record, self.options.redaction(), hash)
    }

    /// Returns `true` if no function of the application decides about records.
    ///
    /// Then a record's level, location, message, errors and own fingerprint determine its ticket. A handler
    /// that has seen a record need not build another one that agrees with it in all of these to know its
    /// ticket, and may use the same fingerprint.
    #[must_use]
    pub const fn is_pure(&self) -> bool {
        !self.options.has_functions()
    }
}

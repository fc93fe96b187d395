//! [`HandlerOptions`].

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Level, Record, SmolStr};
use ticket_grouping::Grouping;
use ticket_redact::Redaction;

type Filter = Arc<dyn Fn(&Record) -> bool + Send + Sync>;
type Processor = Arc<dyn Fn(Record) -> Option<Record> + Send + Sync>;

/// What every handler does with a record before it goes anywhere: level, filter, what all records of
/// the application have in common, processor, [redaction](Redaction), limits, fingerprint, in this
/// order.
///
/// ```
/// use ticket_core::{Level, Record};
/// use ticket_direct::HandlerOptions;
///
/// let options = HandlerOptions::new("shop")
///     .with_level(Level::Error)
///     .with_release("1.4.0")
///     .with_filter(|record| record.channel != "noise");
/// assert!(options.prepare(Record::new(Level::Warning, "shop", "slow")).is_none());
/// let occurrence = options.prepare(Record::new(Level::Error, "shop", "down")).unwrap();
/// assert_eq!(occurrence.record().app_id, "shop");
/// ```
#[derive(Clone)]
pub struct HandlerOptions {
    app_id: SmolStr,
    salt: Vec<u8>,
    level: Level,
    filter: Option<Filter>,
    grouping: Grouping,
    processor: Option<Processor>,
    redaction: Redaction,
    release: Option<SmolStr>,
    environment: Option<SmolStr>,
    host: Option<SmolStr>,
}

/// The application `generic`, from [`Level::Warning`] on, [`Grouping::Stable`], with redaction.
impl Default for HandlerOptions {
    fn default() -> Self {
        Self::new("generic")
    }
}

impl HandlerOptions {
    /// The defaults for an application: from [`Level::Warning`] on, [`Grouping::Stable`], with
    /// redaction.
    #[must_use]
    pub fn new(app_id: impl Into<SmolStr>) -> Self {
        Self {
            app_id: app_id.into(),
            salt: Vec::new(),
            level: Level::Warning,
            filter: None,
            grouping: Grouping::Stable,
            processor: None,
            redaction: Redaction::new(),
            release: None,
            environment: None,
            host: None,
        }
    }

    /// Sets the application that records belong to, unless they name one themselves.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<SmolStr>) -> Self {
        self.app_id = app_id.into();
        self
    }

    /// Sets the salt of the fingerprints; it keeps two set-ups of one application apart.
    #[must_use]
    pub fn with_salt(mut self, salt: impl Into<Vec<u8>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets the level from which on records are taken.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Takes only records for which the filter is true.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Sets how records are grouped into tickets.
    #[must_use]
    pub fn with_grouping(mut self, grouping: Grouping) -> Self {
        self.grouping = grouping;
        self
    }

    /// Changes each record before it is fingerprinted and stored, or drops it.
    #[must_use]
    pub fn with_processor(
        mut self,
        processor: impl Fn(Record) -> Option<Record> + Send + Sync + 'static,
    ) -> Self {
        self.processor = Some(Arc::new(processor));
        self
    }

    /// Sets what is taken out of records as secret; [`Redaction::new`] unless it is set.
    ///
    /// It comes after the processor, so that a processor may still look at what is secret, and what
    /// it adds is redacted too.
    #[must_use]
    pub fn with_redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = redaction;
        self
    }

    /// Sets the release of records that name none.
    #[must_use]
    pub fn with_release(mut self, release: impl Into<SmolStr>) -> Self {
        self.release = Some(release.into());
        self
    }

    /// Sets the environment of records that name none.
    #[must_use]
    pub fn with_environment(mut self, environment: impl Into<SmolStr>) -> Self {
        self.environment = Some(environment.into());
        self
    }

    /// Sets the host of records that name none.
    #[must_use]
    pub fn with_host(mut self, host: impl Into<SmolStr>) -> Self {
        self.host = Some(host.into());
        self
    }

    /// The application.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// What is taken out of records as secret.
    #[must_use]
    pub const fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// The level from which on records are taken.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// The record's fingerprint.
    #[must_use]
    pub fn hash_record(&self, record: &Record) -> Fingerprint {
        self.grouping.fingerprint(record, &self.salt)
    }

    /// Applies the processor.
    #[must_use]
    pub fn process_record(&self, record: Record) -> Option<Record> {
        match &self.processor {
            Some(processor) => processor(record),
            None => Some(record),
        }
    }

    /// Makes a record ready to be stored; `None` if it is not wanted.
    #[must_use]
    pub fn prepare(&self, record: Record) -> Option<NewOccurrence> {
        self.prepare_known(record, None)
    }

    /// The same for a record whose fingerprint may be known: that of an
    /// [occurrence](NewOccurrence::fingerprint) that agrees with it in all that decides the ticket.
    #[must_use]
    pub fn prepare_known(
        &self,
        mut record: Record,
        fingerprint: Option<Fingerprint>,
    ) -> Option<NewOccurrence> {
        if record.level < self.level {
            return None;
        }
        self.add_common(&mut record);
        if self.filter.as_ref().is_some_and(|filter| !filter(&record)) {
            return None;
        }
        // Not by `process_record`: a record is large, and without a processor it would be moved there and back.
        if let Some(processor) = &self.processor {
            record = processor(record)?;
        }
        Some(NewOccurrence::prepare(record, &self.redaction, |record| {
            fingerprint.unwrap_or_else(|| self.hash_record(record))
        }))
    }

    /// Makes a record of the handler's own ready to be stored: [`prepare`](Self::prepare) without
    /// asking whether it is wanted, by level, filter or processor.
    #[must_use]
    pub fn prepare_own(&self, mut record: Record) -> NewOccurrence {
        self.add_common(&mut record);
        NewOccurrence::prepare(record, &self.redaction, |record| self.hash_record(record))
    }

    /// Whether functions of the application's decide about records: a filter, a processor, or a
    /// [grouping](Grouping::Custom) of its own.
    ///
    /// Without them, what a record's ticket is follows from its level, place, message, errors and
    /// own fingerprint, and a handler need not make a record to know that it belongs to the same
    /// ticket as one before it.
    #[must_use]
    pub const fn has_functions(&self) -> bool {
        self.filter.is_some()
            || self.processor.is_some()
            || matches!(self.grouping, Grouping::Custom(_))
    }

    /// What all records of the application have in common, where the record does not say otherwise.
    fn add_common(&self, record: &mut Record) {
        if record.app_id.is_empty() {
            record.app_id.clone_from(&self.app_id);
        }
        let common = [
            (&mut record.release, &self.release),
            (&mut record.environment, &self.environment),
            (&mut record.host, &self.host),
        ];
        for (own, default) in common {
            if own.is_none() {
                own.clone_from(default);
            }
        }
    }
}

impl fmt::Debug for HandlerOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The salt is left out: whoever knows it can forge fingerprints.
        f.debug_struct("HandlerOptions")
            .field("app_id", &self.app_id)
            .field("level", &self.level)
            .field("grouping", &self.grouping)
            .field("redaction", &self.redaction)
            .field("release", &self.release)
            .field("environment", &self.environment)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

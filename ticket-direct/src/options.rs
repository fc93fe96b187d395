//! [`HandlerOptions`]: what every handler does with a record before it is stored.

#[cfg(test)]
mod tests;

use std::fmt;
use std::mem;
use std::sync::Arc;

use ticket_core::backend::NewOccurrence;
use ticket_core::{Fingerprint, Level, Record, SmolStr};
use ticket_grouping::Grouping;
use ticket_redact::Redaction;

type Filter = Arc<dyn Fn(&Record) -> bool + Send + Sync>;
type Processor = Arc<dyn Fn(Record) -> Option<Record> + Send + Sync>;
type FinalProcessor = Arc<dyn Fn(&mut Record, &Fingerprint) + Send + Sync>;

/// The options of a handler, which determine what happens to a record before it is stored.
///
/// Every handler applies them in this order:
///
/// 1. Records below the level are dropped.
/// 2. The application, release, environment and host are filled in where the record has none.
/// 3. The filter may drop the record.
/// 4. The processor may change or drop it.
/// 5. The [redaction](Redaction) removes secrets.
/// 6. The [limits](ticket_core::limits) shorten what is too long.
/// 7. The [grouping](Grouping) computes the fingerprint.
/// 8. The final processor may change what is stored; steps 5 and 6 are repeated for what it has changed.
///
/// # Two processors
///
/// | | [`with_processor`](Self::with_processor) | [`with_final_processor`](Self::with_final_processor) |
/// |---|---|---|
/// | sees | the record as it was made, secrets included | the record as it will be stored, and its fingerprint |
/// | may | change everything, and drop the record | change what is stored |
/// | the ticket | follows from what it returns | stays |
/// | use it to | drop records, correct a channel, mask a text that would split a ticket | mask or add something without moving records to another ticket, or depending on the ticket |
///
/// # Examples
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
    final_processor: Option<FinalProcessor>,
    redaction: Redaction,
    release: Option<SmolStr>,
    environment: Option<SmolStr>,
    host: Option<SmolStr>,
}

/// Returns [`HandlerOptions::new`] for the application `generic`.
impl Default for HandlerOptions {
    fn default() -> Self {
        Self::new("generic")
    }
}

impl HandlerOptions {
    /// Creates the default options for an application: [`Level::Warning`] and above, [`Grouping::Stable`], and the
    /// default [redaction](Redaction::new).
    #[must_use]
    pub fn new(app_id: impl Into<SmolStr>) -> Self {
        Self {
            app_id: app_id.into(),
            salt: Vec::new(),
            level: Level::Warning,
            filter: None,
            grouping: Grouping::Stable,
            processor: None,
            final_processor: None,
            redaction: Redaction::new(),
            release: None,
            environment: None,
            host: None,
        }
    }

    /// Sets the application of records that name none.
    #[must_use]
    pub fn with_app_id(mut self, app_id: impl Into<SmolStr>) -> Self {
        self.app_id = app_id.into();
        self
    }

    /// Sets the salt of the fingerprints, empty by default.
    ///
    /// Two deployments of one application that use different salts never share a ticket.
    #[must_use]
    pub fn with_salt(mut self, salt: impl Into<Vec<u8>>) -> Self {
        self.salt = salt.into();
        self
    }

    /// Sets the minimum level of records, [`Level::Warning`] by default.
    #[must_use]
    pub fn with_level(mut self, level: Level) -> Self {
        self.level = level;
        self
    }

    /// Sets a filter, which drops the records for which it returns `false`.
    ///
    /// Records below the [level](Self::with_level) never reach it.
    #[must_use]
    pub fn with_filter(mut self, filter: impl Fn(&Record) -> bool + Send + Sync + 'static) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// Sets how records are grouped into tickets, [`Grouping::Stable`] by default.
    #[must_use]
    pub fn with_grouping(mut self, grouping: Grouping) -> Self {
        self.grouping = grouping;
        self
    }

    /// Sets a processor, which changes each record before it is fingerprinted and stored, or drops it by
    /// returning `None`.
    ///
    /// What it changes decides the ticket: without its channel, a record belongs to another ticket. To change only
    /// what is stored, use [`with_final_processor`](Self::with_final_processor).
    #[must_use]
    pub fn with_processor(
        mut self,
        processor: impl Fn(Record) -> Option<Record> + Send + Sync + 'static,
    ) -> Self {
        self.processor = Some(Arc::new(processor));
        self
    }

    /// Sets a processor that runs after the fingerprint is known, and changes what is stored.
    ///
    /// The record stays in its ticket and in its application, whatever the function changes. What it adds is
    /// redacted and brought within the limits. It cannot drop a record. A `BackgroundHandler` calls it for
    /// records that it builds and not for those that a storm only counts, and before the worker adds a backtrace.
    ///
    /// The ingredients that decide the ticket, which are stored too, are taken before this step. So a text that may
    /// not be in the store at all is a matter for the [redaction](Self::with_redaction) or the
    /// [first processor](Self::with_processor).
    ///
    /// ```
    /// use ticket_core::{Level, Record};
    /// use ticket_direct::HandlerOptions;
    ///
    /// let options = HandlerOptions::new("shop").with_final_processor(|record, fingerprint| {
    ///     record.channel = "masked".into();
    ///     record.traits.insert("ticket".into(), fingerprint.id().to_string().into());
    /// });
    /// let occurrence = options.prepare(Record::new(Level::Error, "tenant-17", "down")).unwrap();
    /// assert_eq!(occurrence.record().channel, "masked");
    ///
    /// let plain = HandlerOptions::new("shop");
    /// let unmasked = plain.prepare(Record::new(Level::Error, "tenant-17", "down")).unwrap();
    /// assert_eq!(occurrence.ticket_id(), unmasked.ticket_id());
    /// ```
    #[must_use]
    pub fn with_final_processor(
        mut self,
        processor: impl Fn(&mut Record, &Fingerprint) + Send + Sync + 'static,
    ) -> Self {
        self.final_processor = Some(Arc::new(processor));
        self
    }

    /// Sets the redaction, [`Redaction::new`] by default.
    ///
    /// It is applied after each processor. So the first one still sees the secrets, and what either adds is
    /// redacted too.
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

    /// Returns the application of records that name none.
    #[must_use]
    pub fn app_id(&self) -> &str {
        &self.app_id
    }

    /// Returns the redaction.
    #[must_use]
    pub const fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// Returns the release of records that name none.
    #[must_use]
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// Returns the environment of records that name none.
    #[must_use]
    pub fn environment(&self) -> Option<&str> {
        self.environment.as_deref()
    }

    /// Returns the host of records that name none.
    #[must_use]
    pub fn host(&self) -> Option<&str> {
        self.host.as_deref()
    }

    /// Returns the minimum level of records.
    #[must_use]
    pub const fn level(&self) -> Level {
        self.level
    }

    /// Returns the fingerprint of a record.
    #[must_use]
    pub fn hash_record(&self, record: &Record) -> Fingerprint {
        self.grouping.fingerprint(record, &self.salt)
    }

    /// Applies the processor; returns `None` if it drops the record.
    #[must_use]
    pub fn process_record(&self, record: Record) -> Option<Record> {
        match &self.processor {
            Some(processor) => processor(record),
            None => Some(record),
        }
    }

    /// Applies all options to a record; returns `None` if it is dropped.
    #[must_use]
    pub fn prepare(&self, mut record: Record) -> Option<NewOccurrence> {
        if !self.is_wanted(&mut record) {
            return None;
        }
        record.prepare(&self.redaction);
        let fingerprint = self.hash_record(&record);
        self.finish(&mut record, &fingerprint);
        Some(NewOccurrence::from_normalized(record, fingerprint))
    }

    /// Applies the level, the common fields, the filter and the processor; returns `false` if the record is
    /// dropped.
    pub(crate) fn is_wanted(&self, record: &mut Record) -> bool {
        if record.level < self.level {
            return false;
        }
        self.add_common(record);
        if self.filter.as_ref().is_some_and(|filter| !filter(record)) {
            return false;
        }
        let Some(processor) = &self.processor else { return true };
        // The processor takes the record by value. Nobody sees the placeholder: it is overwritten, or the caller
        // discards the record.
        let taken = mem::replace(record, Record::new(self.level, "", ""));
        match processor(taken) {
            Some(processed) => {
                *record = processed;
                true
            }
            None => false,
        }
    }

    /// Applies the final processor.
    pub(crate) fn finish(&self, record: &mut Record, fingerprint: &Fingerprint) {
        let Some(process) = &self.final_processor else { return };
        // A ticket belongs to one application, and so do all of its records.
        let app_id = record.app_id.clone();
        process(record, fingerprint);
        record.app_id = app_id;
        record.prepare(&self.redaction);
    }

    /// Returns `true` if a filter, a processor that decides the ticket, or a custom [grouping](Grouping::Custom) is
    /// set.
    pub(crate) const fn has_functions(&self) -> bool {
        self.filter.is_some()
            || self.processor.is_some()
            || matches!(self.grouping, Grouping::Custom(_))
    }

    /// Fills in the application, release, environment and host where the record has none.
    pub(crate) fn add_common(&self, record: &mut Record) {
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
        // The salt is omitted, since it can be used to forge fingerprints.
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

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
    #[must_use]
    pub fn with_processor(
        mut self,
        processor: impl Fn(Record) -> Option<Record> + Send + Sync + 'static,
    ) -> Self {
        self.processor = Some(Arc::new(processor));
        self
    }

    /// Sets the redaction, [`Redaction::new`] by default.
    ///
    /// It is applied after the processor. So the processor still sees the secrets, and what it adds is redacted
    /// too.
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
        self.is_wanted(&mut record).then(|| {
            NewOccurrence::prepare(record, &self.redaction, |record| self.hash_record(record))
        })
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

    /// Returns `true` if a filter, a processor or a custom [grouping](Grouping::Custom) is set.
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

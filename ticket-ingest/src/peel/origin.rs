//! [`Origin`]: what the wrappers of a line say about it.

use ticket_core::record::Location;
use ticket_core::{Level, SmolStr, Timestamp, Traits};

use crate::draft::Draft;

/// What the wrappers of a line say about it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    pub(crate) time: Option<Timestamp>,
    pub(crate) level: Option<Level>,
    pub(crate) host: Option<SmolStr>,
    /// The program that syslog or the journal names.
    pub(crate) program: Option<SmolStr>,
    pub(crate) process: Option<u32>,
    pub(crate) thread: Option<SmolStr>,
    /// `stdout` or `stderr`.
    pub(crate) stream: Option<SmolStr>,
    /// The container, pod or platform process.
    pub(crate) source: Option<SmolStr>,
    pub(crate) location: Location,
    pub(crate) traits: Traits,
}

impl Origin {
    /// Adds what a layer inside says, which knows better.
    pub(super) fn add_inner(&mut self, inner: Self) {
        let Self { time, level, host, program, process, thread, stream, source, location, traits } =
            inner;
        self.time = time.or(self.time);
        self.level = level.or(self.level);
        self.process = process.or(self.process);
        for (own, inner) in [
            (&mut self.host, host),
            (&mut self.program, program),
            (&mut self.thread, thread),
            (&mut self.stream, stream),
            (&mut self.source, source),
        ] {
            if inner.is_some() {
                *own = inner;
            }
        }
        if !location.is_empty() {
            self.location = location;
        }
        for (name, value) in traits {
            self.traits.insert(name, value);
        }
    }

    /// Returns `true` if the same process wrote both lines to the same stream.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.host == other.host
            && self.program == other.program
            && self.process == other.process
            && self.stream == other.stream
            && self.source == other.source
    }

    /// Returns `true` if the wrappers state a time or a level.
    pub(crate) const fn is_recognized(&self) -> bool {
        self.time.is_some() || self.level.is_some()
    }

    /// Adds to a record what it does not say itself.
    pub(crate) fn complete(self, draft: &mut Draft) {
        let Self { time, level, host, program, process, thread, stream, source, location, traits } =
            self;
        draft.is_recognized |= time.is_some() || level.is_some();
        draft.time = draft.time.or(time);
        if draft.level.is_none() && draft.number.is_none() {
            draft.level = level;
        }
        let record = &mut draft.record;
        record.host = record.host.take().or(host);
        record.process = record.process.or(process);
        record.thread = record.thread.take().or(thread);
        if record.location.is_empty() {
            record.location = location;
        }
        match program {
            Some(program) if record.channel.is_empty() => record.channel = program,
            Some(program) if record.channel != program => draft.keep("program", program),
            _ => {}
        }
        for (name, value) in [("stream", stream), ("source", source)] {
            if let Some(value) = value {
                draft.keep(name, value);
            }
        }
        for (name, value) in traits {
            draft.keep(&name, value);
        }
    }
}

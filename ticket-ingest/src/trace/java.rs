//! Stack traces of Java and its relatives.

use ticket_core::record::Frame;

use super::collect::Owner;
use super::errors::{exception, file_and_line, is_exception, is_qualified};
use super::grammar::{Belongs, Line, Link, Next, Out, Piece};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct State {
    step: Step,
    /// In an error that was suppressed, whose causes are not those of the error itself.
    is_suppressed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Before the error, as Android writes it.
    Start,
    /// After an error.
    Error,
    Frames,
}

pub(super) const AFTER_ERROR: State = State { step: Step::Error, is_suppressed: false };

/// Begins with `Exception in thread`, or with Android's `FATAL EXCEPTION`.
pub(super) fn begin(line: Line<'_>, out: Out<'_>) -> Option<State> {
    if let Some(thread) = line.text.strip_prefix("FATAL EXCEPTION: ") {
        out(Piece::Thread(thread));
        return Some(State { step: Step::Start, is_suppressed: false });
    }
    let (thread, error) = line.text.strip_prefix("Exception in thread \"")?.split_once("\" ")?;
    out(Piece::Error(exception(error), Link::First));
    out(Piece::Thread(thread));
    Some(AFTER_ERROR)
}

impl State {
    pub(super) fn next(self, line: Line<'_>, out: Out<'_>) -> Next<Self> {
        let text = line.text;
        let surely = |step| Some((Self { step, ..self }, Belongs::Surely));
        if let Some(frame) = frame(text) {
            out(Piece::Frame(frame));
            return surely(Step::Frames);
        }
        for (title, link) in [
            ("Caused by: ", Link::Cause),
            ("Wrapped by: ", Link::Effect),
            ("Suppressed: ", Link::Part),
        ] {
            let Some(error) = text.strip_prefix(title) else { continue };
            let is_suppressed = link == Link::Part || (self.is_suppressed && line.is_indented());
            out(Piece::Error(exception(error), if is_suppressed { Link::Part } else { link }));
            return Some((Self { step: Step::Error, is_suppressed }, Belongs::Surely));
        }
        if text.starts_with("... ")
            && (text.ends_with(" more") || text.ends_with(" frames omitted"))
            || text.starts_with("[CIRCULAR REFERENCE")
        {
            return surely(Step::Frames);
        }
        match self.step {
            Step::Start if text.starts_with("Process: ") => surely(Step::Start),
            Step::Start if is_exception(text) || is_qualified(text) => {
                out(Piece::Error(exception(text), Link::First));
                surely(Step::Error)
            }
            Step::Error => {
                out(Piece::Perhaps(line.whole));
                Some((self, Belongs::Perhaps))
            }
            Step::Start | Step::Frames => None,
        }
    }
}

/// Reads `at com.shop.Cart.pay(Cart.java:12)`, with what loggers add behind it.
fn frame(text: &str) -> Option<Frame> {
    let place = text.strip_prefix("at ")?;
    let (function, rest) = place.split_once('(')?;
    let (at, behind) = rest.split_once(')')?;
    let is_added = behind.is_empty() || behind.starts_with(" [") || behind.starts_with(" ~[");
    if function.contains(' ') || !function.contains('.') || !is_added {
        return None;
    }
    let mut frame = Frame::new(without_module(function));
    if !["Native Method", "Unknown Source", "<generated>"].contains(&at) {
        let (file, line) = file_and_line(at);
        let name = file?;
        let (_, ending) = if name == "SourceFile" { ("", "java") } else { name.rsplit_once('.')? };
        if name.contains(['/', ' ', ':', ','])
            || ending.is_empty()
            || ending.contains(['[', '&', '>'])
        {
            return None;
        }
        (frame.file, frame.line) = (Some(name), line);
    }
    Some(frame)
}

/// Removes the class loader and the module from `app//com.shop.Cart.pay` and `java.base/java.lang.Thread.run`.
fn without_module(function: &str) -> &str {
    match function.rsplit_once('/') {
        Some((module, name)) if !module.contains("$$") => name,
        _ => function,
    }
}

pub(super) fn owner(frame: &Frame) -> Owner {
    const RUNTIME: [&str; 16] = [
        "java.",
        "javax.",
        "jdk.",
        "sun.",
        "com.sun.",
        "kotlin.",
        "scala.",
        "groovy.",
        "clojure.",
        "android.",
        "androidx.",
        "com.android.",
        "dalvik.",
        "libcore.",
        "jakarta.",
        "kotlinx.",
    ];
    const LIBRARIES: [&str; 28] = [
        "org.springframework.",
        "org.apache.",
        "org.hibernate.",
        "org.eclipse.",
        "org.jboss.",
        "org.junit.",
        "org.mockito.",
        "org.gradle.",
        "org.slf4j.",
        "org.postgresql.",
        "org.glassfish.",
        "org.aspectj.",
        "org.codehaus.",
        "org.quartz.",
        "io.netty.",
        "io.undertow.",
        "io.micrometer.",
        "io.vertx.",
        "io.quarkus.",
        "io.grpc.",
        "reactor.",
        "akka.",
        "play.",
        "com.fasterxml.",
        "com.google.common.",
        "com.zaxxer.",
        "com.mysql.",
        "ch.qos.",
    ];
    let begins = |names: &[&str]| names.iter().any(|name| frame.function.starts_with(name));
    if begins(&RUNTIME) {
        Owner::Runtime
    } else if begins(&LIBRARIES) || frame.function.contains("$$") {
        Owner::Library
    } else {
        Owner::Application
    }
}

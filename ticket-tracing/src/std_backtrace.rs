//! Backtraces of the standard library, which offers only their text.

use ticket_core::SmolStr;
use ticket_core::record::Frame;

use crate::frames::{is_in_app, trim};

/// The name of the field that may contain such a text.
pub(crate) const FIELD: &str = "backtrace";
/// What `anyhow` and `eyre` write before it in the `Debug` form of an error.
const HEADING: &str = "\nStack backtrace:\n";
/// The crates of the functions that capture it. They come first, and say nothing.
const CAPTURE: [&str; 4] = ["std::backtrace::", "anyhow::", "eyre::", "snafu::"];

/// Parses the text of a [`Backtrace`](std::backtrace::Backtrace), alone or at the end of the `Debug` form of an
/// error of `anyhow` or `eyre`. Returns no frames for any other text.
///
/// A frame is `   4: shop::pay`, and below it `             at src/pay.rs:17:5` if its place is known.
pub(crate) fn parse(text: &str) -> Vec<Frame> {
    let text = match text.rsplit_once(HEADING) {
        Some((_, text)) => text,
        // The list of causes in the `Debug` form has numbers too.
        None if text.trim_start().starts_with("0: ") => text,
        None => return Vec::new(),
    };
    let mut frames: Vec<Frame> = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if let Some(place) = line.strip_prefix("at ") {
            let Some(frame) = frames.last_mut() else { continue };
            let mut parts = place.rsplitn(3, ':');
            let (_column, number, file) = (parts.next(), parts.next(), parts.next());
            frame.line = number.and_then(|number| number.parse().ok());
            frame.file = file.map(SmolStr::new);
            frame.in_app = is_in_app(&frame.function, file);
        } else if let Some((number, function)) = line.split_once(": ")
            && number.parse::<u32>().is_ok()
        {
            frames.push(Frame::new(function));
        }
    }
    trim(frames, |frames| frames.iter().take_while(|frame| is_of_capture(frame)).count())
}

fn is_of_capture(frame: &Frame) -> bool {
    // Such as `<core::result::Result<T,E> as snafu::ResultExt<T,E>>::context`.
    let name = frame.function.trim_start_matches(['<', '&']);
    let implemented = name.split_once(" as ").map_or("", |(_, of)| of);
    CAPTURE.iter().any(|of| name.starts_with(of) || implemented.starts_with(of))
        || name.starts_with("core::ops::function::")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "   0: anyhow::error::<impl anyhow::Error>::msg\n             \
                        at /c/registry/src/i-1/anyhow-1.0.1/src/lib.rs:10:36\n   1: shop::pay\n             \
                        at ./src/pay.rs:17:5\n   2: main\n   3: <unknown>\n   \
                        4: std::sys::backtrace::__rust_begin_short_backtrace\n   5: start\n";

    #[test]
    fn the_text_of_a_backtrace_is_parsed() {
        let in_debug = format!(
            "refused\n\nCaused by:\n    0: cannot connect\n    1: timed out\n\nStack backtrace:\n{TEXT}"
        );
        for text in [TEXT, &in_debug] {
            let frames = parse(text);
            let names: Vec<_> = frames.iter().map(|frame| frame.function.as_str()).collect();
            assert_eq!(names, ["shop::pay", "main", "<unknown>"]);
            assert_eq!(frames[0].file.as_deref(), Some("./src/pay.rs"));
            assert_eq!((frames[0].line, frames[0].in_app), (Some(17), true));
            assert!(!frames[1].in_app);
        }
    }

    #[test]
    fn any_other_text_is_no_backtrace() {
        for text in [
            "",
            "disabled backtrace",
            "refused\n\nCaused by:\n    0: cannot connect\n    1: timed out",
            "Stack backtrace: none",
            "at src/pay.rs:17:5",
        ] {
            assert_eq!(parse(text), [], "{text:?}");
        }
    }

    #[test]
    fn the_standard_library_writes_what_is_parsed() {
        let frames = parse(&std::backtrace::Backtrace::force_capture().to_string());
        let own = frames.iter().position(|frame| frame.function.contains("writes_what_is_parsed"));
        assert_eq!(own, Some(0), "{frames:?}");
        assert!(frames[0].in_app && frames[0].line.is_some(), "{:?}", frames[0]);
    }
}

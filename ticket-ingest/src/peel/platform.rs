//! What platforms write before a line of the application.

use ticket_core::Level;

use super::{Layer, Origin};
use crate::time;

/// The number of words that may stand between the time and the stream.
const WORDS: usize = 3;

/// Reads `TIME [APP/PROC/WEB/0] ERR text` of Cloud Foundry, and the same with other words between time and stream.
pub(super) fn read(text: &str) -> Option<Layer<'_>> {
    let (time, end) = time::parse_prefix(text)?;
    let mut rest = text[end..].trim_start_matches(' ');
    let start = text.len() - rest.len();
    let mut is_platform = false;
    for _ in 0..=WORDS {
        let at = text.len() - rest.len();
        let (word, behind) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (word, behind) = inner.split_once(']')?;
                is_platform |= word.contains('/') && !word.contains(' ');
                (word, behind.strip_prefix(' ')?)
            }
            None => rest.split_once(' ').or(Some((rest, "")))?,
        };
        is_platform |= word == "CURRENT";
        if matches!(word, "OUT" | "ERR") && is_platform {
            let is_error = word == "ERR";
            let origin = Origin {
                time: Some(time),
                level: is_error.then_some(Level::Error),
                stream: Some(if is_error { "stderr" } else { "stdout" }.into()),
                source: Some(text[start..at].trim().trim_matches(['[', ']']).into()),
                ..Origin::default()
            };
            return Some(Layer::new(origin, behind));
        }
        if word.is_empty() {
            return None;
        }
        rest = behind;
    }
    None
}

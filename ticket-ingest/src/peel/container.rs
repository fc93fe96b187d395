//! What container runtimes and their tools write before a line.

use super::{Layer, Origin};
use crate::{level, time};

/// Reads `TIME stdout F text` of the container runtimes of Kubernetes, and `TIME text` of `docker logs -t` and other
/// tools that write more digits than loggers do.
pub(super) fn runtime(text: &str) -> Option<Layer<'_>> {
    let (time, end) = time::parse_prefix(text)?;
    let rest = text[end..].strip_prefix(' ')?;
    let mut origin = Origin { time: Some(time), ..Origin::default() };
    for stream in ["stdout", "stderr"] {
        let Some(rest) = rest.strip_prefix(stream).and_then(|rest| rest.strip_prefix(' ')) else {
            continue;
        };
        let (tag, text) = rest.split_at_checked(1)?;
        let text = text.strip_prefix(' ').or_else(|| text.is_empty().then_some(text))?;
        let is_part = match tag {
            "F" => false,
            "P" => true,
            _ => return None,
        };
        origin.stream = Some(stream.into());
        return Some(Layer { is_part, ..Layer::new(origin, text) });
    }
    is_of_tool(&text[..end], rest).then(|| Layer::new(origin, rest))
}

/// Returns `true` if a time is not that of the line itself: it has nanoseconds, or the line has another one.
fn is_of_tool(time: &str, rest: &str) -> bool {
    let Some(bare) = time.strip_suffix('Z').filter(|time| time.contains('T')) else { return false };
    let fraction = bare.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    fraction >= 7 || time::parse_prefix(rest).is_some() || rest.starts_with("{\"")
}

/// Reads `web-1  | text` of compose: the name of a container in a column.
pub(super) fn compose(text: &str) -> Option<Layer<'_>> {
    let (name, rest) = text.split_once('|')?;
    let name = name.strip_suffix(' ')?.trim_end_matches(' ');
    let rest = rest.strip_prefix(' ').or_else(|| rest.is_empty().then_some(rest))?;
    let is_name = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && level::parse(name).is_none();
    let origin = Origin { source: Some(name.into()), ..Origin::default() };
    is_name.then(|| Layer::new(origin, rest))
}

/// Reads `[pod/web-1/app] text` of `kubectl logs --prefix`.
pub(super) fn pod(text: &str) -> Option<Layer<'_>> {
    let (name, rest) = text.strip_prefix("[pod/")?.split_once("] ")?;
    let origin = Origin { source: Some(name.into()), ..Origin::default() };
    (!name.contains(' ')).then(|| Layer::new(origin, rest))
}

//! Takes the wrappers off a line: what container runtimes, syslog, the journal and platforms write around it.
//!
//! Each wrapper is a layer, and a line may have several: a container's log that syslog forwarded. A layer says
//! something about the line, the [`Origin`], and what is inside knows better. What is left is read like a line of its own.

mod container;
mod object;
mod origin;
mod platform;
mod syslog;

use std::borrow::Cow;

pub(crate) use self::origin::Origin;

/// The number of layers that are taken off.
const LAYERS: usize = 5;

/// A line without its wrappers.
#[derive(Debug)]
pub(crate) struct Peeled<'a> {
    /// What the wrappers say.
    pub(crate) origin: Origin,
    /// What they wrap: one line, or several in an entry of the journal.
    pub(crate) text: Cow<'a, str>,
    /// The text goes on in the next line of the same origin.
    pub(crate) is_part: bool,
}

/// A layer and what it wraps.
struct Layer<'a> {
    origin: Origin,
    text: Cow<'a, str>,
    is_part: bool,
}

impl<'a> Layer<'a> {
    fn new(origin: Origin, text: impl Into<Cow<'a, str>>) -> Self {
        Self { origin, text: text.into(), is_part: false }
    }
}

/// Takes all wrappers off a line.
pub(crate) fn peel(line: &str) -> Peeled<'_> {
    let mut peeled = Peeled { origin: Origin::default(), text: line.into(), is_part: false };
    for _ in 0..LAYERS {
        let layer = match &peeled.text {
            Cow::Borrowed(text) => layer(text),
            Cow::Owned(text) => {
                layer(text).map(|layer| Layer { text: layer.text.into_owned().into(), ..layer })
            }
        };
        let Some(Layer { origin, text, is_part }) = layer else { break };
        peeled.origin.add_inner(origin);
        peeled.text = text;
        peeled.is_part |= is_part;
    }
    peeled
}

/// Takes the outermost wrapper off a text.
fn layer(text: &str) -> Option<Layer<'_>> {
    match text.as_bytes().first()? {
        b'{' => object::read(text),
        b'<' => syslog::read(text),
        b'@' => {
            text.strip_prefix("@cee:").map(|text| Layer::new(Origin::default(), text.trim_start()))
        }
        b'[' => container::pod(text),
        // Cloud Foundry's command indents the lines.
        b' ' => platform::read(text.trim_start()),
        b'0'..=b'9' => {
            container::runtime(text).or_else(|| platform::read(text)).or_else(|| syslog::read(text))
        }
        _ => syslog::read(text)
            .or_else(|| syslog::decoded(text))
            .or_else(|| container::compose(text)),
    }
}

#[cfg(test)]
mod tests;

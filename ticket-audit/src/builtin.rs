//! The events that come with this crate.

use ticket_core::{SmolStr, Traits, Value};

use crate::event::Event;

/// Collects the values that are present.
fn present<const N: usize>(values: [(&'static str, Option<Value>); N]) -> Traits {
    let named = |(name, value): (&'static str, Option<Value>)| {
        value.map(|value| (SmolStr::new_static(name), value))
    };
    values.into_iter().filter_map(named).collect()
}

/// A call of a language model; its name is `llm`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LlmEvent {
    /// The prompt.
    pub prompt: SmolStr,
    /// What the call is for, such as `view_selection` or `iql`.
    pub kind: SmolStr,
    /// The response, once there is one.
    pub response: Option<SmolStr>,
    /// The number of tokens in the prompt, if known.
    pub prompt_tokens: Option<u64>,
    /// The number of tokens in the response, if known.
    pub completion_tokens: Option<u64>,
    /// The number of tokens in total, if known.
    pub total_tokens: Option<u64>,
}

impl LlmEvent {
    /// Creates the event of a call that is about to be made.
    #[must_use]
    pub fn new(kind: impl Into<SmolStr>, prompt: impl Into<SmolStr>) -> Self {
        Self {
            prompt: prompt.into(),
            kind: kind.into(),
            response: None,
            prompt_tokens: None,
            completion_tokens: None,
            total_tokens: None,
        }
    }

    /// Fills in the numbers of tokens, whose sum is the total.
    pub fn set_tokens(&mut self, prompt: u64, completion: u64) {
        self.prompt_tokens = Some(prompt);
        self.completion_tokens = Some(completion);
        self.total_tokens = Some(prompt.saturating_add(completion));
    }
}

impl Event for LlmEvent {
    fn name(&self) -> &str {
        "llm"
    }

    fn attributes(&self) -> Traits {
        present([
            ("kind", Some(self.kind.clone().into())),
            ("prompt_tokens", self.prompt_tokens.map(Into::into)),
            ("completion_tokens", self.completion_tokens.map(Into::into)),
            ("total_tokens", self.total_tokens.map(Into::into)),
        ])
    }

    fn input(&self) -> Option<Value> {
        Some(self.prompt.clone().into())
    }

    fn output(&self) -> Option<Value> {
        self.response.clone().map(Into::into)
    }
}

/// A search for the stored value that is most similar to an input; its name is `similarity`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SimilarityEvent {
    /// The store that is searched.
    pub store: SmolStr,
    /// Where the store has its values from.
    pub fetcher: SmolStr,
    /// The value to look for.
    pub input: SmolStr,
    /// The value that was found, if any.
    pub output: Option<SmolStr>,
}

impl SimilarityEvent {
    /// Creates the event of a search that is about to be made.
    #[must_use]
    pub fn new(
        store: impl Into<SmolStr>,
        fetcher: impl Into<SmolStr>,
        input: impl Into<SmolStr>,
    ) -> Self {
        Self { store: store.into(), fetcher: fetcher.into(), input: input.into(), output: None }
    }
}

impl Event for SimilarityEvent {
    fn name(&self) -> &str {
        "similarity"
    }

    fn attributes(&self) -> Traits {
        present([
            ("store", Some(self.store.clone().into())),
            ("fetcher", Some(self.fetcher.clone().into())),
        ])
    }

    fn input(&self) -> Option<Value> {
        Some(self.input.clone().into())
    }

    fn output(&self) -> Option<Value> {
        self.output.clone().map(Into::into)
    }
}

/// The attempt to answer in another way after the first one failed; its name is `fallback`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackEvent {
    /// What failed, such as a collection or a view.
    pub from: SmolStr,
    /// What is tried instead.
    pub to: SmolStr,
    /// Why the first attempt failed.
    pub reason: SmolStr,
}

impl FallbackEvent {
    /// Creates the event.
    #[must_use]
    pub fn new(
        from: impl Into<SmolStr>,
        to: impl Into<SmolStr>,
        reason: impl Into<SmolStr>,
    ) -> Self {
        Self { from: from.into(), to: to.into(), reason: reason.into() }
    }
}

impl Event for FallbackEvent {
    fn name(&self) -> &str {
        "fallback"
    }

    fn attributes(&self) -> Traits {
        present([
            ("from", Some(self.from.clone().into())),
            ("to", Some(self.to.clone().into())),
            ("reason", Some(self.reason.clone().into())),
        ])
    }
}

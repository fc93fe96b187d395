//! When a call fails, and how.

use std::time::Duration;

use ticket_core::ErrorKind;
use ticket_core::backend::NewOccurrence;

/// What goes wrong at one call of a [`FaultyBackend`](crate::FaultyBackend).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It answers with an error of this kind, and has done nothing.
    Error(ErrorKind),
    /// It does its work, and answers with an error of this kind: the batch is recorded, the answer lost.
    ErrorAfter(ErrorKind),
    /// It never answers, and has done nothing.
    Hang,
    /// It does its work and never answers.
    HangAfter,
    /// It waits for so long, and then does its work and answers.
    Slow(Duration),
    /// It panics, and has done nothing.
    Panic,
    /// It does its work and panics.
    PanicAfter,
}

/// The methods of [`BackendBase`](ticket_core::BackendBase) and [`EventStore`](ticket_core::EventStore)
/// that can fail, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each has the name of a method, and is documented there")]
pub enum Method {
    SetupBackend,
    RecordTickets,
    CountTickets,
    GetTickets,
    GetTicket,
    SetStatus,
    DeleteTicket,
    GetOccurrences,
    CountOccurrences,
    GetEvents,
    EventTypes,
    TraitTypes,
    GetTraits,
    ClearExpired,
    KeepPerTicket,
    Clear,
    Lease,
}

/// A call, as a plan sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// Which method.
    pub method: Method,
    /// How many calls of this method there were before.
    pub number: u64,
    /// What it is to record; empty for all but [`Method::RecordTickets`].
    pub batch: &'a [NewOccurrence],
}

/// The plan by which the first calls of a method fail so, one after the other; those after them, and
/// all other methods, succeed.
///
/// For a pause between two faults stands `None`: `[Some(Fault::Hang), None, Some(Fault::Panic)]`.
pub fn script<F: Into<Option<Fault>>>(
    method: Method,
    faults: impl IntoIterator<Item = F>,
) -> impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static {
    let faults: Vec<Option<Fault>> = faults.into_iter().map(Into::into).collect();
    move |call| {
        let number = usize::try_from(call.number).ok().filter(|_| call.method == method)?;
        faults.get(number).copied().flatten()
    }
}

/// The plan by which each call of any method fails so with a probability of 0 to 1.
///
/// The same seed lets the same calls fail: which ones depends on a call's method and number alone, and
/// not on the thread that makes it.
pub fn chance(
    seed: u64,
    probability: f64,
    fault: Fault,
) -> impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static {
    move |call| {
        let mixed = mix(mix(seed ^ mix(call.method as u64)) ^ call.number);
        // 32 bits are exact in a float.
        let drawn = f64::from((mixed >> 32) as u32) / (f64::from(u32::MAX) + 1.0);
        (drawn < probability).then_some(fault)
    }
}

/// The finalizer of `SplitMix64`: each bit of the answer depends on all bits of the number.
const fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn call(method: Method, number: u64) -> Call<'static> {
        Call { method, number, batch: &[] }
    }

    #[test]
    fn a_script_is_played_once_and_for_its_method_alone() {
        let plan = script(Method::RecordTickets, [Some(Fault::Hang), None, Some(Fault::Panic)]);
        let played: Vec<_> = (0..5).map(|n| plan(&call(Method::RecordTickets, n))).collect();
        assert_eq!(played, [Some(Fault::Hang), None, Some(Fault::Panic), None, None]);
        assert_eq!(plan(&call(Method::GetTicket, 0)), None);
    }

    #[test]
    fn chance_is_the_seeds_and_comes_near_its_probability() {
        let failing = |seed, probability| -> Vec<u64> {
            let plan = chance(seed, probability, Fault::Hang);
            (0..10_000).filter(|n| plan(&call(Method::RecordTickets, *n)).is_some()).collect()
        };
        assert_eq!(failing(1, 0.25), failing(1, 0.25));
        assert_ne!(failing(1, 0.25), failing(2, 0.25));
        assert!((2_300..2_700).contains(&failing(3, 0.25).len()));
        assert_eq!((failing(4, 0.0).len(), failing(4, 1.0).len()), (0, 10_000));
    }
}

//! Plans: which calls fail, and how.

use std::time::Duration;

use ticket_core::ErrorKind;
use ticket_core::backend::NewOccurrence;

/// A fault of one call of a [`FaultyBackend`](crate::FaultyBackend).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The call fails with this kind and has done nothing.
    Error(ErrorKind),
    /// The call does its work and fails with this kind: the batch is recorded and the answer is lost.
    ErrorAfter(ErrorKind),
    /// The call never returns and has done nothing.
    Hang,
    /// The call does its work and never returns.
    HangAfter,
    /// The call waits for this time before it does its work.
    Slow(Duration),
    /// The call panics and has done nothing.
    Panic,
    /// The call does its work and panics.
    PanicAfter,
}

/// The methods of [`BackendBase`](ticket_core::BackendBase) and [`EventStore`](ticket_core::EventStore)
/// that can fail, by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is named after a method, which is documented")]
pub enum Method {
    SetupBackend,
    RecordTickets,
    CountTickets,
    GetTickets,
    GetTicket,
    SetStatus,
    MergeTickets,
    UnmergeTicket,
    AddNote,
    GetHistory,
    GetReleases,
    DeleteTicket,
    GetOccurrences,
    CountOccurrences,
    ReadPosition,
    ReportProcess,
    GetReports,
    StoreInfo,
    GetEvents,
    EventTypes,
    TraitTypes,
    GetTraits,
    ClearExpired,
    KeepPerTicket,
    Clear,
    Lease,
}

/// A call that a plan decides about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Call<'a> {
    /// The method.
    pub method: Method,
    /// The number of earlier calls of this method.
    pub number: u64,
    /// The batch of [`Method::RecordTickets`]; empty for all other methods.
    pub batch: &'a [NewOccurrence],
}

/// Returns a plan in which the first calls of a method fail with these faults, in order. Later calls and all
/// other methods succeed.
///
/// `None` lets a call succeed in between: `[Some(Fault::Hang), None, Some(Fault::Panic)]`.
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

/// Returns a plan in which each call of any method fails with this fault and a probability from 0 to 1.
///
/// Equal seeds let the same calls fail. Whether a call fails depends only on the seed, its method and its
/// number, not on the thread that makes it.
pub fn chance(
    seed: u64,
    probability: f64,
    fault: Fault,
) -> impl Fn(&Call<'_>) -> Option<Fault> + Send + Sync + 'static {
    move |call| {
        let mixed = mix(mix(seed ^ mix(call.method as u64)) ^ call.number);
        // A float represents all 32-bit numbers exactly.
        let drawn = f64::from((mixed >> 32) as u32) / (f64::from(u32::MAX) + 1.0);
        (drawn < probability).then_some(fault)
    }
}

/// The finalizer of `SplitMix64`: every bit of the result depends on all bits of the number.
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
    fn a_script_applies_once_and_only_to_its_method() {
        let plan = script(Method::RecordTickets, [Some(Fault::Hang), None, Some(Fault::Panic)]);
        let faults: Vec<_> = (0..5).map(|n| plan(&call(Method::RecordTickets, n))).collect();
        assert_eq!(faults, [Some(Fault::Hang), None, Some(Fault::Panic), None, None]);
        assert_eq!(plan(&call(Method::GetTicket, 0)), None);
    }

    #[test]
    fn chance_depends_on_the_seed_and_approaches_its_probability() {
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

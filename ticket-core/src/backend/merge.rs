//! [`check_merge`]: whether one ticket may be merged into another.

use crate::{Error, Result, TicketId};

/// What a store has under the id of a ticket that takes part in a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeParty<'a> {
    /// A ticket of this application.
    Ticket {
        /// The application.
        app_id: &'a str,
    },
    /// The redirection to the ticket into which it was merged.
    Merged {
        /// The ticket that has its occurrences now.
        into: TicketId,
    },
    /// Nothing.
    Unknown,
}

/// What a backend has to do for a merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeStep {
    /// Merge the tickets, and return `into` as it is afterwards.
    Merge,
    /// Nothing, because the tickets have been merged already. The call returns `into` as it is.
    Nothing,
    /// Nothing, because one of the tickets does not exist. The call returns `None`.
    Unknown,
}

/// Decides what a merge of the ticket `from` into the ticket `into` has to do (rule 30).
///
/// # Errors
///
/// Returns [`ErrorKind::Config`](crate::ErrorKind::Config) if both are the same ticket, if they belong to
/// different applications, or if one of them was merged into another ticket before.
pub fn check_merge(
    (into, target): (TicketId, MergeParty<'_>),
    (from, source): (TicketId, MergeParty<'_>),
) -> Result<MergeStep> {
    if into == from {
        return Err(Error::config(format!("the ticket {into} cannot be merged into itself")));
    }
    match (target, source) {
        (MergeParty::Merged { into: other }, _) => Err(Error::config(format!(
            "the ticket {into} was merged into {other}: merge into {other}, or unmerge {into} first"
        ))),
        (_, MergeParty::Merged { into: other }) if other == into => Ok(MergeStep::Nothing),
        (_, MergeParty::Merged { into: other }) => Err(Error::config(format!(
            "the ticket {from} was merged into {other}: merge {other}, or unmerge {from} first"
        ))),
        (MergeParty::Ticket { app_id: a }, MergeParty::Ticket { app_id: b }) if a != b => {
            Err(Error::config(format!(
                "the ticket {from} belongs to the application {b:?} and {into} to {a:?}: only tickets of one \
                 application can be merged"
            )))
        }
        (MergeParty::Ticket { .. }, MergeParty::Ticket { .. }) => Ok(MergeStep::Merge),
        (MergeParty::Unknown, _) | (_, MergeParty::Unknown) => Ok(MergeStep::Unknown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: TicketId = TicketId::from_bytes([1; 16]);
    const B: TicketId = TicketId::from_bytes([2; 16]);
    const C: TicketId = TicketId::from_bytes([3; 16]);

    #[test]
    fn only_two_tickets_of_one_application_are_merged() {
        let (shop, depot) =
            (MergeParty::Ticket { app_id: "shop" }, MergeParty::Ticket { app_id: "depot" });
        assert_eq!(check_merge((A, shop), (B, shop)).unwrap(), MergeStep::Merge);
        assert_eq!(check_merge((A, MergeParty::Unknown), (B, shop)).unwrap(), MergeStep::Unknown);
        assert_eq!(check_merge((A, shop), (B, MergeParty::Unknown)).unwrap(), MergeStep::Unknown);
        let merged = |into| MergeParty::Merged { into };
        assert_eq!(check_merge((A, shop), (B, merged(A))).unwrap(), MergeStep::Nothing);
        for (target, source, text) in [
            ((A, shop), (A, shop), "into itself"),
            ((A, shop), (B, depot), "one application"),
            ((A, shop), (B, merged(C)), "unmerge"),
            ((A, merged(C)), (B, shop), "merge into 0303"),
            ((A, merged(B)), (B, shop), "merge into 0202"),
        ] {
            let error = check_merge(target, source).unwrap_err();
            assert!(error.message().contains(text), "{error}");
        }
    }
}

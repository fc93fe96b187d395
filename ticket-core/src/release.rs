//! The order of releases: [`Fix`] and [`VersionKey`].

use std::cmp::Ordering;

use semver::Version;
use serde::{Deserialize, Serialize};

/// The release that fixes a solved ticket.
///
/// Late occurrences of earlier releases are [settled](Self::settles): they count and leave the ticket solved.
///
/// Releases that are semantic versions are ordered by precedence. A leading `v` and build metadata make no
/// difference, and a name may precede the version, as in `shop@1.4.0`; two versions with different names are
/// not ordered. All other releases, such as `1.4` and commit hashes, are only ever equal or not.
///
/// ```
/// use ticket_core::Fix;
///
/// let fix = Fix::In("1.4.0".into());
/// assert!(fix.settles(Some("v1.3.9")) && fix.settles(Some("shop@1.4.0-rc.1")));
/// assert!(!fix.settles(Some("1.4.0+build.7")) && !fix.settles(Some("5f3a2c1")) && !fix.settles(None));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fix {
    /// This release contains the fix, so releases before it are settled.
    In(String),
    /// The release that follows this one will contain the fix, so this release and those before it are
    /// settled.
    After {
        /// The last release without the fix.
        #[serde(rename = "after")]
        release: String,
    },
}

impl Fix {
    /// Returns the release that the fix names: the first one with it, or the last one without it.
    #[must_use]
    pub fn release(&self) -> &str {
        match self {
            Self::In(release) | Self::After { release } => release,
        }
    }

    /// Returns `true` if an occurrence of this release leaves the ticket solved, however late it is.
    ///
    /// An occurrence that names no release, or one whose place in the order is unknown, is not settled.
    #[must_use]
    pub fn settles(&self, release: Option<&str>) -> bool {
        let Some(release) = release else { return false };
        match self {
            Self::In(first) => compare(release, first) == Some(Ordering::Less),
            Self::After { release: last } => {
                release == last || compare(release, last).is_some_and(Ordering::is_le)
            }
        }
    }

    /// Returns the fix with its release changed.
    pub(crate) fn map(self, change: impl FnOnce(String) -> String) -> Self {
        match self {
            Self::In(release) => Self::In(change(release)),
            Self::After { release } => Self::After { release: change(release) },
        }
    }
}

/// Compares two releases by precedence; returns `None` if they are not ordered.
fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (VersionKey::of(a)?, VersionKey::of(b)?);
    a.is_comparable(&b).then(|| a.bytes.cmp(&b.bytes))
}

/// Returns the latest release of an application, from the last release of one of its tickets, that of its
/// newest occurrence, and all of its releases.
///
/// If the ticket's is a version, this is the greatest version with its name or without one. Otherwise it is that
/// of the newest occurrence. A ticket without a release has that of the newest occurrence.
pub(crate) fn latest<'a>(
    of_ticket: Option<&'a str>,
    newest: Option<&'a str>,
    releases: &'a [String],
) -> Option<&'a str> {
    let base = of_ticket.or(newest);
    let Some(key) = base.and_then(VersionKey::of) else { return newest.or(base) };
    let ordered = releases.iter().filter_map(|release| {
        let VersionKey { name, bytes } = VersionKey::of(release)?;
        (name == key.name || name.is_empty()).then_some((bytes, release.as_str()))
    });
    let greatest = ordered.max_by(|(a, _), (b, _)| a.cmp(b));
    greatest.map(|(_, release)| release).or(base)
}

/// A release that is a semantic version, in a form that databases can compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionKey<'a> {
    /// The name before `@`; empty if there is none.
    pub name: &'a str,
    /// Bytes that sort like the versions by precedence.
    pub bytes: Vec<u8>,
}

impl<'a> VersionKey<'a> {
    /// Parses a release; returns `None` if it is not a semantic version.
    #[must_use]
    pub fn of(release: &'a str) -> Option<Self> {
        // The last `@`, because a name may begin with one, as in `@scope/shop@1.4.0`.
        let (name, version) = release.rsplit_once('@').unwrap_or(("", release));
        let version = Version::parse(version.strip_prefix(['v', 'V']).unwrap_or(version)).ok()?;
        Some(Self { name, bytes: sortable(&version) })
    }

    /// Returns `true` if the versions are ordered: their names are equal, or one of them has none.
    fn is_comparable(&self, other: &Self) -> bool {
        self.name == other.name || self.name.is_empty() || other.name.is_empty()
    }
}

/// Encodes a version as bytes that sort by precedence:
///
/// ```text
/// major, minor, patch    8 bytes each, big-endian
/// pre-release            a numeric identifier: 1, its number of digits in 2 bytes, its digits
///                        another one:          2, its text, 0
///                        after the last one:   0
/// or none                3, because a release follows all of its pre-releases
/// ```
fn sortable(version: &Version) -> Vec<u8> {
    let Version { major, minor, patch, pre, build: _ } = version;
    let mut bytes: Vec<u8> =
        [major, minor, patch].into_iter().flat_map(|n| n.to_be_bytes()).collect();
    if pre.is_empty() {
        bytes.push(3);
        return bytes;
    }
    for identifier in pre.as_str().split('.') {
        if identifier.bytes().all(|byte| byte.is_ascii_digit()) {
            // A number without leading zeros is greater than any with fewer digits.
            bytes.push(1);
            bytes.extend(u16::try_from(identifier.len()).unwrap_or(u16::MAX).to_be_bytes());
            bytes.extend(identifier.as_bytes());
        } else {
            bytes.push(2);
            bytes.extend(identifier.as_bytes());
            bytes.push(0);
        }
    }
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_sort_by_precedence() {
        // The order that the specification of semantic versions gives as its example, and neighbours.
        let ascending = [
            "0.9.10",
            "1.0.0-0",
            "1.0.0-9",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-alpha-1",
            "1.0.0-beta",
            "1.0.0-beta.2",
            "1.0.0-beta.11",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1-a",
            "1.9.0",
            "1.10.0",
            "18446744073709551615.0.0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Some(Ordering::Less), "{pair:?}");
        }
    }

    #[test]
    fn a_leading_v_and_build_metadata_make_no_difference() {
        for equal in ["v1.4.0", "V1.4.0", "1.4.0+7", "shop@1.4.0", "@a/b@v1.4.0+x.y"] {
            assert_eq!(compare(equal, "1.4.0"), Some(Ordering::Equal), "{equal}");
        }
    }

    #[test]
    fn other_releases_and_other_names_are_not_ordered() {
        for other in
            ["1.4", "1", "", "5f3a2c1", "2026-11-29", "1.04.0", "vv1.4.0", "shop@", "1.4.0 "]
        {
            assert_eq!(compare(other, "2.0.0"), None, "{other}");
            assert_eq!(compare(other, other), None, "{other}");
        }
        assert_eq!(compare("web@1.3.9", "shop@1.4.0"), None);
    }

    #[test]
    fn a_fix_settles_the_releases_before_it() {
        let after = Fix::After { release: "1.4.0".into() };
        for settled in ["1.3.9", "1.4.0", "v1.4.0", "1.4.0+7", "shop@1.4.0-rc.1"] {
            assert!(after.settles(Some(settled)), "{settled}");
        }
        for open in ["1.4.1-rc.1", "2.0.0", "5f3a2c1"] {
            assert!(!after.settles(Some(open)), "{open}");
        }
        let hash = Fix::After { release: "5f3a2c1".into() };
        assert!(hash.settles(Some("5f3a2c1")) && !hash.settles(Some("5f3a2c2")));
        assert!(!hash.settles(None) && !Fix::In("5f3a2c1".into()).settles(Some("5f3a2c1")));
    }

    #[test]
    fn the_latest_release_is_the_greatest_version_or_that_of_the_newest_occurrence() {
        let releases = ["1.3.9", "1.10.0", "1.9.0", "web@3.0.0", "x"].map(str::to_owned);
        let latest = |ticket, newest| latest(ticket, newest, &releases);
        assert_eq!(latest(Some("shop@1.3.9"), Some("1.3.9")), Some("1.10.0"));
        assert_eq!(latest(Some("web@1.3.9"), None), Some("web@3.0.0"));
        assert_eq!(latest(Some("x"), Some("y")), Some("y"), "the order of x and y is unknown");
        assert_eq!(latest(Some("x"), None), Some("x"));
        assert_eq!(latest(None, Some("1.3.9")), Some("1.10.0"));
        assert_eq!(latest(None, None), None);
    }

    #[test]
    fn a_fix_in_a_release_is_a_plain_text_in_json() {
        let json = |fix: &Fix| serde_json::to_string(fix).unwrap();
        for (fix, text) in [
            (Fix::In("1.4.0".into()), r#""1.4.0""#),
            (Fix::After { release: "1.3.9".into() }, r#"{"after":"1.3.9"}"#),
        ] {
            assert_eq!(json(&fix), text);
            assert_eq!(serde_json::from_str::<Fix>(text).unwrap(), fix);
        }
    }

    fn version() -> impl Strategy<Value = String> {
        let number = prop_oneof![Just(0_u64), Just(1), Just(10), any::<u64>()];
        let identifier = "(0|[1-9][0-9]{0,24}|[a-zA-Z-]{1,3}[0-9a-zA-Z-]{0,2})";
        let pre = proptest::collection::vec(identifier, 0..4);
        ([number.clone(), number.clone(), number], pre).prop_map(|([a, b, c], pre)| {
            let dash = if pre.is_empty() { "" } else { "-" };
            format!("{a}.{b}.{c}{dash}{}", pre.join("."))
        })
    }

    proptest! {
        #[test]
        fn bytes_sort_like_versions(a in version(), b in version()) {
            let (left, right) = (Version::parse(&a).unwrap(), Version::parse(&b).unwrap());
            prop_assert_eq!(compare(&a, &b), Some(left.cmp_precedence(&right)));
        }
    }
}

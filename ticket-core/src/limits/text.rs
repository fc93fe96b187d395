//! The limits on texts: NUL, cuts and marks.

/// The visible symbol that replaces NUL.
const NUL: &str = "␀";

/// The start of every mark.
const MARK: &str = "…[+";

/// Replaces each NUL with `␀` (U+2400), as in stored text.
///
/// ```
/// assert_eq!(ticket_core::limits::clean("a\0b"), "a␀b");
/// ```
#[must_use]
pub fn clean(text: impl Into<String>) -> String {
    let text = text.into();
    if has_nul(&text) { text.replace('\0', NUL) } else { text }
}

/// Returns a text as it is stored under a limit. A query must ask for this form to find it.
#[must_use]
pub fn as_stored(text: impl Into<String>, limit: usize) -> String {
    let mut text = text.into();
    fit(&mut text, limit);
    text
}

/// Cuts a text that is longer than `limit` bytes, and appends a mark that says how many bytes are missing.
///
/// The cut is at a character boundary. The result including the mark is within the limit. If the limit is
/// too small for a mark, there is none. If the text was cut before, the mark counts all bytes that are
/// missing from the original.
///
/// ```
/// let mut text = "hello ".repeat(10);
/// ticket_core::limits::cut(&mut text, 25);
/// assert_eq!(text, "hello hello…[+49 bytes]");
/// ```
pub fn cut<T: AsRef<str> + From<String>>(text: &mut T, limit: usize) {
    if (*text).as_ref().len() > limit {
        *text = shortened((*text).as_ref(), limit, 1).into();
    }
}

/// Replaces NUL in a text and cuts it to its limit.
#[inline]
pub(crate) fn fit<T: AsRef<str> + From<String>>(text: &mut T, limit: usize) {
    if !fits((*text).as_ref(), limit) {
        make_fit(text, limit);
    }
}

/// Returns `true` if a text is within its limit and contains no NUL.
#[inline]
pub(crate) fn fits(text: &str, limit: usize) -> bool {
    text.len() <= limit && !has_nul(text)
}

#[inline]
fn has_nul(text: &str) -> bool {
    text.as_bytes().contains(&0)
}

#[cold]
fn make_fit<T: AsRef<str> + From<String>>(text: &mut T, limit: usize) {
    let old = (*text).as_ref();
    if old.contains('\0') {
        let nuls = old.bytes().take(limit + 1).filter(|byte| *byte == 0).count();
        let fits = old.len() + nuls * (NUL.len() - 1) <= limit;
        let new = if fits {
            old.replace('\0', NUL)
        } else {
            shortened(old, limit, NUL.len()).replace('\0', NUL)
        };
        *text = new.into();
    } else {
        cut(text, limit);
    }
}

/// Returns a mark such as `…[+1234 bytes]`.
pub(crate) fn mark(count: usize, unit: &str) -> String {
    format!("{MARK}{count} {unit}]")
}

/// Returns the count in a mark, or `None` if the text is not a mark with this unit.
pub(crate) fn left_out(text: &str, unit: &str) -> Option<usize> {
    split_mark(text, unit).filter(|(start, _)| *start == 0).map(|(_, count)| count)
}

/// Returns the start and the count of the mark at the end of a text, if there is one with this unit.
fn split_mark(text: &str, unit: &str) -> Option<(usize, usize)> {
    let inner = text.strip_suffix(']')?.strip_suffix(unit)?.strip_suffix(' ')?;
    let start = inner.rfind(MARK)?;
    let count = inner[start + MARK.len()..].parse().ok()?;
    Some((start, count))
}

/// Cuts a text so that it is within the limit once each NUL is replaced with `nul` bytes.
fn shortened(text: &str, limit: usize, nul: usize) -> String {
    let (end, before) = split_mark(text, "bytes").unwrap_or((text.len(), 0));
    let total = end.saturating_add(before);
    // The mark for the total is at least as long as the mark for any part of it.
    let marked = mark(total, "bytes").len() <= limit;
    let room = if marked { limit - mark(total, "bytes").len() } else { limit };
    let (mut kept, mut length) = (0, 0);
    for next in text[..end].chars() {
        length += if next == '\0' { nul } else { next.len_utf8() };
        if length > room {
            break;
        }
        kept += next.len_utf8();
    }
    let mark = if marked { mark(total - kept, "bytes") } else { String::new() };
    [&text[..kept], &mark].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn after_cut(text: &str, limit: usize) -> String {
        let mut text = text.to_owned();
        cut(&mut text, limit);
        text
    }

    #[test]
    fn a_text_within_its_limit_is_not_cut() {
        assert_eq!(after_cut("12345", 5), "12345");
        assert_eq!(after_cut("", 0), "");
    }

    #[test]
    fn a_mark_counts_the_missing_bytes() {
        assert_eq!(after_cut(&"x".repeat(100), 20), format!("{}…[+95 bytes]", "x".repeat(5)));
        assert_eq!(after_cut(&"é".repeat(50), 20), "éé…[+96 bytes]");
        assert_eq!(after_cut(&"🦀".repeat(50), 26), "🦀🦀…[+192 bytes]");
    }

    #[test]
    fn cutting_again_counts_the_bytes_missing_from_the_original() {
        let once = after_cut(&"x".repeat(10_000), 1_000);
        assert_eq!(after_cut(&once, 100), after_cut(&"x".repeat(10_000), 100));
    }

    #[test]
    fn a_limit_too_small_for_a_mark_still_cuts() {
        assert_eq!(after_cut("0123456789", 4), "0123");
        assert_eq!(after_cut("éé", 3), "é");
    }

    proptest! {
        #[test]
        fn a_cut_keeps_the_start_and_counts_the_rest(text in any::<String>(), limit in 0_usize..40) {
            let once = after_cut(&text, limit);
            prop_assert!(once.len() <= limit);
            prop_assert_eq!(after_cut(&once, limit), once.as_str());
            if text.len() <= limit {
                prop_assert_eq!(once, text);
            } else if let Some((kept, count)) = once.rsplit_once("…[+") {
                let count: usize = count.trim_end_matches(" bytes]").parse().unwrap();
                prop_assert!(text.starts_with(kept));
                prop_assert_eq!(kept.len() + count, text.len());
            } else {
                prop_assert!(text.starts_with(&once));
            }
        }
    }
}

//! Message templates, which group records that differ only in their values.
//!
//! The modules, from the bottom up:
//!
//! - `mark` has the marks that replace values, and the limits on lengths.
//! - `scan` finds the end of a token (a URL, an address, a path) at a given position; `time` does so for dates and
//!   times, and `token` for words that contain digits. They are functions of the text and know no state.
//! - `output` has the template as far as it is written.
//! - `scanner` walks over the message and decides about punctuation and quotes; `words` decides about words and
//!   numbers.
//!
//! `scanner` and `words` depend on each other: both are `impl` blocks of one type, the [`Scanner`]. The walk calls
//! [`Scanner::word`], which calls back to write a mark and advance. Passing the state through a trait or a result
//! type would remove the cycle, but would put an interface between two halves that have one invariant in
//! common, namely that `at`, `before` and `output` always change together.

mod mark;
mod output;
mod scan;
mod scanner;
#[cfg(test)]
mod tests;
mod time;
mod token;
mod words;

use self::mark::REACH;
use self::scanner::Scanner;

/// Returns the template of a message: values that vary between occurrences are replaced by marks, and text that
/// identifies the problem is kept.
///
/// This is a pure function of the text. It is idempotent: the template of a template is that template.
///
/// # Marks
///
/// | mark | replaces | but not |
/// |---|---|---|
/// | `<n>` | `17`, `-5.5`, `1.2.3`, `1e-7`, the digits in `worker-3`, `user_42`, `user12345` | up to three digits within a name: `utf8`, `sha256`, `x86_64`, `Error42`; `HTTP/1.1`, `E11000` |
/// | `<n>s`, `<n>B`, `<n>th` | a duration, size or ordinal with its unit, since one statement may print `999ms` or `1.2s`: `250ms`, `1h30m`; `1.5MiB`, `980 KiB`; `3rd` | other units, which are kept: `<n>%`, `<n> rows` |
/// | `<hex>` | `0x7ffd…`; at least 7 hexadecimal digits, both letters and digits; `00:1b:44:11:3a:b7` | `decade`, `facade` |
/// | `<id>` | UUIDs; words in which letters and digits alternate as in random text | `Http2ConnectionError` |
/// | `<time>` | ISO 8601, RFC 2822, the formats of syslog, nginx and `ctime`, `10:47:20.123` | `main.rs:10:47` |
/// | `<ip>` | IP addresses, including a port, zone or prefix length | `std::f64` |
/// | `<path>` | absolute paths and paths in the home directory (`/a/b`, `~/a`), including a query; `C:\a`, `\\host\a` | `src/main.rs`, `and/or` |
/// | `<url>` | URLs, including the scheme | |
/// | `<email>` | email addresses | |
/// | `<str>` | text quoted in `'…'`, `"…"`, `` `…` ``, `‘…’`, `“…”`, `„…“`, `«…»` | apostrophes; code in backquotes such as `` `Result::unwrap()` ``; keys such as `{"status":` |
///
/// # Codes
///
/// Codes are kept, since they distinguish problems. A code is a number of up to five digits, a hexadecimal number
/// of up to eight, or an SQLSTATE, after a word that announces it: `os error 111`,
/// `errno 2`, `status: 404`, `HTTP 500`, `HTTP/1.1 500`, `exit code 1`, `signal 9`, `ORA-00942`,
/// `SQLSTATE 42P01`, `{"code": 26}`. After `error`, a colon rules out a code. `code` followed by a space announces one
/// only after a word such as `exit` or `status`. Lines, columns, ports and attempts are values.
///
/// # Lists, white space and length
///
/// A list of equal marks is reduced to one mark: `[1, 2, 3]` becomes `[<n>]`.
///
/// Each run of white space and control characters becomes one space. Leading and trailing ones are removed.
///
/// Only the first 4 KiB of a message are read, and a template is at most 1 KiB long; `…` marks where text
/// was cut off.
///
/// Time is linear in the length that is read. Only the result is allocated, and for longer messages a copy of
/// those 4 KiB.
///
/// # Examples
///
/// ```
/// use ticket_grouping::template;
///
/// assert_eq!(
///     template("cannot load '/srv/a.json' of user 17: connection refused (os error 111)"),
///     "cannot load <str> of user <n>: connection refused (os error 111)",
/// );
/// assert_eq!(template("took 1.2s for 3 rows"), template("took  980ms for 17 rows"));
/// ```
#[must_use]
pub fn template(message: &str) -> String {
    if message.len() <= REACH {
        return Scanner::new(message).run();
    }
    let mut end = REACH;
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    let mut head = message[..end].to_owned();
    head.push('…');
    Scanner::new(&head).run()
}

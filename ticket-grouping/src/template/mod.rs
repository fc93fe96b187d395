//! Message templates, which group records that differ only in their values.
//!
//! The modules, from the bottom up:
//!
//! - `mark` has the mark that replaces a value, the limits on lengths, and the classes of characters.
//! - `names` has the words that the rules know.
//! - `output` has the template as far as it is written.
//! - `scanner` walks over the message and decides about punctuation, keys and quotes; `words` decides about words.
//!
//! `scanner` and `words` depend on each other: both are `impl` blocks of one type, the [`Scanner`]. The walk calls
//! [`Scanner::word`], which calls back to write a mark and advance. Passing the state through a trait or a result
//! type would remove the cycle, but would put an interface between two halves that have one invariant in
//! common, namely that `at`, `before` and `output` always change together.

mod mark;
mod names;
mod output;
mod scanner;
#[cfg(test)]
mod tests;
mod vocabulary;
mod words;

use self::mark::REACH;
use self::scanner::Scanner;

/// Returns the template of a message: values that vary between occurrences are replaced by `<*>`, and text that
/// identifies the problem is kept.
///
/// This is a pure function of the text. It is idempotent: the template of a template is that template.
///
/// # Values
///
/// One mark stands for values of any kind, since one statement may print a host or its address, a decimal or a
/// hexadecimal number, a path or nothing.
///
/// | value | examples | but not |
/// |---|---|---|
/// | words with a digit, with all that is joined to them | `17`, `-5.5`, `10:47:20`, `worker-3`, `blk_-17`, `10.0.0.1:443`, `550e8400-e29b-…` | names such as `utf8`, `sha256`, `x86_64`, `Http2Error`; functions and keys: `jk2_init()`, `r1=`; codes such as `E282`, but not in `rack_E282` |
/// | units and zones after them, days and months next to them | `250 ms`, `1.5 MiB`, `Sat Nov 7 … UTC` | other words: `3 rows` |
/// | hexadecimal numbers of eight letters or more | `ffffffff` | `decade`, `facade` |
/// | paths, URLs, email addresses | `/a/b?c=d`, `~/a`, `./a`, `C:\a`, `\\host\a` | `src/main.rs`, `and/or` |
/// | hosts, packages and their classes, data files | `db.example.com`, `s3.example.com`, `db.shop.site:443`, `com.shop.Cart`, `app.toml` | `com.shop.PayException`, `java.lang.Error`, `app.models.py:17` |
/// | hosts before their address, or that connect | `from mail [10.0.0.1]`, `for (mail) [10.0.0.1]:25`, `connect from mail` | `reply from server` |
/// | quoted text | `'…'`, `"…"`, `` `…` ``, `‘…’`, `“…”`, `„…“`, `«…»` | apostrophes; code in backquotes such as `` `Result::unwrap()` ``; keys such as `{"status":`; the method in `"GET /a"` |
/// | what a key is set to | `user=root`, `tty=`, `mask = ff`, `to=<bob>`, `from=Source{17}` | what describes the problem: `error=timeout`, `state=failed` |
/// | names of users, also empty ones | `for user bob`, `password for root`, `invalid user  from 10.0.0.1`, `user bob: …`, `root(uid=0)`, `(root) CMD …`, `bob : TTY=pts/0 …` | `unknown user`, `for user input` |
/// | names with an underscore, of what has names | `domain root_domain`, `table user_carts` | `column user_id` |
/// | commands with their arguments | `CMD (run-parts /etc)`, `command line: ro quiet`, `COMMAND=/bin/ls -l` | `command not found` |
/// | disks | `sda`, `vdb`, `nvme0n1` | |
/// | nothing, in brackets | `from ()`, `ids=[]` | `open()` |
///
/// # Codes
///
/// Codes are kept, since they distinguish problems. A code is a number of up to five digits, a hexadecimal number
/// of up to eight, or an SQLSTATE, after a word that announces it: `os error 111`,
/// `errno 2`, `status: 404`, `HTTP 500`, `HTTP/1.1 500`, `exit code 1`, `signal 9`, `ORA-00942`,
/// `SQLSTATE 42P01`, `{"code": 26}`; or it has a name of its own: `E11000`, `Error42`. After `error`, a colon rules out
/// a code. `code` followed by a space announces one only after a word such as `exit` or `status`. Lines, columns,
/// ports and attempts are values. So is a status below 500 behind a quoted request, as in an access log: it tells
/// what a client did.
///
/// # Lists, white space and length
///
/// A list of values is reduced to its first item: `[1, 2, 3]` becomes `[<*>]`. An item may have up to four words:
/// `<*> ok <*> ok` becomes `<*> ok`. A value in brackets behind a value is left out, as in `1293 bytes (1.26 KB)` and
/// `a.example.com[10.0.0.1]`.
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
///     "cannot load <*> of user <*>: connection refused (os error 111)",
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

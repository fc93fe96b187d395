//! Message templates: what groups records that carry different values.

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

/// Turns a message into its template: what varies from one occurrence to the next becomes a mark,
/// what names the problem stays.
///
/// It is a pure function of the text, and the template of a template is that template.
///
/// | mark | stands for | but not for |
/// |---|---|---|
/// | `<n>` | `17`, `-5.5`, `1.2.3`, `1e-7`, the digits of `worker-3`, `user_42`, `user12345` | up to three digits in a name: `utf8`, `sha256`, `x86_64`, `Error42`; `HTTP/1.1`, `E11000` |
/// | `<n>s`, `<n>B`, `<n>th` | a duration, size or rank with its unit, since `999ms` and `1.2s` come from one statement: `250ms`, `1h30m`; `1.5MiB`, `980 KiB`; `3rd` | other units stay: `<n>%`, `<n> rows` |
/// | `<hex>` | `0x7ffd…`; 7 hexadecimal digits or more that are letters and digits; `00:1b:44:11:3a:b7` | `decade`, `facade` |
/// | `<id>` | UUIDs; words in which letters and digits alternate as if at random | `Http2ConnectionError` |
/// | `<time>` | ISO 8601, RFC 2822, the forms of syslog, nginx and `ctime`, `10:47:20.123` | `main.rs:10:47` |
/// | `<ip>` | addresses with port, zone or network length | `std::f64` |
/// | `<path>` | paths from the root or home (`/a/b`, `~/a`), with a query; `C:\a`, `\\host\a` | `src/main.rs`, `and/or` |
/// | `<url>` | all of a URL, its scheme too | |
/// | `<email>` | addresses of electronic mail | |
/// | `<str>` | text in `'…'`, `"…"`, `` `…` ``, `‘…’`, `“…”`, `„…“`, `«…»` | apostrophes; code in backquotes such as `` `Result::unwrap()` ``; keys such as `{"status":` |
///
/// **Codes stay.** A number of up to five digits, a hexadecimal one of up to eight, and an SQLSTATE
/// tell problems apart where they follow one of the words that announce a code: `os error 111`,
/// `errno 2`, `status: 404`, `HTTP 500`, `HTTP/1.1 500`, `exit code 1`, `signal 9`, `ORA-00942`,
/// `SQLSTATE 42P01`, `{"code": 26}`. Behind `error` there has to be no colon, and behind `code` and a
/// space a word such as `exit` or `status` before it. Lines, columns, ports and attempts vary.
///
/// **Lists** of one mark are one mark, however long: `[1, 2, 3]` is `[<n>]`.
///
/// **White space** and control characters fold to one space, and none is left at the ends.
///
/// **Long messages**: the first 4 KiB are looked at, and a template is at most 1 KiB long; where it
/// was cut stands `…`.
///
/// The time it takes is linear in the length that is looked at. Nothing but the result is allocated,
/// unless the message is longer than that.
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

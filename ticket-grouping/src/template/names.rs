//! The words that the rules know: names with digits, keys, units, and what announces a code or an identity.

use super::mark::{DIGIT, HEX, LETTER, is};

/// Names that contain digits, in lower case and in order. Letters may follow, as in `utf16le`, `sha256sum`, `log4j`.
const NAMES: [&str; 161] = [
    "a11y",
    "aarch64",
    "adler32",
    "aes128",
    "aes192",
    "aes256",
    "amd64",
    "arm64",
    "armv6",
    "armv7",
    "armv8",
    "av1",
    "avx2",
    "avx512",
    "b2b",
    "b64",
    "base32",
    "base58",
    "base64",
    "big5",
    "blake2",
    "blake3",
    "bz2",
    "chacha20",
    "cp1252",
    "crc32",
    "css3",
    "curve25519",
    "db2",
    "des3",
    "e2e",
    "ec2",
    "ed25519",
    "es6",
    "ext2",
    "ext3",
    "ext4",
    "f32",
    "f64",
    "fat16",
    "fat32",
    "float32",
    "float64",
    "gb18030",
    "gb2312",
    "h264",
    "h265",
    "hs256",
    "html5",
    "http2",
    "http3",
    "i128",
    "i16",
    "i18n",
    "i2c",
    "i32",
    "i386",
    "i486",
    "i586",
    "i64",
    "i686",
    "i8",
    "icmpv6",
    "inet4",
    "inet6",
    "int128",
    "int16",
    "int32",
    "int64",
    "int8",
    "ip4",
    "ip6",
    "ipv4",
    "ipv4to6",
    "ipv6",
    "ipv6to4",
    "iso8601",
    "iso8859",
    "json5",
    "junit4",
    "junit5",
    "k8s",
    "l10n",
    "latin1",
    "libc6",
    "libxml2",
    "log4",
    "log4j2",
    "lz4",
    "md4",
    "md5",
    "mips64",
    "mp3",
    "mp4",
    "murmur3",
    "oauth1",
    "oauth2",
    "p256",
    "p2p",
    "p384",
    "ppc64",
    "python2",
    "python3",
    "rc4",
    "riscv64",
    "rs256",
    "s3",
    "s390x",
    "saml2",
    "secp256k1",
    "sha1",
    "sha2",
    "sha224",
    "sha256",
    "sha3",
    "sha384",
    "sha512",
    "slf4j",
    "sqlite3",
    "ssl2",
    "ssl3",
    "sslv2",
    "sslv3",
    "tcp4",
    "tcp6",
    "tlsv1",
    "u128",
    "u16",
    "u32",
    "u64",
    "u8",
    "ucs2",
    "ucs4",
    "udp4",
    "udp6",
    "uint128",
    "uint16",
    "uint32",
    "uint64",
    "uint8",
    "utf16",
    "utf32",
    "utf7",
    "utf8",
    "utf8mb3",
    "utf8mb4",
    "v4l2",
    "vp8",
    "vp9",
    "web3",
    "win32",
    "win64",
    "x25519",
    "x264",
    "x265",
    "x509",
    "x509v3",
    "x64",
    "x86",
    "xxh3",
    "zstd1",
];

/// The maximum length of a name with digits that is not listed, such as `Http2ConnectionError`.
const CAMEL: std::ops::RangeInclusive<usize> = 6..=64;

/// The maximum number of digits in a row within such a name.
const CAMEL_DIGITS: usize = 3;

/// Words that announce a code, which identifies the problem and is therefore kept.
const CODES: [&str; 13] = [
    "errno",
    "status",
    "signal",
    "http",
    "sqlstate",
    "rc",
    "hresult",
    "ntstatus",
    "errcode",
    "retcode",
    "exitcode",
    "errorcode",
    "statuscode",
];

/// Words after which `code` announces a code even if only a space follows: `exit code 1`.
const CODES_OF: [&str; 6] = ["exit", "error", "status", "response", "return", "with"];

/// Keys whose value describes the problem: in `state=failed`, the word is kept.
const DESCRIBING: [&str; 28] = [
    "action",
    "cause",
    "class",
    "code",
    "detail",
    "err",
    "errno",
    "error",
    "event",
    "exception",
    "kind",
    "level",
    "message",
    "method",
    "msg",
    "op",
    "operation",
    "problem",
    "rc",
    "reason",
    "result",
    "severity",
    "signal",
    "state",
    "status",
    "step",
    "type",
    "what",
];

/// Words before a command with its arguments.
const COMMANDS: [&str; 2] = ["cmd", "command"];

/// What happens to the jobs of a user: `(root) RELOAD (crontabs/root)`.
const JOB_ACTIONS: [&str; 5] = ["DELETE", "EDIT", "LIST", "RELOAD", "REPLACE"];

/// Units of time and size, and what may follow a time of day. After a value they belong to it, since one statement
/// may print `999 ms` or `1.2 s`. They are in order.
const AFTER_VALUE: [&str; 60] = [
    "AM",
    "B",
    "CEST",
    "CET",
    "CST",
    "EDT",
    "EST",
    "GB",
    "GMT",
    "GiB",
    "IST",
    "JST",
    "KB",
    "KiB",
    "MB",
    "MDT",
    "MST",
    "MiB",
    "PDT",
    "PM",
    "PST",
    "TB",
    "TiB",
    "UTC",
    "Z",
    "byte",
    "bytes",
    "day",
    "days",
    "h",
    "hour",
    "hours",
    "hrs",
    "kB",
    "kb",
    "m",
    "microseconds",
    "millis",
    "milliseconds",
    "min",
    "mins",
    "minute",
    "minutes",
    "ms",
    "msec",
    "msecs",
    "nanoseconds",
    "ns",
    "s",
    "sec",
    "second",
    "seconds",
    "secs",
    "us",
    "usec",
    "usecs",
    "week",
    "weeks",
    "year",
    "years",
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Words before `user` that make the next word a name: `for user bob`.
const BEFORE_USER: [&str; 14] = [
    "as",
    "authenticating",
    "by",
    "for",
    "from",
    "illegal",
    "invalid",
    "of",
    "on",
    "session",
    "the",
    "to",
    "unknown",
    "with",
];

/// Words before `for` that make the next word the name of a user: `Failed password for root`.
const BEFORE_FOR: [&str; 17] = [
    "authenticated",
    "authentication",
    "changed",
    "failure",
    "failures",
    "gssapi-with-mic",
    "hostbased",
    "keyboard-interactive",
    "keyboard-interactive/pam",
    "login",
    "logon",
    "logout",
    "none",
    "password",
    "publickey",
    "session",
    "ticket",
];

/// Words before `from` that make the next word the name of a host: `connect from mail`.
const BEFORE_FROM: [&str; 5] = ["connect", "connected", "connection", "disconnect", "disconnected"];

/// Words that are no name of a user or host: `for user authentication`, `password for invalid user bob`.
const NO_NAME: [&str; 45] = [
    "a",
    "access",
    "account",
    "accounts",
    "agent",
    "all",
    "an",
    "and",
    "are",
    "at",
    "authentication",
    "by",
    "client",
    "data",
    "did",
    "does",
    "error",
    "for",
    "from",
    "groups",
    "has",
    "id",
    "illegal",
    "in",
    "input",
    "invalid",
    "is",
    "name",
    "names",
    "not",
    "of",
    "on",
    "or",
    "peer",
    "pool",
    "request",
    "requests",
    "server",
    "session",
    "the",
    "this",
    "to",
    "unknown",
    "user",
    "was",
];

/// What has names that contain an underscore.
const ENTITIES: [&str; 14] = [
    "bucket",
    "cluster",
    "container",
    "database",
    "domain",
    "group",
    "host",
    "index",
    "node",
    "queue",
    "server",
    "table",
    "topic",
    "volume",
];

/// Top-level domains that are no ending of anything else; a name with one of them is a host. They are in order.
const DOMAINS: [&str; 15] = [
    "arpa",
    "biz",
    "com",
    "corp",
    "edu",
    "example",
    "gov",
    "info",
    "internal",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "mil",
    "org",
];

/// Longer top-level domains that are also other endings. A name needs three labels or a port to be a host.
const OTHER_DOMAINS: [&str; 5] = ["app", "cloud", "dev", "net", "svc"];

/// Endings of files of source code. With a number behind a colon they are places, not hosts.
const SOURCES: [&str; 26] = [
    "c", "cc", "cpp", "cs", "ex", "exs", "erl", "fs", "go", "h", "hpp", "hs", "java", "js", "jsx",
    "kt", "ml", "php", "pl", "py", "rb", "rs", "scala", "swift", "ts", "tsx",
];

/// Endings of two letters that are no domain of a country, but a file of source code or a word.
const NO_COUNTRY: [&str; 22] = [
    "cc", "cs", "db", "do", "fs", "go", "gz", "hs", "id", "is", "js", "md", "ml", "of", "ps", "py",
    "rb", "rs", "sh", "so", "to", "ts",
];

/// Endings of files that hold data, in order. Files of source code are named in the messages of their own programs.
const FILES: [&str; 46] = [
    "avi", "bak", "bin", "bmp", "cfg", "conf", "cpio", "csv", "dat", "db", "dll", "doc", "docx",
    "exe", "gif", "gz", "html", "ico", "ini", "iso", "jar", "jpeg", "jpg", "json", "lock", "log",
    "mp3", "mp4", "pdf", "pem", "pid", "png", "rpm", "service", "sock", "sqlite", "svg", "tar",
    "tmp", "toml", "txt", "xlsx", "xml", "yaml", "yml", "zip",
];

/// The methods of HTTP.
const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "CONNECT"];

fn one_of(word: &str, names: &[&str]) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Returns `true` if a word with digits is a name: a well-known one, a word such as `Http2ConnectionError`, or the
/// code of an error such as `E11000` or `Error42`. A letter with a number that is joined to a word, as in `rack_E282` or
/// `node-S3`, is none.
pub(super) fn is_name(word: &str, is_joined: bool) -> bool {
    word.starts_with(|first: char| first.is_ascii_alphabetic())
        && !(is_joined
            && word.as_bytes()[0].is_ascii_uppercase()
            && word.bytes().skip(1).all(|byte| is(byte, DIGIT)))
        && (is_known(word) || is_error_code(word) || is_camel(word))
}

fn is_known(word: &str) -> bool {
    let mut lower = [0; 12];
    let mut known = |word: &str| {
        let Some(lower) = lower.get_mut(..word.len()) else { return false };
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        NAMES.binary_search_by(|name| name.as_bytes().cmp(lower)).is_ok()
    };
    let bytes = word.as_bytes();
    let letters = bytes.iter().rev().take_while(|byte| is(**byte, LETTER)).count();
    known(word) || letters > 0 && letters <= 8 && known(&word[..word.len() - letters])
}

fn is_error_code(word: &str) -> bool {
    let letters = word.bytes().take_while(|byte| is(*byte, LETTER)).count();
    let (prefix, digits) = word.split_at(letters);
    // `E5` may as well be a place.
    let shortest = if prefix == "E" { 3 } else { 1 };
    (prefix == "E" || one_of(prefix, &["err", "error"]))
        && (shortest..=5).contains(&digits.len())
        && digits.bytes().all(|byte| is(byte, DIGIT))
}

/// Returns `true` for a word in camel case with few digits inside it, and no digit at its ends.
///
/// In random letters and digits, 62 of 100 neighbours differ in kind; in names about 30.
fn is_camel(word: &str) -> bool {
    let bytes = word.as_bytes();
    if !CAMEL.contains(&bytes.len()) || !is(bytes[0], LETTER) || is(bytes[bytes.len() - 1], DIGIT) {
        return false;
    }
    let (mut run, mut runs, mut turns, mut lower) = (0, 0, 0, false);
    for pair in bytes.windows(2) {
        let [last, next] = [pair[0], pair[1]];
        if is(next, DIGIT) {
            runs += usize::from(run == 0);
            run += 1;
        } else if run > 0 {
            if run > CAMEL_DIGITS || !next.is_ascii_uppercase() {
                return false;
            }
            run = 0;
        }
        lower |= next.is_ascii_lowercase();
        turns += usize::from(kind(last) != kind(next));
    }
    lower && runs <= 2 && turns * 20 < (bytes.len() - 1) * 9
}

/// Returns which kind of letter or digit a byte is.
fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    }
}

/// Returns `true` if a word without digits is a hexadecimal number. There is no English word of eight such letters.
pub(super) fn is_hex(word: &str) -> bool {
    word.len() >= 8 && word.bytes().all(|byte| is(byte, HEX))
}

/// Returns `true` if a word has the form of an SQLSTATE: five digits or capitals, at least one of them a digit.
pub(super) fn is_sqlstate(word: &str) -> bool {
    word.len() == 5
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
        && word.bytes().any(|byte| byte.is_ascii_digit())
}

/// Returns `true` if the last two words, and what stands between them and the next one, announce a code. `space` states that
/// white space follows the gap.
///
/// In `error: 5 rows are missing` and `verification code 12345`, the number is a value.
pub(super) fn announces_code(prior: &str, word: &str, gap: &str, space: bool) -> bool {
    if gap.len() > 3 || !gap.bytes().all(|byte| b" :=([#-_\"'/".contains(&byte)) {
        return false;
    }
    match word.len() {
        3 if one_of(word, &["err", "ora"]) => !gap.contains(':'),
        5 if one_of(word, &["error"]) => !gap.contains(':'),
        4 if one_of(word, &["code"]) => !(gap.is_empty() && space) || one_of(prior, &CODES_OF),
        _ => one_of(word, &CODES),
    }
}

/// Returns `true` if the value of a key describes the problem.
pub(super) fn is_describing(key: &str) -> bool {
    key.bytes().next().is_some_and(|first| DESCRIBING_BEGIN[usize::from(first)])
        && one_of(key, &DESCRIBING)
}

/// Returns `true` if a word belongs to the value before it: a unit, a time zone or a month.
pub(super) fn is_part_of_value(word: &str) -> bool {
    // Most words behind a value are longer or begin with another letter.
    word.len() <= 12
        && (UNITS_BEGIN[usize::from(word.as_bytes()[0])]
            && AFTER_VALUE.binary_search(&word).is_ok()
            || is_month(word))
}

const UNITS_BEGIN: [bool; 256] = first_bytes(&AFTER_VALUE);
const DESCRIBING_BEGIN: [bool; 256] = first_bytes(&DESCRIBING);

/// Returns which bytes these words begin with, in lower or upper case.
const fn first_bytes(words: &[&str]) -> [bool; 256] {
    let mut first = [false; 256];
    let mut at = 0;
    while at < words.len() {
        let byte = words[at].as_bytes()[0];
        first[byte.to_ascii_lowercase() as usize] = true;
        first[byte.to_ascii_uppercase() as usize] = true;
        at += 1;
    }
    first
}

/// Returns `true` if a word belongs to a number after it: the name of a month or of a day.
pub(super) fn is_date_part(word: &str) -> bool {
    is_month(word) || is_calendar_name(word, &DAYS)
}

fn is_month(word: &str) -> bool {
    is_calendar_name(word, &MONTHS)
}

/// Returns `true` if a word is one of these names or its first three letters.
fn is_calendar_name(word: &str, names: &[&str]) -> bool {
    word.len() >= 3
        && word.as_bytes()[0].is_ascii_uppercase()
        && names.iter().any(|name| name == &word || word.len() == 3 && name.starts_with(word))
}

/// Returns `true` if two words announce the name of a user, or of a host that connects.
pub(super) fn announces_name(prior: &str, last: &str) -> bool {
    match last.len() {
        4 if last == "from" => one_of(prior, &BEFORE_FROM),
        4 if one_of(last, &["user"]) => one_of(prior, &BEFORE_USER),
        8 if one_of(last, &["username"]) => one_of(prior, &BEFORE_USER),
        3 if last == "for" => one_of(prior, &BEFORE_FOR),
        _ => false,
    }
}

/// Returns `true` for what has names: `domain root_domain`.
pub(super) fn is_entity(word: &str) -> bool {
    word.len() >= 4 && ENTITIES.contains(&word)
}

/// Returns `true` for a word before the name of a peer, if the address of the peer follows: `from mail [10.0.0.1]`.
pub(super) fn is_before_peer(word: &str) -> bool {
    one_of(word, &["from", "for", "with", "to", "by", "host", "client"])
}

/// Returns `true` for a word that is no name of a user or host.
pub(super) fn is_no_name(word: &str) -> bool {
    one_of(word, &NO_NAME)
}

/// Returns `true` if a word with dots and without digits is a value: a host, a package or class, or a data file. `port`
/// has the digits behind a colon.
pub(super) fn is_dotted_value(word: &str, port: &str) -> bool {
    // Numbers and addresses are values anyway.
    if word.bytes().last().is_some_and(|last| is(last, DIGIT))
        && !word.ends_with(".mp3")
        && !word.ends_with(".mp4")
    {
        return false;
    }
    let Some((rest, last)) = word.rsplit_once('.') else { return false };
    let labels = rest.bytes().filter(|byte| *byte == b'.').count() + 2;
    let first = &word[..word.len().min(4)];
    if labels >= 3 && matches!(first, "com." | "org." | "net.") {
        // The type of an error tells problems apart.
        return !["Exception", "Error", "Failure"].iter().any(|end| last.ends_with(end));
    }
    let host = || {
        let fits = |byte| is(byte, LETTER | DIGIT) || matches!(byte, b'.' | b'-' | b'_' | b'*');
        word.bytes().all(fits)
    };
    if DOMAINS.binary_search(&last).is_ok()
        || (labels >= 3 || !port.is_empty()) && is_other_domain(last)
        || labels >= 3 && first == "www."
        || labels >= 3 && !port.is_empty() && !SOURCES.contains(&last)
    {
        return host();
    }
    FILES.binary_search(&last).is_ok()
}

/// Returns `true` for a top-level domain that is also another ending; all countries have two letters.
fn is_other_domain(label: &str) -> bool {
    let is_country = label.len() == 2
        && label.bytes().all(|byte| byte.is_ascii_lowercase())
        && !NO_COUNTRY.contains(&label);
    is_country || OTHER_DOMAINS.contains(&label)
}

/// Returns `true` if text begins like the first line of an HTTP request: `GET /x`. Returns the end of the method.
pub(super) fn method(text: &str) -> Option<usize> {
    let (word, _) = text.split_once(' ')?;
    METHODS.contains(&word).then_some(word.len())
}

/// Returns `true` for a word before a command: `CMD (/usr/bin/id -u)`.
pub(super) fn is_command(word: &str) -> bool {
    COMMANDS.iter().any(|name| name.eq_ignore_ascii_case(word))
}

/// Returns `true` for a word before the name of a list of jobs: `(root) RELOAD (crontabs/root)`.
pub(super) fn is_job_action(word: &str) -> bool {
    JOB_ACTIONS.contains(&word)
}

/// Returns `true` for a disk without a number: `sda`, `hdc`, `vdb`, `xvda`.
pub(super) fn is_device(word: &str) -> bool {
    let name = word.strip_prefix('x').unwrap_or(word).as_bytes();
    matches!(name, [b's' | b'h' | b'v', b'd', b'a'..=b'z'])
}

//! The lists of words that the rules of [`names`](super::names) look up.

/// A list of words, in the order of their first letters. A word is compared only with those that begin with its letter.
pub(super) struct WordList {
    words: &'static [&'static str],
    /// For each first letter the number of words before it.
    starts: [u8; 129],
}

impl WordList {
    const fn new(words: &'static [&'static str]) -> Self {
        let mut starts = [0; 129];
        let mut letter = 0;
        while letter < 128 {
            let mut end = starts[letter];
            while (end as usize) < words.len()
                && words[end as usize].as_bytes()[0] as usize == letter
            {
                end += 1;
            }
            letter += 1;
            starts[letter] = end;
        }
        assert!(starts[128] as usize == words.len(), "the words are not in order");
        Self { words, starts }
    }

    /// Returns `true` if the list contains a word.
    pub(super) fn contains(&self, word: &[u8]) -> bool {
        word.first().is_some_and(|first| {
            self.beginning_with(*first).iter().any(|known| known.as_bytes() == word)
        })
    }

    /// Returns `true` if the list, which is in lower case, contains a word in any case.
    pub(super) fn contains_ignoring_case(&self, word: &[u8]) -> bool {
        word.first().is_some_and(|first| {
            let mut known = self.beginning_with(first.to_ascii_lowercase()).iter();
            known.any(|known| known.as_bytes().eq_ignore_ascii_case(word))
        })
    }

    fn beginning_with(&self, letter: u8) -> &[&'static str] {
        match self.starts.get(usize::from(letter)..) {
            Some([start, end, ..]) => &self.words[usize::from(*start)..usize::from(*end)],
            _ => &[],
        }
    }
}

/// Names that contain digits, in lower case. Letters may follow, as in `utf16le`, `sha256sum`, `log4j`.
pub(super) static NAMES: WordList = WordList::new(&[
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
]);

/// Words that announce a code, which identifies the problem and is therefore kept.
pub(super) static CODES: WordList = WordList::new(&[
    "errcode",
    "errno",
    "errorcode",
    "exitcode",
    "hresult",
    "http",
    "ntstatus",
    "rc",
    "retcode",
    "signal",
    "sqlstate",
    "status",
    "statuscode",
]);

/// Words after which `code` announces a code even if only a space follows: `exit code 1`.
pub(super) static CODES_OF: WordList =
    WordList::new(&["error", "exit", "response", "return", "status", "with"]);

/// Keys whose value describes the problem: in `state=failed`, the word is kept.
pub(super) static DESCRIBING: WordList = WordList::new(&[
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
]);

/// Words before a command with its arguments.
pub(super) static COMMANDS: WordList = WordList::new(&["cmd", "command"]);

/// What happens to the jobs of a user: `(root) RELOAD (crontabs/root)`.
pub(super) static JOB_ACTIONS: WordList =
    WordList::new(&["DELETE", "EDIT", "LIST", "RELOAD", "REPLACE"]);

/// Units of time and size, and what may follow a time of day. After a value they belong to it, since one statement
/// may print `999 ms` or `1.2 s`.
pub(super) static AFTER_VALUE: WordList = WordList::new(&[
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
]);

/// The names of the months, and their first three letters.
pub(super) static MONTHS: WordList = WordList::new(&[
    "Apr",
    "April",
    "Aug",
    "August",
    "Dec",
    "December",
    "Feb",
    "February",
    "Jan",
    "January",
    "Jul",
    "July",
    "Jun",
    "June",
    "Mar",
    "March",
    "May",
    "Nov",
    "November",
    "Oct",
    "October",
    "Sep",
    "September",
]);

/// The names of the days, and their first three letters.
pub(super) static DAYS: WordList = WordList::new(&[
    "Fri",
    "Friday",
    "Mon",
    "Monday",
    "Sat",
    "Saturday",
    "Sun",
    "Sunday",
    "Thu",
    "Thursday",
    "Tue",
    "Tuesday",
    "Wed",
    "Wednesday",
]);

/// Words before `user` that make the next word a name: `for user bob`.
pub(super) static BEFORE_USER: WordList = WordList::new(&[
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
]);

/// Words before `for` that make the next word the name of a user: `Failed password for root`.
pub(super) static BEFORE_FOR: WordList = WordList::new(&[
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
]);

/// Words before `from` that make the next word the name of a host: `connect from mail`.
pub(super) static BEFORE_FROM: WordList =
    WordList::new(&["connect", "connected", "connection", "disconnect", "disconnected"]);

/// Words that are no name of a user or host: `for user authentication`, `password for invalid user bob`.
pub(super) static NO_NAME: WordList = WordList::new(&[
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
]);

/// What has names that contain an underscore.
pub(super) static ENTITIES: WordList = WordList::new(&[
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
]);

/// Top-level domains that are no ending of anything else; a name with one of them is a host.
pub(super) static DOMAINS: WordList = WordList::new(&[
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
]);

/// Longer top-level domains that are also other endings. A name needs three labels or a port to be a host.
pub(super) static OTHER_DOMAINS: WordList = WordList::new(&["app", "cloud", "dev", "net", "svc"]);

/// Endings of files of source code. With a number behind a colon they are places, not hosts.
pub(super) static SOURCES: WordList = WordList::new(&[
    "c", "cc", "cpp", "cs", "erl", "ex", "exs", "fs", "go", "h", "hpp", "hs", "java", "js", "jsx",
    "kt", "ml", "php", "pl", "py", "rb", "rs", "scala", "swift", "ts", "tsx",
]);

/// Endings of two letters that are no domain of a country, but a file of source code or a word.
pub(super) static NO_COUNTRY: WordList = WordList::new(&[
    "cc", "cs", "db", "do", "fs", "go", "gz", "hs", "id", "is", "js", "md", "ml", "of", "ps", "py",
    "rb", "rs", "sh", "so", "to", "ts",
]);

/// Endings of files that hold data. Files of source code are named in the messages of their own programs.
pub(super) static FILES: WordList = WordList::new(&[
    "avi", "bak", "bin", "bmp", "cfg", "conf", "cpio", "csv", "dat", "db", "dll", "doc", "docx",
    "exe", "gif", "gz", "html", "ico", "ini", "iso", "jar", "jpeg", "jpg", "json", "lock", "log",
    "mp3", "mp4", "pdf", "pem", "pid", "png", "rpm", "service", "sock", "sqlite", "svg", "tar",
    "tmp", "toml", "txt", "xlsx", "xml", "yaml", "yml", "zip",
]);

/// The methods of HTTP.
pub(super) static METHODS: WordList =
    WordList::new(&["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]);

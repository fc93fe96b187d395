//! Properties that hold for all messages: templates are idempotent and independent of values.

use proptest::prelude::*;

use super::super::mark::LENGTH;
use super::super::template;

/// Generates messages from pieces that mean something to the scanner, in any order.
fn pieces() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "<*>",
        "<*>",
        "<error>",
        "<",
        ">",
        "n",
        "1",
        "23",
        "404",
        "12345",
        "1234567",
        "0x",
        "0x1f",
        "deadbeef",
        "ab12",
        "fe80",
        "::",
        ":",
        "::1",
        "2001:db8",
        "a",
        "Z",
        "aB1cD2",
        "x9Y8z7",
        "-",
        "_",
        "+",
        "/",
        "\\",
        "\\\\",
        "C:\\",
        "'",
        "\"",
        "`",
        "`  `",
        "“",
        "”",
        "‘",
        "’",
        "„",
        "«",
        "»",
        "…",
        " ",
        " ",
        " ",
        "\n",
        "\0",
        "\u{a0}",
        ".",
        ",",
        ";",
        "=",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "@",
        "foo@bar.com",
        "@b.c",
        "http://",
        "HTTP",
        "HTTP/1.1",
        "\"GET /a\"",
        "for user",
        "for user  from ",
        "password for ",
        "user (root)",
        "user bob:",
        "User",
        " from ",
        "connect from mail",
        "root(uid=0)",
        "(root) CMD ",
        "bob : TTY=",
        "COMMAND=",
        " [10.0.0.1]",
        "(10.0.0.1)",
        "domain ",
        "a_b",
        "s3.example.com",
        "a.b.c:443",
        "node_E282",
        "fe:dc::1",
        "user=",
        "user=<a>",
        "unknown[",
        "CMD (",
        "command line:",
        "sda",
        " = ",
        "=",
        "()",
        "(x)",
        "a.example.com",
        "com.a.b",
        "a.log",
        "seconds",
        "<1",
        "&",
        "%",
        "status",
        "error",
        "code",
        "exit",
        "SQLSTATE",
        "42P01",
        "unknown",
        "variant",
        "Nov",
        "Sat",
        "21",
        "2026",
        "2026-11-21",
        "T",
        "10:47",
        "10:47:20",
        ".123",
        "+0200",
        " UTC",
        "10.0.0.1",
        "8080",
        "é",
        "日本",
        "µs",
        "ms",
        "s",
        "m",
        "KiB",
        "B",
        "d",
        "th",
        "x86_64",
        "utf8",
        "v1",
        "E11000",
        "e",
        "e5",
        "x",
        "#",
        "$",
        "%",
        "~/",
        "?",
        "!",
        "*",
        "|",
        "{\"",
        "\"a\":",
        "\u{301}",
        "🦀",
        "٣",
        "550e8400-e29b-41d4-a716-446655440000",
        "aaaa-",
        "00:1b:",
        "aa:bb:cc:dd:ee:ff",
        "Http2ConnectionError",
        "3MtwBwLkdIwHu7ix",
        "thequickbrownfoxjumps",
    ];
    prop_oneof![
        9 => prop::collection::vec(prop::sample::select(PIECES), 1..16),
        1 => prop::collection::vec(prop::sample::select(PIECES), 300..1500),
    ]
    .prop_map(|pieces| pieces.concat())
}

/// Checks what every template has to fulfil: it is its own template, short enough, and free of surplus spaces.
fn check(message: &str) -> Result<(), TestCaseError> {
    let once = template(message);
    prop_assert_eq!(template(&once), once.as_str(), "the message was {:?}", message);
    prop_assert!(once.len() <= LENGTH);
    prop_assert!(!once.contains("  ") && once.trim() == once, "{:?}", once);
    Ok(())
}

/// Returns the template of a message that contains a value.
fn with(value: impl std::fmt::Display) -> String {
    template(&format!("loading {value} of the shop failed"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_template_is_its_own_template(message in pieces()) {
        check(&message)?;
    }

    #[test]
    fn arbitrary_text_has_a_valid_template(message in any::<String>(), other in "[ -~é…“”<>0-9a-f:.'\"/\\\\-]*") {
        check(&message)?;
        check(&other)?;
    }

    #[test]
    fn templates_ignore_numbers(integer in any::<i64>(), float in any::<f64>()) {
        prop_assert_eq!(with(integer), with(1));
        prop_assert_eq!(with(format!("#{}", integer.unsigned_abs())), with("#1"));
        if float.is_finite() {
            prop_assert_eq!(with(float), with(1));
            prop_assert_eq!(with(format!("{float:?}")), with(1));
        }
    }

    #[test]
    fn templates_ignore_durations(nanos in any::<u64>(), shift in 0..64) {
        let duration = std::time::Duration::from_nanos(nanos >> shift);
        prop_assert_eq!(with(format!("{duration:?}")), with("1s"));
    }

    #[test]
    fn templates_ignore_addresses(four in any::<[u8; 4]>(), six in any::<[u16; 7]>(), port in any::<u16>()) {
        let four = std::net::Ipv4Addr::from(four);
        prop_assert_eq!(with(four), with("10.0.0.1"));
        prop_assert_eq!(with(format!("{four}:{port}")), with("10.0.0.1"));
        let [b, c, d, e, f, g, h] = six;
        let six = std::net::Ipv6Addr::new(0x2001, b, c, d, e, f, g, h);
        prop_assert_eq!(with(six), with("10.0.0.1"));
    }

    #[test]
    fn templates_ignore_ids_and_times(bytes in any::<[u8; 16]>(), micros in any::<i64>()) {
        prop_assert_eq!(with(uuid::Uuid::from_bytes(bytes)), with(uuid::Uuid::nil()));
        prop_assert_eq!(with(ticket_core::Timestamp::from_micros(micros)), with(ticket_core::Timestamp::MIN));
        prop_assert_eq!(with(format!("0x{:x}", u128::from_le_bytes(bytes))), with("0x1f"));
    }

    #[test]
    fn templates_ignore_quoted_text(text in "[^'\\\\]*") {
        prop_assert_eq!(with(format!("'{text}'")), with("'x'"));
    }
}

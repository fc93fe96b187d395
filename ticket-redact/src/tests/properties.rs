//! Properties that hold for all texts: redaction is idempotent, misses nothing, and takes linear time.

use proptest::prelude::*;

use ticket_core::backend::NewOccurrence;
use ticket_core::record::ErrorCause;
use ticket_core::{Fingerprint, Ingredients, Level, Record};

use super::text;
use crate::Redaction;
use crate::keys::Keys;
use crate::text::{glance, redacted as redact_seen};

/// Generates texts from pieces that the rules look for.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "password",
        "token",
        "cookie",
        "authorization",
        "session",
        "=",
        ":",
        ": ",
        " = ",
        "=>",
        "\"",
        "\\\"",
        "'",
        "`",
        "\\",
        "://",
        "@",
        "/",
        "a",
        "B",
        "7",
        "4111111111111111",
        "4111 1111 1111 1111",
        "-",
        " ",
        "\n",
        "Bearer ",
        "Basic ",
        "Digest ",
        "abcdefgh1",
        "eyJhbGciOiJIUzI1NiJ9",
        ".",
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        ",",
        ";",
        "&",
        "ä",
        "😀",
        "\0",
        "<redacted>",
        "<redacted token>",
        "-----BEGIN ",
        "PRIVATE KEY",
        "-----",
        "-----END ",
        "null",
        "Some",
        "b",
        "_",
        "***",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn redaction_is_idempotent(from in pieces()) {
        let once = text(&from);
        prop_assert_eq!(text(&once), once, "the text was {:?}", from);
    }

    #[test]
    fn redaction_of_arbitrary_text_is_idempotent(from in any::<String>()) {
        let once = text(&from);
        prop_assert_eq!(text(&once), once);
    }

    #[test]
    fn a_glance_reports_every_class_that_leads_to_a_secret(from in pieces()) {
        let keys = Keys::default();
        let redacted = |seen| redact_seen(&keys, &from, seen);
        prop_assert_eq!(redacted(glance(from.as_bytes())), redacted(u8::MAX));
    }

    #[test]
    fn one_walk_equals_redaction_followed_by_the_limits(
        texts in prop::collection::vec((pieces(), 0_usize..400), 4),
    ) {
        let [message, text, name, error] = [0, 1, 2, 3].map(|at| texts[at].0.repeat(texts[at].1 + 1));
        let mut record = Record::new(Level::Error, "shop", message).with_trait(name, text);
        record.error = vec![ErrorCause::new(None, error)];
        let none = |_: &Record| Fingerprint::new("", b"", Ingredients::default());
        let at_once = NewOccurrence::prepare(record.clone(), &Redaction::new(), none);
        Redaction::new().apply(&mut record);
        record.normalize();
        prop_assert_eq!(at_once.record(), &record);
    }

    #[test]
    fn a_secret_after_its_name_is_always_removed(before in pieces(), after in pieces()) {
        let secret = "S3cr3tS3cr3t";
        let clean = text(&format!("{before} password={secret} {after}"));
        prop_assert!(!clean.contains(secret), "{}", clean);
    }
}

#[test]
fn a_glance_sees_secrets_at_every_offset() {
    for secret in
        ["otp=1", "4222222222222", "Bearer abcdefg1", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0"]
    {
        for before in 0..40 {
            for after in [0, 1, 17, 40] {
                let whole = format!("{}{secret}{}", " ".repeat(before), " ".repeat(after));
                assert_ne!(text(&whole), whole, "{before} {after}");
            }
        }
    }
}

/// With quadratic work, this test would run for hours.
#[test]
fn long_repetitive_texts_take_linear_time() {
    for piece in [
        "a://b:c",
        "a://b:c@",
        "password=",
        "password=\"",
        "token: {",
        "session=(",
        "[\"",
        "4111 ",
        "4",
        "eyJa.",
        "Bearer ",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY",
        "cookie: a=b; ",
        "\\",
        "password=\\\"",
        ":",
        "token: [\\\"",
        "password=null ",
        "password=***",
        "token: a",
        "=",
        "J",
        "eyJ",
    ] {
        let long = piece.repeat((4 << 20) / piece.len());
        std::hint::black_box(text(&long));
    }
}

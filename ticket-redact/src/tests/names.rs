//! The names of secrets.

use ticket_core::Value;

use crate::keys::Keys;
use crate::{Redaction, redaction};

fn is_secret(name: &str) -> bool {
    redaction::is_secret(&Keys::default(), name, &Value::Int(1))
}

#[test]
fn names_of_secrets_are_recognized() {
    for name in [
        "password",
        "Password",
        "PASSWORD",
        "db.password",
        "db_passwd",
        "userPassword",
        "dbpassword",
        "password2",
        "password_2",
        "password_hash",
        "new-password",
        "passwordConfirmation",
        "pwd",
        "passphrase",
        "secret",
        "client_secret",
        "clientSecret",
        "AWS_SECRET_ACCESS_KEY",
        "token",
        "access_token",
        "accessToken",
        "APIToken",
        "csrf-token",
        "X-CSRF-Token",
        "x-amz-security-token",
        "authorization",
        "Proxy-Authorization",
        "authorization_header",
        "cookie",
        "Set-Cookie",
        "cookies",
        "api key",
        "api_key",
        "apiKey",
        "APIKEY",
        "x-api-key",
        "X-Api-Key",
        "private_key",
        "privateKey",
        "private_key_pem",
        "session",
        "session_id",
        "sessionId",
        "PHPSESSID",
        "JSESSIONID",
        "credential",
        "credentials",
        "aws.credentials",
        "card_number",
        "creditCardNumber",
        "cvv",
        "jwt",
        "oauth2token",
        "http.request.header.authorization",
        "authorization.url",
        "cookies.theme",
        "credentials.user",
        "smtp_pass",
    ] {
        assert!(is_secret(name), "{name} should be a secret");
    }
}

#[test]
fn similar_but_harmless_names_are_not_secrets() {
    for name in [
        "",
        "token_count",
        "tokenCount",
        "max_tokens",
        "tokens",
        "token_type",
        "secretary",
        "secret_name",
        "undersecret",
        "password_length",
        "passwordless",
        "password_changed_at",
        "session_count",
        "sessions",
        "obsession",
        "profession",
        "possession",
        "cookie_size",
        "cookiecutter",
        "key",
        "monkey",
        "turkey",
        "primary_key",
        "api_keys_total",
        "keyboard",
        "compass",
        "bypass",
        "pass",
        "author",
        "authorized",
        "authority",
        "credentialing",
        "card",
        "number",
        "order_number",
        "broken",
        "spoken",
        "Tokenizer",
        "session.store",
        "1",
        "_",
        "…",
        "пароль",
        "hash",
        "data",
        "value2",
    ] {
        assert!(!is_secret(name), "{name} should not be a secret");
    }
}

/// Compares lookups with and without the filter on the last letters, which an added key turns off.
#[test]
fn the_filter_on_the_last_letters_hides_no_secret() {
    let [filtered, unfiltered] = [Redaction::new(), Redaction::new().with_keys(["…"])];
    let names = "password Pwd sess session id old access auth token TOKEN secret api key hash hex cvv otp jwt ss n x 1";
    let names = || names.split(' ');
    let ends = |redaction: &Redaction, name: &str| {
        redaction.keys.as_ref().unwrap().ends_in_secret(name.as_bytes())
    };
    for first in names() {
        for second in names() {
            for third in names() {
                for (gap, end) in [("", ""), ("_", ""), (".", "12"), ("-", "_2")] {
                    let name = [first, second, third].join(gap) + end;
                    assert_eq!(ends(&filtered, &name), ends(&unfiltered, &name), "{name}");
                }
            }
        }
    }
}

#[test]
fn added_keys_are_recognized() {
    let redaction = Redaction::none().with_keys(["Account Number", "iban", "пароль", "", "-"]);
    for (from, to) in [
        ("accountNumber=17, iban: X", "accountNumber=<redacted>, iban: <redacted>"),
        ("пароль=x password=y", "пароль=<redacted> password=<redacted>"),
        ("customer_iban=x durban=y", "customer_iban=<redacted> durban=y"),
    ] {
        assert_eq!(redaction.text(from), to);
    }
    assert_eq!(Redaction::new().text("iban: X"), "iban: X");
}

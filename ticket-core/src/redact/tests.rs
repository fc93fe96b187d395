//! Each rule both ways: what it takes out, and what looks like it and stays.

use proptest::prelude::*;

use super::*;
use crate::{Breadcrumb, ErrorCause, Frame, HandlerOptions, Level, Request, Span, Timestamp};

fn text(text: &str) -> String {
    Redaction::new().text(text).into_owned()
}

#[track_caller]
fn becomes(from: &str, to: &str) {
    assert_eq!(text(from), to, "of {from:?}");
    assert_eq!(text(to), to, "once more");
}

#[track_caller]
fn stays(text: &str) {
    let redacted = Redaction::new().text(text).into_owned();
    assert_eq!(redacted, text);
    assert!(matches!(Redaction::new().text(text), Cow::Borrowed(_)), "{text:?} was copied");
}

fn is_secret(name: &str) -> bool {
    Keys::default().is_secret(name)
}

#[test]
fn names_of_secrets() {
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
        "cookies.theme",
        "credentials.user",
        "smtp_pass",
    ] {
        assert!(is_secret(name), "{name}");
    }
}

#[test]
fn names_that_look_like_those_of_secrets() {
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
        "authorization.url",
        "session.store",
        "1",
        "_",
        "…",
        "пароль",
        "hash",
        "data",
        "value2",
    ] {
        let expected = name == "authorization.url";
        assert_eq!(is_secret(name), expected, "{name}");
    }
}

#[test]
fn own_names() {
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

#[test]
fn names_and_values_in_text() {
    for (from, to) in [
        ("login with password=hunter2 failed", "login with password=<redacted> failed"),
        ("password = hunter2", "password = <redacted>"),
        ("password:hunter2", "password:<redacted>"),
        ("user=ann&password=a%20b&page=2", "user=ann&password=<redacted>&page=2"),
        ("/reset?token=4f2a#x", "/reset?token=<redacted>"),
        ("Password: hunter2", "Password: <redacted>"),
        ("Password: hunter", "Password: <redacted>"),
        ("api key: abc, next", "api key: <redacted>, next"),
        ("(secret=a)", "(secret=<redacted>)"),
        ("password=a)b,c!d", "password=<redacted>"),
        ("password=\"two words\" x", "password=\"<redacted>\" x"),
        ("password='it\\'s' x", "password='<redacted>' x"),
        ("password=\"open end", "password=\"<redacted>"),
        (r#"{"password":"a\"b","n":1}"#, r#"{"password":"<redacted>","n":1}"#),
        (r#"{"password": "a\\", "n": 1}"#, r#"{"password": "<redacted>", "n": 1}"#),
        (r#"{"otp":123456,"n":1}"#, r#"{"otp":<redacted>,"n":1}"#),
        (r#""{\"password\":\"a\\\"b\",\"n\":1}""#, r#""{\"password\":\"<redacted>\",\"n\":1}""#),
        (r#"{"secrets":["a","]b"],"n":1}"#, r#"{"secrets":<redacted>,"n":1}"#),
        (r#"{"credentials":{"a":{"b":"}"}},"n":1}"#, r#"{"credentials":<redacted>,"n":1}"#),
        (
            r#"Login { user: "ann", password: "x y" }"#,
            r#"Login { user: "ann", password: "<redacted>" }"#,
        ),
        (r#"Login { password: Some("x y"), n: 1 }"#, r#"Login { password: <redacted>, n: 1 }"#),
        (r#"A { session: Session { id: "x" }, n: 1 }"#, r#"A { session: <redacted>, n: 1 }"#),
        (r#"A { secret: [1, 2, 3], n: 1 }"#, r#"A { secret: <redacted>, n: 1 }"#),
        (r#"A { secret: b"x y" }"#, r#"A { secret: b"<redacted>" }"#),
        (r#"{"password"=>"x", :n=>1}"#, r#"{"password"=>"<redacted>", :n=>1}"#),
        ("headers[\"x-api-key\"]: K1", "headers[\"x-api-key\"]: <redacted>"),
        ("user[password]=x&user[name]=y", "user[password]=<redacted>&user[name]=y"),
        ("password := x1", "password := <redacted>"),
        ("{'password': 'x', 'n': 1}", "{'password': '<redacted>', 'n': 1}"),
        ("пользователь password=тайна конец", "пользователь password=<redacted> конец"),
        ("Server=db;Password=x;Database=y", "Server=db;Password=<redacted>;Database=y"),
        ("token: aB3", "token: <redacted>"),
    ] {
        becomes(from, to);
    }
}

#[test]
fn what_is_no_value_of_a_secret() {
    for text in [
        "token_count=5",
        "max_tokens: 4096",
        "secretary=ann",
        "password",
        "the password is wrong",
        "password=",
        "password: ",
        "password:\nnext",
        "password=\"\"",
        "password: null, token: None",
        "\"token\":null,\"password\":\"\"",
        "password: required",
        "Invalid token: expired.",
        "unexpected token: `}`",
        "session: closed by peer",
        "session::store: no answer",
        "token != x",
        "password=***",
        "credentials: {}",
        "a=1 b: 2, c=\"d\"",
        "12:30:15 src/token.rs:17:5 std::session::x",
        "key=value",
    ] {
        stays(text);
    }
}

#[test]
fn headers() {
    for (from, to) in [
        ("Authorization: Bearer abc.def", "Authorization: <redacted>"),
        ("authorization: Basic dXNlcjpwYXNz failed", "authorization: <redacted> failed"),
        (
            "Authorization: Digest username=\"a\", response=\"b\"\nX: y",
            "Authorization: <redacted>\nX: y",
        ),
        ("{\"authorization\": \"Bearer abc\"}", "{\"authorization\": \"<redacted>\"}"),
        ("Cookie: a=1; b=2; c=3\nHost: x", "Cookie: <redacted>\nHost: x"),
        ("set-cookie: sid=1; Path=/; HttpOnly", "set-cookie: <redacted>; HttpOnly"),
        ("X-Api-Key: k1\r\nHost: x", "X-Api-Key: <redacted>\r\nHost: x"),
        ("sent Bearer abc123def456", "sent Bearer <redacted>"),
        ("sent bearer aaaa.bbbb.cccc.", "sent bearer <redacted>"),
        ("sent BASIC dXNlcjpwYXNz", "sent BASIC <redacted>"),
    ] {
        becomes(from, to);
    }
    for text in [
        "bearer authentication failed",
        "Basic Authentication",
        "the bearer token is gone",
        "basic arithmetic",
        "forbearer abc123def456",
        "Bearer abc",
        "cookie: missing",
    ] {
        stays(text);
    }
}

#[test]
fn credentials_in_urls() {
    for (from, to) in [
        ("postgres://ann:hunter2@db:5432/shop", "postgres://ann:<redacted>@db:5432/shop"),
        ("redis://:hunter2@cache", "redis://:<redacted>@cache"),
        ("amqp://a:p@ss@mq/x y", "amqp://a:<redacted>@mq/x y"),
        ("postgres://a:p/w?x#y@db/shop", "postgres://a:<redacted>@db/shop"),
        ("<https://a:b@c>, d", "<https://a:<redacted>@c>, d"),
        ("https://ghp_0123456789abcdefghij@github.com/x", "https://<redacted>@github.com/x"),
        ("a://b:c@d e://f:g@h", "a://b:<redacted>@d e://f:<redacted>@h"),
        ("https://host/x?token=abc&y=1", "https://host/x?token=<redacted>&y=1"),
        ("url=\"mongodb://a:b@c,d/e\"", "url=\"mongodb://a:<redacted>@c,d/e\""),
    ] {
        becomes(from, to);
    }
    for text in [
        "https://host/path@x",
        "https://host:8080/path@x",
        "https://host/?email=a@b",
        "ssh://git@github.com/x",
        "postgres://ann@db",
        "postgres://ann:@db",
        "http://token:8080/x",
        "http://[::1]:8080/",
        "see a://b:c and mail d@e",
        "://",
    ] {
        stays(text);
    }
}

#[test]
fn tokens_and_keys() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    becomes(&format!("got {token}."), "got <redacted token>.");
    becomes(token.rsplit_once('.').unwrap().0, TOKEN);
    for text in ["eyJhbGciOiJIUzI1NiJ9", "eyJ.x", "MyeyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0", "Joker"]
    {
        stays(text);
    }
    let key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
    becomes(&format!("with {key}, no"), "with <redacted private key>, no");
    becomes("-----BEGIN PRIVATE KEY-----\nMIIE", "<redacted private key>");
    stays("-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----");
    stays("BEGIN PRIVATE KEY-----");
}

#[test]
fn card_numbers() {
    for number in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "4111-1111-1111-1111",
        "378282246310005",
        "3782 822463 10005",
        "30569309025904",
        "4222222222222",
        "6304000000000000000",
        "5555555555554444",
    ] {
        becomes(&format!("card {number}, 12/27"), "card <redacted card number>, 12/27");
        becomes(number, CARD);
    }
    for text in [
        "order 4111111111111112",
        "order 4111 1111 1111 1112",
        "41111111111111110000",
        "x4111111111111111",
        "4111111111111111x",
        "a-4111-1111-1111-1111",
        "4111 1111-1111 1111",
        "at 1795258040123000",
        "0.4111111111111111",
        "411111111111",
        "00000000-0000-7000-8000-000000000000",
        "4111111111111111-4",
    ] {
        stays(text);
    }
}

#[test]
fn all_texts_of_a_record_and_nothing_else() {
    let mut record = Record::new(Level::Error, "shop::token", "password=1")
        .with_trait("password", "x")
        .with_trait("pin.otp", 1234)
        .with_trait("empty.token", "")
        .with_trait("has_session", true)
        .with_trait("token", true)
        .with_trait("url", "http://a:b@c")
        .with_trait("order", 4111_1111_1111_1111_i64)
        .with_fingerprint("password=2");
    record.error = vec![ErrorCause::new(Some("E".into()), "password=3")];
    let mut frame = Frame::new("f<password=4>");
    frame.file = Some("https://a:b@c/app.js".into());
    record.backtrace = vec![frame];
    record.request = Some(Request {
        path: Some("/?token=5".into()),
        route: Some("/token={id}".into()),
        user: Some("password=6".into()),
        ..Request::default()
    });
    let mut crumb = Breadcrumb::new(Timestamp::now(), Level::Info, "c", "password=7");
    crumb.traits.insert("cookie".into(), "8".into());
    record.breadcrumbs = vec![crumb];
    let mut span = Span::new("session=9");
    span.traits.insert("api_key".into(), "10".into());
    record.spans = vec![span];
    record.thread = Some("session=11".into());

    let before = record.clone();
    Redaction::none().apply(&mut record);
    assert_eq!(record, before);
    Redaction::new().apply(&mut record);
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["message"], "password=<redacted>");
    assert_eq!(json["fingerprint"], "password=<redacted>");
    assert_eq!(json["error"][0]["message"], "password=<redacted>");
    assert_eq!(json["backtrace"][0]["function"], "f<password=<redacted>>");
    assert_eq!(json["backtrace"][0]["file"], "https://a:<redacted>@c/app.js");
    assert_eq!(json["request"]["path"], "/?token=<redacted>");
    assert_eq!(json["request"]["user"], "password=<redacted>");
    assert_eq!(json["breadcrumbs"][0]["message"], "password=<redacted>");
    assert_eq!(record.breadcrumbs[0].traits["cookie"], Value::from(MARK));
    assert_eq!(record.spans[0].traits["api_key"], Value::from(MARK));
    assert_eq!(record.traits["password"], Value::from(MARK));
    assert_eq!(record.traits["pin.otp"], Value::from(MARK));
    assert_eq!(record.traits["url"], Value::from("http://a:<redacted>@c"));
    for name in ["empty.token", "has_session", "token", "order"] {
        assert_eq!(record.traits[name], before.traits[name], "{name}");
    }
    assert_eq!((&record.channel, &record.thread), (&before.channel, &before.thread));
    assert_eq!(record.spans[0].name, before.spans[0].name);

    let once = record.clone();
    Redaction::new().apply(&mut record);
    assert_eq!(record, once);
}

#[test]
fn it_stands_between_the_processor_and_the_fingerprint() {
    let with_secret = |options: HandlerOptions, secret: &str| {
        let record = Record::new(Level::Error, "a", format!("login with token={secret}"));
        options.prepare(record).unwrap()
    };
    let [one, two] = ["abc", "xyz"].map(|secret| with_secret(HandlerOptions::new("app"), secret));
    assert_eq!(one.ticket_id(), two.ticket_id());
    assert!(one.ingredients().iter().all(|(_, value)| !value.contains("abc")));

    let processor = |mut record: Record| {
        assert!(record.message.ends_with("abc"), "a processor sees the record as it was made");
        record.message = format!("{} secret=added", record.message).into();
        Some(record)
    };
    let processed = with_secret(HandlerOptions::new("app").with_processor(processor), "abc");
    assert_eq!(processed.record().message, "login with token=<redacted> secret=<redacted>");

    let off = HandlerOptions::new("app").with_redaction(Redaction::none());
    assert_eq!(with_secret(off, "abc").record().message, "login with token=abc");

    // Long before it is cut, so that a cut does not hide what it is.
    let long = format!("{} password={}", "x".repeat(8_150), "y".repeat(1_000));
    let long = HandlerOptions::new("app").prepare(Record::new(Level::Error, "a", long)).unwrap();
    assert!(long.record().message.ends_with("password=<redacted>"));
}

/// Texts of the pieces that the rules look for.
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
    fn applied_again_it_changes_nothing(from in pieces()) {
        let once = text(&from);
        prop_assert_eq!(text(&once), once, "of {:?}", from);
    }

    #[test]
    fn no_text_is_too_strange(from in any::<String>()) {
        let once = text(&from);
        prop_assert_eq!(text(&once), once);
    }

    #[test]
    fn a_secret_behind_its_name_never_stays(before in pieces(), after in pieces()) {
        let secret = "S3cr3tS3cr3t";
        let clean = text(&format!("{before} password={secret} {after}"));
        prop_assert!(!clean.contains(secret), "{}", clean);
    }
}

#[test]
fn at_a_glance_nothing_is_overlooked() {
    for secret in
        ["otp=1", "4222222222222", "Bearer abcdefg1", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0"]
    {
        for before in 0..40 {
            for after in [0, 1, 17, 40] {
                let text = format!("{}{secret}{}", " ".repeat(before), " ".repeat(after));
                assert_ne!(super::tests::text(&text), text, "{before} {after}");
            }
        }
    }
}

/// With work that is quadratic in the length, this would not end today.
#[test]
fn long_texts_of_one_piece() {
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

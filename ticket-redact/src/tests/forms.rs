//! Secrets in texts, grouped by their form.

use super::{becomes, stays, text};
use crate::marks::{CARD, PRIVATE_KEY, TOKEN};

#[test]
fn a_value_after_the_name_of_a_secret_is_redacted() {
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
fn text_that_is_not_the_value_of_a_secret_is_kept() {
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
fn credentials_in_headers_are_redacted() {
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
fn credentials_in_urls_are_redacted() {
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

/// Replacing one secret exposes another one next to it.
#[test]
fn a_secret_exposed_by_a_replacement_is_redacted() {
    let token = "eyJhbGciOiJIUzI1NiJ9.a";
    becomes(&format!("4111111111111111-{token}"), &format!("{CARD}-{TOKEN}"));
    becomes("a://b:c://password={d e}@f", "a://b:<redacted>@f");
    becomes(
        "a://ghp_0123456789abcdefghij@://4111111111111111",
        "a://<redacted>@://<redacted card number>",
    );
}

#[test]
fn web_tokens_and_private_keys_are_redacted() {
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
    // A replacement between the dashes once shortened the text to a valid label.
    let [token, end] = ["eyJhbGciOiJIUzI1NiJ9", "-----BEGIN passwordPRIVATE KEY-----BEGIN "];
    let once = text(&format!("-----BEGIN {token}=Bearer {token}{end}"));
    assert_eq!(text(&once), once);
}

#[test]
fn card_numbers_are_redacted() {
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
fn private_keys_that_share_their_dashes_are_both_replaced() {
    let shared = "-----BEGIN PRIVATE KEY-----a-----END -----BEGIN PRIVATE KEY-----b";
    becomes(shared, &PRIVATE_KEY.repeat(2));
}

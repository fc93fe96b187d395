//! Checks what is said about a URI.

use ticket_redb::RedbBackend;

#[test]
fn an_error_about_a_uri_says_what_to_write() {
    assert!(RedbBackend::from_uri("redb:a%20b.redb?timeout=250ms&autocreate=false").is_ok());
    for (uri, says) in [
        ("sqlite:a", "write redb:FILE"),
        ("redb:", "write redb:FILE"),
        ("redb:a?speed=1", "an unknown option"),
        ("redb:a?autocreate=no", "write autocreate=true"),
    ] {
        let error = RedbBackend::from_uri(uri).unwrap_err().to_string();
        assert!(error.starts_with("redb: ") && error.contains(says), "{error}");
    }
}

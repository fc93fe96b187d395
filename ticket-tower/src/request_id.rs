//! The id of a request: taken from a header, or made.

use http::{HeaderMap, HeaderName, HeaderValue};
use ticket_core::{OccurrenceId, SmolStr, Timestamp};

/// The length of the longest id that is taken from a header.
const LONGEST: usize = 128;

/// The id of a request, as text and as the value of the response's header.
#[derive(Clone, Debug)]
pub(crate) struct RequestId {
    pub(crate) text: SmolStr,
    pub(crate) value: HeaderValue,
}

impl RequestId {
    /// Takes the id from a header if there is exactly one and its value is valid, or makes a new one for this time.
    pub(crate) fn new(headers: &HeaderMap, name: &HeaderName, time: Timestamp) -> Self {
        let mut values = headers.get_all(name).iter();
        let taken = match (values.next(), values.next()) {
            (Some(value), None) => valid(value).map(|text| (text, value.clone())),
            _ => None,
        };
        let (text, value) = taken.unwrap_or_else(|| made(time));
        Self { text, value }
    }
}

/// Returns the text of an id, if it is one.
///
/// An id ends up in terminals, log lines and pages, so only characters that are harmless in all of them are allowed:
/// no spaces, quotes, angle brackets or control characters.
fn valid(value: &HeaderValue) -> Option<SmolStr> {
    let is_harmless = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@~".contains(byte);
    let bytes = value.as_bytes();
    let is_valid = (1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(is_harmless);
    is_valid.then(|| value.to_str().ok().map(SmolStr::new)).flatten()
}

/// Makes a new id: a UUID that begins with the time.
fn made(time: Timestamp) -> (SmolStr, HeaderValue) {
    let id = OccurrenceId::random(time);
    let mut buffer = [0; 36];
    let text = id.as_uuid().hyphenated().encode_lower(&mut buffer);
    // A UUID is a valid header value; the fallback is never taken.
    let value = HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("-"));
    (SmolStr::new(text), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: HeaderName = HeaderName::from_static("x-request-id");

    fn id_of(values: &[&[u8]]) -> SmolStr {
        let values = values.iter().map(|value| HeaderValue::from_bytes(value).unwrap());
        let headers = values.map(|value| (NAME, value)).collect();
        RequestId::new(&headers, &NAME, Timestamp::now()).text
    }

    #[test]
    fn a_valid_id_is_taken() {
        let longest = [b'a'; LONGEST];
        for id in [&b"r-4711"[..], b"a.b:c/d+e=f@g~h_i", &longest] {
            assert_eq!(id_of(&[id]).as_bytes(), id);
        }
    }

    #[test]
    fn f44_an_invalid_id_is_replaced() {
        let too_long = [b'a'; LONGEST + 1];
        let hostile =
            [&b""[..], b"a b", b"a\tb", b"\"", b"<script>", b"\xff", b"caf\xc3\xa9", &too_long];
        for id in hostile {
            let made = id_of(&[id]);
            assert_ne!(made.as_bytes(), id);
            assert_eq!(made.len(), 36, "{made} is not a UUID");
        }
    }

    #[test]
    fn f44_two_ids_are_replaced_by_one() {
        assert_eq!(id_of(&[b"r-1", b"r-2"]).len(), 36);
        assert_ne!(id_of(&[]), id_of(&[]));
    }
}

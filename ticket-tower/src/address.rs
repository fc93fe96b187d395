//! The address of the client, behind proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName, header};
use ipnet::IpNet;
use smol_str::{SmolStr, format_smolstr};

/// The header in which proxies say for whom they forward a request; for
/// [`TicketHttpLayer::with_trusted_proxies`](crate::TicketHttpLayer::with_trusted_proxies).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// `Forwarded`, as [RFC 7239](https://www.rfc-editor.org/rfc/rfc7239) defines it.
    Forwarded,
    /// `X-Forwarded-For`, which most proxies write.
    XForwardedFor,
}

impl ProxyHeader {
    const fn name(self) -> HeaderName {
        match self {
            Self::Forwarded => header::FORWARDED,
            Self::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        }
    }

    /// Splits the last element off a header's value.
    fn split_last(self, text: &[u8]) -> (&[u8], Option<&[u8]>) {
        match self {
            Self::Forwarded => split_last(text, b','),
            Self::XForwardedFor => match text.iter().rposition(|byte| *byte == b',') {
                Some(comma) => (&text[comma + 1..], Some(&text[..comma])),
                None => (text, None),
            },
        }
    }

    /// Returns the address in an element.
    fn address(self, element: &[u8]) -> Option<IpAddr> {
        match self {
            Self::Forwarded => forwarded_for(element),
            Self::XForwardedFor => parse(std::str::from_utf8(element).ok()?.trim()),
        }
    }
}

/// The proxies that are trusted.
#[derive(Clone, Debug)]
pub(crate) struct Proxies {
    header: ProxyHeader,
    networks: Vec<IpNet>,
}

impl Proxies {
    pub(crate) const fn new(header: ProxyHeader, networks: Vec<IpNet>) -> Self {
        Self { header, networks }
    }

    /// Returns the address of the client, given the peer's.
    ///
    /// Each proxy appends the address from which it got the request, so the header is read from the right:
    ///
    /// ```text
    /// X-Forwarded-For: 6.6.6.6, 203.0.113.7, 10.0.0.2        peer: 10.0.0.1
    ///                  ^ forged ^ the client  ^ a proxy of ours    ^ a proxy of ours
    /// ```
    ///
    /// The first address that is not a trusted proxy's is the client. What stands to the left of it was written by the
    /// client. The last address that is known counts if the next element is not an address.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer;
        for line in headers.get_all(self.header.name()).iter().rev() {
            let mut rest = Some(line.as_bytes());
            while let Some(text) = rest {
                if !self.trusts(client) {
                    return client;
                }
                let (element, before) = self.header.split_last(text);
                rest = before;
                if element.trim_ascii().is_empty() {
                    continue;
                }
                match self.header.address(element) {
                    Some(address) => client = address,
                    None => return client,
                }
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// Returns the address of the `for` parameter of an element of `Forwarded`. An element with several is invalid.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let (mut found, mut rest) = (None, Some(element));
    while let Some(text) = rest {
        let (pair, before) = split_last(text, b';');
        rest = before;
        let Some(equals) = pair.iter().position(|byte| *byte == b'=') else { continue };
        let (name, value) = (&pair[..equals], &pair[equals + 1..]);
        if name.trim_ascii().eq_ignore_ascii_case(b"for") && found.replace(value).is_some() {
            return None;
        }
    }
    parse(&unquote(std::str::from_utf8(found?).ok()?.trim())?)
}

/// Splits a text at the last separator that is not in a quoted string.
///
/// It reads from the right, because the text to the left may be the client's: a quote that the client has opened and not
/// closed must not swallow what a proxy has appended.
fn split_last(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut is_quoted = false;
    for (index, byte) in text.iter().enumerate().rev() {
        if *byte == b'"' {
            let backslashes = text[..index].iter().rev().take_while(|byte| **byte == b'\\').count();
            is_quoted ^= backslashes % 2 == 0;
        } else if *byte == separator && !is_quoted {
            return (&text[index + 1..], Some(&text[..index]));
        }
    }
    (text, None)
}

/// Returns the content of a quoted string, or a text without quotes as it is.
fn unquote(text: &str) -> Option<String> {
    let Some(quoted) = text.strip_prefix('"') else { return Some(text.to_owned()) };
    let (mut content, mut is_escaped) = (String::new(), false);
    for char in quoted.strip_suffix('"')?.chars() {
        if char == '\\' && !is_escaped {
            is_escaped = true;
        } else {
            content.push(char);
            is_escaped = false;
        }
    }
    Some(content)
}

/// Parses an address with or without a port, an IPv6 address also in brackets.
fn parse(text: &str) -> Option<IpAddr> {
    let bare = || text.parse().ok();
    let with_port = || text.parse().ok().map(|address: SocketAddr| address.ip());
    let in_brackets = || {
        let address = text.strip_prefix('[')?.strip_suffix(']')?;
        address.parse().ok().map(|address: Ipv6Addr| address.into())
    };
    let address: IpAddr = bare().or_else(with_port).or_else(in_brackets)?;
    Some(address.to_canonical())
}

/// Returns the text of an address.
///
/// The text of an IPv4 address is put together here: its `Display` takes a tenth of the instructions that the layer
/// spends on a whole request.
pub(crate) fn text(address: IpAddr) -> SmolStr {
    let IpAddr::V4(address) = address else { return format_smolstr!("{address}") };
    let (mut text, mut length) = ([0; 15], 0);
    let mut push = |byte| {
        text[length] = byte;
        length += 1;
    };
    for (index, octet) in address.octets().into_iter().enumerate() {
        if index > 0 {
            push(b'.');
        }
        if octet >= 100 {
            push(b'0' + octet / 100);
        }
        if octet >= 10 {
            push(b'0' + octet / 10 % 10);
        }
        push(b'0' + octet % 10);
    }
    SmolStr::new(std::str::from_utf8(&text[..length]).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use ProxyHeader::{Forwarded, XForwardedFor};

    fn client(header: ProxyHeader, peer: &str, lines: &[&[u8]]) -> String {
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let lines =
            lines.iter().map(|line| (header.name(), HeaderValue::from_bytes(line).unwrap()));
        let headers: HeaderMap = lines.collect();
        let proxies = Proxies::new(header, networks.to_vec());
        proxies.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn f44_an_untrusted_peer_is_the_client_whatever_it_claims() {
        assert_eq!(client(XForwardedFor, "203.0.113.7", &[b"10.0.0.1, 6.6.6.6"]), "203.0.113.7");
        assert_eq!(client(Forwarded, "203.0.113.7", &[b"for=6.6.6.6"]), "203.0.113.7");
        assert_eq!(client(XForwardedFor, "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_first_untrusted_address_from_the_right_is_the_client() {
        let line = &b"6.6.6.6, 203.0.113.7, 10.0.0.2"[..];
        assert_eq!(client(XForwardedFor, "10.0.0.1", &[line]), "203.0.113.7");
        assert_eq!(
            client(XForwardedFor, "10.0.0.1", &[b"6.6.6.6", b"203.0.113.7", b"10.0.0.2"]),
            "203.0.113.7"
        );
        let line =
            &b"for=6.6.6.6, for=203.0.113.7;proto=https, by=10.0.0.1;For=\"10.0.0.2:80\""[..];
        assert_eq!(client(Forwarded, "10.0.0.1", &[line]), "203.0.113.7");
    }

    #[test]
    fn if_all_addresses_are_trusted_the_leftmost_is_the_client() {
        assert_eq!(client(XForwardedFor, "10.0.0.1", &[b"10.0.0.3,, 10.0.0.2,"]), "10.0.0.3");
    }

    #[test]
    fn reading_stops_at_what_is_not_an_address() {
        let lines = [
            &b"203.0.113.7, unknown, 10.0.0.2"[..],
            b"203.0.113.7, \xff, 10.0.0.2",
            b"1.1.1.1, 999.1.1.1, 10.0.0.2",
        ];
        for line in lines {
            assert_eq!(client(XForwardedFor, "10.0.0.1", &[line]), "10.0.0.2");
        }
        for line in [
            "for=1.1.1.1, for=_hidden, for=10.0.0.2",
            "for=1.1.1.1, proto=https, for=10.0.0.2",
            "for=1.1.1.1, for=2.2.2.2;for=3.3.3.3, for=10.0.0.2",
            "for=1.1.1.1, for=\"2.2.2.2, for=10.0.0.2",
        ] {
            assert_eq!(client(Forwarded, "10.0.0.1", &[line.as_bytes()]), "10.0.0.2", "{line}");
        }
    }

    #[test]
    fn f44_a_quote_that_the_client_opened_swallows_nothing() {
        for forged in
            ["for=\"6.6.6.6", "for=\"", "for=\"\\", "\"", ";;=\"\\\\", "for=6.6.6.6;by=\"x"]
        {
            let line = format!("{forged}, for=203.0.113.7;by=\"[fd00::1]:80\", for=\"10.0.0.2\"");
            assert_eq!(client(Forwarded, "10.0.0.1", &[line.as_bytes()]), "203.0.113.7", "{line}");
        }
    }

    #[test]
    fn separators_in_quoted_strings_separate_nothing() {
        for quoted in [r#""a,b""#, r#""a;for=6.6.6.6""#, r#""a\",b\\""#, r#""\\\",for=6.6.6.6""#] {
            let line = format!("for=203.0.113.7;host={quoted}, host={quoted};for=10.0.0.2");
            assert_eq!(client(Forwarded, "10.0.0.1", &[line.as_bytes()]), "203.0.113.7", "{line}");
        }
    }

    #[test]
    fn addresses_are_read_in_all_their_forms() {
        let forms = [
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
        ];
        for (form, address) in forms {
            assert_eq!(client(XForwardedFor, "10.0.0.1", &[form.as_bytes()]), address);
            let line = format!("for=\"{form}\"");
            assert_eq!(client(Forwarded, "fd00::1", &[line.as_bytes()]), address);
        }
        assert_eq!(client(Forwarded, "10.0.0.1", &[br#"for="203.\0.113.7""#]), "203.0.113.7");
    }
    #[test]
    fn an_address_is_written_as_its_display_does() {
        let addresses = (0..=255).map(|octet| IpAddr::from([octet, 255 - octet, octet / 3, 10]));
        let others = ["::1", "2001:db8::17", "255.255.255.255", "0.0.0.0"];
        for address in addresses.chain(others.map(|address| address.parse().unwrap())) {
            assert_eq!(text(address), address.to_string());
        }
    }
}

//! Public addresses: where a webhook may connect without explicit permission.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// A resolver that returns only public addresses.
///
/// The connection goes to exactly what it returns, so a second lookup with another answer (DNS
/// rebinding) cannot get around the check.
#[derive(Debug)]
pub(crate) struct PublicOnly<R>(pub(crate) R);

impl PublicOnly<DefaultResolver> {
    pub(crate) fn new() -> Self {
        Self(DefaultResolver::default())
    }
}

impl<R: Resolver> Resolver for PublicOnly<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let mut public = self.empty();
        for address in self.0.resolve(uri, config, timeout)?.iter() {
            if is_public(address.ip()) {
                public.push(*address);
            }
        }
        if public.is_empty() {
            let error = io::Error::new(io::ErrorKind::PermissionDenied, NOT_PUBLIC);
            return Err(ureq::Error::Io(error));
        }
        Ok(public)
    }
}

pub(crate) const NOT_PUBLIC: &str = "its address is not public but on this machine or a private \
    network; to allow that, call with_private_addresses(true)";

/// Returns `true` for an address of the public internet: not loopback, private, link-local, multicast or
/// reserved.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // "This" network, loopback, multicast and reserved.
        0 | 127 | 224.. => true,
        // Carrier-grade NAT (RFC 6598).
        100 => (64..128).contains(&b),
        192 => (b, c) == (0, 0) || (b, c) == (88, 99),
        // Benchmarking (RFC 2544).
        198 => b == 18 || b == 19,
        _ => false,
    };
    !(is_special || address.is_private() || address.is_link_local() || address.is_documentation())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let of_v4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // An embedded IPv4 address: mapped, compatible, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(high, low)
        }
        [0x2002, high, low, ..] => of_v4(high, low),
        // Teredo, which hides an IPv4 address, and documentation.
        [0x2001, 0 | 0xdb8, ..] => false,
        // All global unicast space assigned so far begins with the bits 001.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public_in_any_notation() {
        let special = [
            "0.0.0.0",
            "127.0.0.1",
            "127.8.8.8",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::10.0.0.1",
            "64:ff9b::a00:1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "2001:0:1::1",
            "2001:db8::1",
            "fe80::1",
            "fc00::1",
            "fd12:3456::1",
            "fec0::1",
            "ff02::1",
            "100::1",
        ];
        for address in special {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
            "2002:808:808::1",
        ];
        for address in public {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    /// Resolves every name to these addresses.
    #[derive(Debug)]
    struct Answers(&'static [&'static str]);

    impl Resolver for Answers {
        fn resolve(
            &self,
            _: &Uri,
            _: &Config,
            _: NextTimeout,
        ) -> Result<ResolvedSocketAddrs, ureq::Error> {
            let mut addresses = self.empty();
            for address in self.0 {
                addresses.push(address.parse().unwrap());
            }
            Ok(addresses)
        }
    }

    #[test]
    fn a_name_that_resolves_to_this_machine_is_refused_and_only_checked_addresses_are_used() {
        let resolve = |answers| {
            let uri = Uri::from_static("https://hooks.example.com/secret");
            let config = ureq::Agent::config_builder().build();
            let timeout = NextTimeout {
                after: ureq::unversioned::transport::time::Duration::NotHappening,
                reason: ureq::Timeout::Resolve,
                ..NextTimeout::default()
            };
            PublicOnly(Answers(answers)).resolve(&uri, &config, timeout)
        };
        let mixed = resolve(&["127.0.0.1:443", "8.8.8.8:443", "10.0.0.1:443"]).unwrap();
        assert_eq!(mixed.iter().map(ToString::to_string).collect::<Vec<_>>(), ["8.8.8.8:443"]);
        let error = resolve(&["127.0.0.1:443", "[::1]:443"]).unwrap_err();
        assert!(error.to_string().contains("with_private_addresses(true)"));
        assert!(!error.to_string().contains("secret"));
    }
}

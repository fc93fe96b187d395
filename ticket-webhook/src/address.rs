//! Which addresses are public: where a webhook may lead without being asked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Resolves a name and lets only public addresses through. What it answers is what is connected to:
/// no second look-up could give another address.
#[derive(Debug)]
pub(super) struct PublicOnly<R>(pub(super) R);

impl PublicOnly<DefaultResolver> {
    pub(super) fn new() -> Self {
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

pub(super) const NOT_PUBLIC: &str = "its address is not public, but of this machine or a private \
    network; if that is meant, allow it by with_private_addresses(true)";

/// Whether an address is one of the public internet: none of this machine, of a private or local
/// network, of a group, or reserved.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_special = match a {
        // This network, this host, groups and reserved.
        0 | 127 | 224.. => true,
        // Carriers' networks.
        100 => (64..128).contains(&b),
        192 => (b, c) == (0, 0) || (b, c) == (88, 99),
        // Measuring networks.
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
        // An address of version 4 in another dress: mapped, compatible, translated, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(high, low)
        }
        [0x2002, high, low, ..] => of_v4(high, low),
        // Tunnels that hide one, and documentation.
        [0x2001, 0 | 0xdb8, ..] => false,
        // All that is given out so far begins with the bits 001.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public_in_whatever_dress() {
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

    /// Answers with these, whatever the name.
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
    fn a_name_that_leads_to_this_machine_is_refused_and_the_checked_address_is_handed_on() {
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

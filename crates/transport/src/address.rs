//! May an address be connected to when somebody else chose the name? Only addresses of the public
//! internet, and networks that the declaration allows (RFC 6890, and the ways in which IPv6 can
//! carry an IPv4 address).
//!
//! Addresses at which clouds tell a machine its own secrets are in no class: nothing that a name
//! leads to may reach them, whatever is declared.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Which addresses a name may lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressClass {
    /// Any address of one machine.
    Any,
    /// Those of these networks.
    Networks(Vec<IpNet>),
    /// Those that are used within an organisation or machine (RFC 1918, 6598, 4193, loopback).
    Private,
    /// Those of the public internet.
    Public,
}

impl AddressClass {
    /// Whether the address is of this class.
    #[must_use]
    pub fn allows(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if is_metadata(address) || address.is_unspecified() || address.is_multicast() {
            return false;
        }
        match self {
            Self::Any => address != IpAddr::V4(Ipv4Addr::BROADCAST),
            Self::Networks(networks) => networks.iter().any(|network| network.contains(&address)),
            Self::Private => is_private(address),
            Self::Public => is_public(address),
        }
    }
}

/// Whether clouds tell machines about themselves at this address: link-local ones, and those that
/// Azure, Oracle, Alibaba, AWS and Google use besides.
#[must_use]
pub const fn is_metadata(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_metadata_v4(address),
        IpAddr::V6(address) => match carried(address) {
            Some(carried) => is_metadata_v4(carried),
            None => {
                let [a, b, ..] = address.segments();
                a & 0xffc0 == 0xfe80 || (a == 0xfd00 && b == 0xec2) || (a == 0xfd20 && b == 0xce)
            }
        },
    }
}

const fn is_metadata_v4(address: Ipv4Addr) -> bool {
    matches!(
        address.octets(),
        [169, 254, ..] | [168, 63, 129, 16] | [192, 0, 0, 192] | [100, 100, 100, 200]
    )
}

const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [a, b, ..] = address.octets();
            address.is_loopback() || address.is_private() || (a == 100 && b & 0xc0 == 64)
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
    }
}

/// The IPv4 address that an IPv6 address carries (RFC 4291 section 2.5.5, 6052, 3056).
const fn carried(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let ([w, x], [y, z]) = match (a, b, c, d, e, f) {
        (0, 0, 0, 0, 0, 0 | 0xffff) | (0x64, 0xff9b, 0, 0, 0, 0) => {
            (g.to_be_bytes(), h.to_be_bytes())
        }
        (0x2002, ..) => (b.to_be_bytes(), c.to_be_bytes()),
        _ => return None,
    };
    Some(Ipv4Addr::new(w, x, y, z))
}

/// Whether the address is one of the public internet.
#[must_use]
pub const fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

const fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(a == 0
        || a == 10
        || a == 127
        || (a == 100 && b & 0xc0 == 64)
        || (a == 169 && b == 254)
        || (a == 172 && b & 0xf0 == 16)
        || (a == 192 && b == 0 && (c == 0 || c == 2))
        || (a == 192 && b == 88 && c == 99)
        || (a == 192 && b == 168)
        || (a == 198 && b & 0xfe == 18)
        || (a == 198 && b == 51 && c == 100)
        || (a == 203 && b == 0 && c == 113)
        || a >= 224)
}

const fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let zeros = a == 0 && b == 0 && c == 0 && d == 0 && e == 0;
    if zeros && (f == 0xffff || f == 0) {
        let ([w, x], [y, z]) = (g.to_be_bytes(), h.to_be_bytes());
        // `::` and `::1` lie in 0.0.0.0/8 by this reading, which is not public either
        return f == 0xffff && is_public_v4(Ipv4Addr::new(w, x, y, z));
    }
    if a == 0x64 && b == 0xff9b && c == 0 && d == 0 && e == 0 && f == 0 {
        let ([w, x], [y, z]) = (g.to_be_bytes(), h.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(w, x, y, z));
    }
    if a == 0x2002 {
        let ([w, x], [y, z]) = (b.to_be_bytes(), c.to_be_bytes());
        return is_public_v4(Ipv4Addr::new(w, x, y, z));
    }
    // only 2000::/3 is given out; of it, not Teredo, benchmarking, ORCHID and documentation
    a & 0xe000 == 0x2000
        && !(a == 0x2001
            && (b == 0 || b == 2 || b & 0xfff0 == 0x10 || b & 0xfff0 == 0x20 || b == 0xdb8))
        && !(a == 0x3fff && b & 0xf000 == 0)
}

#[cfg(test)]
mod tests {
    use super::{AddressClass, is_public};

    #[test]
    fn classes_know_their_addresses_and_none_has_metadata() {
        let networks = AddressClass::Networks(vec![
            "10.1.0.0/16".parse().unwrap(),
            "169.254.0.0/16".parse().unwrap(),
        ]);
        let classes = [AddressClass::Any, networks, AddressClass::Private, AddressClass::Public];
        let cases = [
            ("10.1.2.3", [true, true, true, false]),
            ("10.2.2.3", [true, false, true, false]),
            ("127.0.0.1", [true, false, true, false]),
            ("::1", [true, false, true, false]),
            ("::ffff:10.1.2.3", [true, true, true, false]),
            ("100.64.0.1", [true, false, true, false]),
            ("fd12::1", [true, false, true, false]),
            ("8.8.8.8", [true, false, false, true]),
            ("2606:4700::1111", [true, false, false, true]),
            ("192.0.2.1", [true, false, false, false]),
        ];
        for (address, allowed) in cases {
            for (class, allowed) in classes.iter().zip(allowed) {
                assert_eq!(class.allows(address.parse().unwrap()), allowed, "{class:?} {address}");
            }
        }
        for address in [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "fd00:ec2::254",
            "fd20:ce::254",
            "168.63.129.16",
            "192.0.0.192",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let address = address.parse().unwrap();
            assert!(classes.iter().all(|class| !class.allows(address)), "{address}");
        }
    }

    #[test]
    fn inner_addresses_are_known_in_every_disguise() {
        let inner = [
            "127.0.0.1",
            "10.1.2.3",
            "169.254.169.254",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::10.0.0.1",
            "2002:7f00:1::",
            "::127.0.0.1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
        ];
        for address in inner {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}

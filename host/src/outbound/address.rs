//! Which addresses may be connected to.
//!
//! From IANA's registries of special-purpose addresses. What isn't known to be public isn't: of IPv6 only 2000::/3 is, without the
//! ranges in it that lead elsewhere (6to4 and Teredo hold an IPv4 address that would escape the check).
//!
//! Soft ground: 64:ff9b::/96 is refused as well, so a host that reaches IPv4 through NAT64 alone reaches no such peer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the public internet.
    Public,
    /// Into this machine, or the network that it stands in.
    Private,
    /// To no single host, or to one that the address doesn't tell.
    Nowhere,
}

use Reach::{Nowhere, Private, Public};

/// The first row that holds the address decides.
const V4: &[([u8; 4], u32, Reach)] = &[
    ([0, 0, 0, 0], 8, Nowhere),       // "this network"; Linux takes 0.0.0.0 for loopback
    ([10, 0, 0, 0], 8, Private),      // RFC 1918
    ([100, 64, 0, 0], 10, Private),   // carrier-grade NAT
    ([127, 0, 0, 0], 8, Private),     // loopback
    ([169, 254, 0, 0], 16, Private),  // link-local, where clouds keep their metadata
    ([172, 16, 0, 0], 12, Private),   // RFC 1918
    ([192, 0, 0, 0], 24, Nowhere),    // protocol assignments
    ([192, 0, 2, 0], 24, Nowhere),    // documentation
    ([192, 88, 99, 0], 24, Nowhere),  // relays of 6to4
    ([192, 168, 0, 0], 16, Private),  // RFC 1918
    ([198, 18, 0, 0], 15, Private),   // benchmarks
    ([198, 51, 100, 0], 24, Nowhere), // documentation
    ([203, 0, 113, 0], 24, Nowhere),  // documentation
    ([224, 0, 0, 0], 4, Nowhere),     // multicast
    ([240, 0, 0, 0], 4, Nowhere),     // reserved, and broadcast
    ([0, 0, 0, 0], 0, Public),
];

/// The first row that holds the address decides.
const V6: &[([u16; 4], u32, Reach)] = &[
    ([0xfc00, 0, 0, 0], 7, Private),      // unique local
    ([0xfe80, 0, 0, 0], 10, Private),     // link-local
    ([0x2001, 0, 0, 0], 23, Nowhere),     // protocol assignments, Teredo, benchmarks, ORCHID
    ([0x2001, 0xdb8, 0, 0], 32, Nowhere), // documentation
    ([0x2002, 0, 0, 0], 16, Nowhere),     // 6to4
    ([0x3fff, 0, 0, 0], 20, Nowhere),     // documentation
    ([0x2000, 0, 0, 0], 3, Public),
    ([0, 0, 0, 0], 0, Nowhere), // unspecified, IPv4-mapped, NAT64, discard, site-local, multicast, and what isn't assigned
];

/// Where this address leads.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => V4.iter().find(|(network, bits, _)| same_v4(address, Ipv4Addr::from(*network), *bits)).map_or(Nowhere, |row| row.2),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Private,
        IpAddr::V6(address) => {
            let network = |[a, b, c, d]: [u16; 4]| Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0);
            V6.iter().find(|(prefix, bits, _)| same_v6(address, network(*prefix), *bits)).map_or(Nowhere, |row| row.2)
        }
    }
}

fn same_v4(one: Ipv4Addr, other: Ipv4Addr, bits: u32) -> bool {
    (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits
}

fn same_v6(one: Ipv6Addr, other: Ipv6Addr, bits: u32) -> bool {
    (one.to_bits() ^ other.to_bits()).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        let check = |address: &str, expected: Reach| assert_eq!(reach(address.parse().expect("an address")), expected, "{address}");
        for public in ["1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255"] {
            check(public, Public);
        }
        for public in ["172.15.255.255", "172.32.0.0", "192.0.1.1", "192.167.1.1", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111"] {
            check(public, Public);
        }
        for public in ["2001:200::1", "2001:db7:ffff::1", "2001:db9::", "2a00:1450::1", "3ffe::1", "2003::1"] {
            check(public, Public);
        }
        for private in ["127.0.0.1", "127.255.255.255", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.169.254", "100.64.0.1"] {
            check(private, Private);
        }
        for private in ["100.127.255.255", "198.19.255.255", "::1", "fc00::1", "fdff::1", "fe80::1", "febf::1"] {
            check(private, Private);
        }
        for nowhere in ["0.0.0.0", "0.1.2.3", "192.0.0.1", "192.0.2.1", "192.88.99.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1"] {
            check(nowhere, Nowhere);
        }
        for nowhere in ["255.255.255.255", "::", "::2", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1"] {
            check(nowhere, Nowhere);
        }
        for nowhere in ["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1", "100::1", "2001::1", "2001:2::1", "2001:20::1", "2001:db8::1"] {
            check(nowhere, Nowhere);
        }
        for nowhere in ["2002:7f00:1::", "2002:808:808::1", "3fff::1", "4000::1", "5f00::1", "fec0::1", "ff02::1", "ff0e::1"] {
            check(nowhere, Nowhere);
        }
    }
}

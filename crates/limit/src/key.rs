//! What is counted? Words become a 64-bit key by SipHash-2-4 (Aumasson and Bernstein, 2012) under
//! a secret seed, so that nobody outside can aim at another's cell.

use std::net::{IpAddr, Ipv6Addr};

/// The address by which a client is counted: an IPv4 address in its one form; of an IPv6 address
/// the first 64 bits, because whoever has one has all the others of its network (RFC 6177).
#[must_use]
pub const fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// The key of these words. Where one word ends matters: `["ab"]` is not `["a", "b"]`.
#[must_use]
pub fn key(seed: u64, parts: &[&str]) -> u64 {
    let mut sip = Sip::new(seed, seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15);
    for part in parts {
        sip.word(u64::try_from(part.len()).unwrap_or(u64::MAX));
        for chunk in part.as_bytes().chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            sip.word(u64::from_le_bytes(word));
        }
    }
    sip.finish()
}

struct Sip([u64; 4]);

impl Sip {
    const fn new(k0: u64, k1: u64) -> Self {
        Self([
            k0 ^ 0x736f_6d65_7073_6575,
            k1 ^ 0x646f_7261_6e64_6f6d,
            k0 ^ 0x6c79_6765_6e65_7261,
            k1 ^ 0x7465_6462_7974_6573,
        ])
    }

    fn word(&mut self, word: u64) {
        let [_, _, _, v3] = &mut self.0;
        *v3 ^= word;
        self.round();
        self.round();
        let [v0, ..] = &mut self.0;
        *v0 ^= word;
    }

    fn finish(mut self) -> u64 {
        let [_, _, v2, _] = &mut self.0;
        *v2 ^= 0xff;
        for _ in 0..4 {
            self.round();
        }
        let [v0, v1, v2, v3] = self.0;
        v0 ^ v1 ^ v2 ^ v3
    }

    const fn round(&mut self) {
        let [mut v0, mut v1, mut v2, mut v3] = self.0;
        v0 = v0.wrapping_add(v1);
        v1 = v1.rotate_left(13) ^ v0;
        v0 = v0.rotate_left(32);
        v2 = v2.wrapping_add(v3);
        v3 = v3.rotate_left(16) ^ v2;
        v0 = v0.wrapping_add(v3);
        v3 = v3.rotate_left(21) ^ v0;
        v2 = v2.wrapping_add(v1);
        v1 = v1.rotate_left(17) ^ v2;
        v2 = v2.rotate_left(32);
        self.0 = [v0, v1, v2, v3];
    }
}

#[cfg(test)]
mod tests {
    use super::{client, key};

    #[test]
    fn addresses_of_one_client_are_counted_together() {
        let counted = |text: &str| client(text.parse().unwrap()).to_string();
        assert_eq!(counted("192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_ne!(counted("2001:db8:1:3::6"), counted("2001:db8:1:2::6"));
    }

    #[test]
    fn words_and_seed_matter() {
        assert_ne!(key(1, &["ab"]), key(1, &["a", "b"]));
        assert_ne!(key(1, &["ab"]), key(2, &["ab"]));
        assert_eq!(key(1, &["tenant", "acme"]), key(1, &["tenant", "acme"]));
    }
}

//! How are numbers, addresses and digests written? As everywhere, but without the machinery of
//! formatting: every request writes a dozen of them, and each would cost as much as a stage.

use std::net::IpAddr;

/// A number in decimal, after what is there already.
pub fn number(into: &mut String, number: u64) {
    let mut digits = [b'0'; 20];
    let mut left = number;
    let mut from = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0'.wrapping_add(u8::try_from(left % 10).unwrap_or(0));
        left /= 10;
        from = at;
        if left == 0 {
            break;
        }
    }
    into.extend(digits.iter().skip(from).copied().map(char::from));
}

/// An address as [`IpAddr`] is displayed.
#[must_use]
pub fn address(address: IpAddr) -> String {
    let IpAddr::V4(address) = address else { return address.to_string() };
    let mut text = String::with_capacity(15);
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        number(&mut text, u64::from(octet));
    }
    text
}

/// Bytes in lower-case hexadecimal, two digits each.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let text = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0x0f)]).collect();
    // digits are ASCII
    String::from_utf8(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{address, hex, number};

    #[test]
    fn as_everywhere() {
        for one in [0, 7, 10, 99, 100, 65_535, u64::MAX] {
            let mut text = "n=".to_owned();
            number(&mut text, one);
            assert_eq!(text, format!("n={one}"));
        }
        for text in ["0.0.0.0", "192.0.2.7", "255.255.255.255", "::1", "2001:db8::7"] {
            assert_eq!(address(text.parse().unwrap()), text);
        }
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
    }
}

//! Whom does a proxy in front say that it speaks for? The PROXY protocol, versions 1 and 2 (HAProxy,
//! `proxy-protocol.txt` of 2024), in its strict form: what is not exactly a header is refused, and
//! nothing is guessed. Whether the peer may say such a thing at all is not judged here.
//!
//! A header says nothing more than the source's address: ports, destinations and the values of TLVs
//! are read over. A proxy that speaks for itself (`LOCAL`, health checks) or for a family that has no
//! address here (`UNKNOWN`, `AF_UNSPEC`, `AF_UNIX`) leaves the connection's own peer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest header in bytes: the 16 bytes in front, an address, and TLVs.
pub const HEADER_BYTES_MAX: usize = 16 + 1024;

/// Longest header of version 1, with its CR LF (section 2.1).
const LINE_BYTES_MAX: usize = 107;

/// What begins a header of version 2 (section 2.2).
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// Type of the TLV that holds a checksum (section 2.2.3).
const CRC32C: u8 = 0x03;

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proxied {
    /// How many bytes it has.
    pub length: usize,
    /// Whom the proxy speaks for; nobody else, where it does not say.
    pub source: Option<IpAddr>,
}

/// It is no header, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no PROXY header: {0}")]
pub struct NotProxied(pub &'static str);

/// Reads the header that the bytes begin with; `None` where more of it must come.
///
/// # Errors
/// When no header begins so.
pub fn read(bytes: &[u8]) -> Result<Option<Proxied>, NotProxied> {
    if begins(bytes, SIGNATURE) {
        return version_2(bytes);
    }
    if begins(bytes, b"PROXY ") {
        return version_1(bytes);
    }
    Err(NotProxied("it begins otherwise"))
}

/// Whether the bytes, as far as they go, are those.
fn begins(bytes: &[u8], with: &[u8]) -> bool {
    bytes.iter().zip(with).all(|(one, other)| one == other)
}

fn version_1(bytes: &[u8]) -> Result<Option<Proxied>, NotProxied> {
    let seen = bytes.get(..LINE_BYTES_MAX).unwrap_or(bytes);
    let Some(end) = seen.windows(2).position(|two| two == b"\r\n") else {
        let whole = seen.len() == LINE_BYTES_MAX;
        return if whole { Err(NotProxied("its line is too long")) } else { Ok(None) };
    };
    let line = seen.get(..end).unwrap_or_default();
    let visible = line.iter().all(|byte| (b' '..=b'~').contains(byte));
    let line = std::str::from_utf8(line).ok().filter(|_| visible);
    let line = line.ok_or(NotProxied("its line is not visible ASCII"))?;
    let source = line_source(line).ok_or(NotProxied("its line is malformed"))?;
    Ok(Some(Proxied { length: end.saturating_add(2), source }))
}

/// The source of a line; `Some(None)` where it names none.
fn line_source(line: &str) -> Option<Option<IpAddr>> {
    let rest = line.strip_prefix("PROXY ")?;
    if rest == "UNKNOWN" || rest.starts_with("UNKNOWN ") {
        return Some(None);
    }
    let mut parts = rest.split(' ');
    let family = parts.next()?;
    let mut address = || {
        let text = parts.next()?;
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
            "TCP6" => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
            _ => None,
        }
    };
    let (source, _destination) = (address()?, address()?);
    let is_port = |text: &str| text.parse::<u16>().is_ok_and(|port| port.to_string() == text);
    let ports = [parts.next()?, parts.next()?];
    if parts.next().is_some() || !ports.into_iter().all(is_port) {
        return None;
    }
    one_host(source).map(Some)
}

fn version_2(bytes: &[u8]) -> Result<Option<Proxied>, NotProxied> {
    let Some([version, family, high, low]) = bytes.get(12..16) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_add(16);
    if length > HEADER_BYTES_MAX {
        return Err(NotProxied("it is too long"));
    }
    // what is wrong is wrong before the rest has come
    let takes = match (version, family) {
        (0x20, _) | (0x21, 0x00) => None,
        (0x21, 0x11) => Some(12),
        (0x21, 0x21) => Some(36),
        (0x21, 0x31) => Some(216),
        (0x21, _) => return Err(NotProxied("its family or protocol is not one of a stream")),
        _ => return Err(NotProxied("its version or command is unknown")),
    };
    let Some(header) = bytes.get(..length) else { return Ok(None) };
    let Some(takes) = takes else { return Ok(Some(Proxied { length, source: None })) };
    let block = header.get(16..).unwrap_or_default();
    let (addresses, tlvs) =
        block.split_at_checked(takes).ok_or(NotProxied("its addresses are cut off"))?;
    let source = match takes {
        12 => addresses.first_chunk::<4>().map(|octets| IpAddr::from(*octets)),
        36 => addresses.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    };
    check_tlvs(header, tlvs)?;
    let source = match source {
        None => None,
        Some(address) => Some(one_host(address).ok_or(NotProxied("its source is no host"))?),
    };
    Ok(Some(Proxied { length, source }))
}

/// TLVs fill their block exactly; of them, only a checksum is looked at.
fn check_tlvs(header: &[u8], tlvs: &[u8]) -> Result<(), NotProxied> {
    let cut = NotProxied("a TLV is cut off");
    let mut rest = tlvs;
    let mut checked = false;
    while let Some((front, after)) = rest.split_first_chunk::<3>() {
        let [kind, high, low] = *front;
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, next) = after.split_at_checked(length).ok_or(cut)?;
        if kind == CRC32C {
            let said = value.first_chunk::<4>().filter(|_| value.len() == 4 && !checked);
            let said = said.ok_or(NotProxied("its checksum is malformed"))?;
            let after_value = next.len();
            let at = header.len().saturating_sub(after_value).saturating_sub(4);
            if crc32c_without(header, at) != u32::from_be_bytes(*said) {
                return Err(NotProxied("its checksum is wrong"));
            }
            checked = true;
        }
        rest = next;
    }
    if rest.is_empty() { Ok(()) } else { Err(cut) }
}

/// CRC-32C (Castagnoli, RFC 3385), with the four bytes at a place counted as zero.
fn crc32c_without(bytes: &[u8], at: usize) -> u32 {
    let mut sum = u32::MAX;
    for (index, byte) in bytes.iter().enumerate() {
        let is_sum = (at..at.saturating_add(4)).contains(&index);
        sum ^= if is_sum { 0 } else { u32::from(*byte) };
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0x82f6_3b78 } else { 0 };
        }
    }
    !sum
}

/// An address that one host can have, in its one form.
fn one_host(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let nobody = address.is_unspecified()
        || address.is_multicast()
        || address == IpAddr::V4(Ipv4Addr::BROADCAST);
    (!nobody).then_some(address)
}

#[cfg(test)]
mod tests;

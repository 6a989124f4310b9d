//! Headers as proxies write them, and everything that is almost one.

use super::{NotProxied, Proxied, crc32c_without, read};
use proptest::prelude::*;

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    header.extend([command, family]);
    header.extend(u16::try_from(block.len()).unwrap().to_be_bytes());
    header.extend(block);
    header
}

const V4: [u8; 12] = [192, 0, 2, 7, 10, 0, 0, 1, 0x1f, 0x90, 0, 80];

fn source(bytes: &[u8]) -> Option<String> {
    let read = read(bytes).unwrap().unwrap();
    assert_eq!(read.length, bytes.len());
    read.source.map(|address| address.to_string())
}

/// The block with a checksum behind it.
fn summed(block: &[u8]) -> Vec<u8> {
    let block = [block, &[3, 0, 4, 0, 0, 0, 0]].concat();
    let mut header = v2(0x21, 0x11, &block);
    let at = header.len() - 4;
    let sum = crc32c_without(&header, at);
    header.splice(at.., sum.to_be_bytes());
    header
}

#[test]
fn what_proxies_write_is_read() {
    let line = |text: &str| source(format!("{text}\r\n").as_bytes());
    assert_eq!(line("PROXY TCP4 192.0.2.7 10.0.0.1 4711 80").as_deref(), Some("192.0.2.7"));
    assert_eq!(line("PROXY TCP6 2001:db8::7 2001:db8::1 4711 80").as_deref(), Some("2001:db8::7"));
    assert_eq!(line("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 2").as_deref(), Some("192.0.2.7"));
    assert_eq!(line("PROXY UNKNOWN"), None);
    assert_eq!(line("PROXY UNKNOWN whatever it is"), None);
    assert_eq!(source(&v2(0x21, 0x11, &V4)).as_deref(), Some("192.0.2.7"));
    let mut v6 = [0; 36];
    v6[..4].copy_from_slice(&[0x20, 1, 0xd, 0xb8]);
    v6[15] = 7;
    assert_eq!(source(&v2(0x21, 0x21, &v6)).as_deref(), Some("2001:db8::7"));
    // the proxy speaks for itself, or for nobody that has an address here
    for (command, family, block) in [
        (0x20, 0x11, &V4[..]),
        (0x20, 0x00, b""),
        (0x20, 0xff, b"whatever"),
        (0x21, 0x00, b"whatever"),
        (0x21, 0x31, &[7; 216]),
    ] {
        assert_eq!(source(&v2(command, family, block)), None);
    }
}

#[test]
fn tlvs_are_skipped_and_a_checksum_is_held() {
    let noop = [&V4[..], &[4, 0, 2, 9, 9], &[0xee, 0, 0]].concat();
    assert_eq!(source(&v2(0x21, 0x11, &noop)).as_deref(), Some("192.0.2.7"));
    let good = summed(&noop);
    assert_eq!(source(&good).as_deref(), Some("192.0.2.7"));
    // but for the type of the checksum itself, without which it is another TLV
    for at in (16..good.len()).filter(|at| *at != good.len() - 7) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(read(&bad).is_err(), "byte {at}");
    }
    assert_eq!(crc32c_without(b"123456789", 99), 0xe306_9283, "the check value of CRC-32C");
    for tlvs in [&[4, 0, 3, 1, 1][..], &[4], &[4, 0], &[3, 0, 2, 1, 1], &[3, 0, 4, 0, 0, 0, 0]] {
        assert!(read(&v2(0x21, 0x11, &[&V4[..], tlvs].concat())).is_err(), "{tlvs:?}");
    }
}

#[test]
fn what_is_almost_a_header_is_none() {
    for line in [
        "PROXY",
        "PROXY ",
        "proxy TCP4 192.0.2.7 10.0.0.1 1 2",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1",
        "PROXY TCP4 192.0.2.7 10.0.0.1 1 2 3",
        "PROXY TCP4  192.0.2.7 10.0.0.1 1 2",
        "PROXY TCP4 192.0.2.07 10.0.0.1 1 2",
        "PROXY TCP4 192.0.2.7 10.0.0.1 01 2",
        "PROXY TCP4 192.0.2.7 10.0.0.1 65536 2",
        "PROXY TCP4 192.0.2.7 10.0.0.1 +1 2",
        "PROXY TCP4 2001:db8::7 2001:db8::1 1 2",
        "PROXY TCP6 192.0.2.7 10.0.0.1 1 2",
        "PROXY TCP6 fe80::1%eth0 ::1 1 2",
        "PROXY TCP4 0.0.0.0 10.0.0.1 1 2",
        "PROXY TCP4 255.255.255.255 10.0.0.1 1 2",
        "PROXY TCP4 224.0.0.1 10.0.0.1 1 2",
        "PROXY TCP5 192.0.2.7 10.0.0.1 1 2",
        "PROXY UNKNOWNX",
        "PROXY UNKNOWN \u{e9}",
        "PROXY TCP4 192.0.2.7\n10.0.0.1 1 2",
        "GET / HTTP/1.1",
    ] {
        assert!(read(format!("{line}\r\n").as_bytes()).is_err(), "{line}");
    }
    assert_eq!(read(&[b'P'; 200]), Err(NotProxied("it begins otherwise")));
    let long = format!("PROXY UNKNOWN {}", "a".repeat(120));
    assert!(read(long.as_bytes()).is_err());
    for (command, family, block) in [
        (0x11, 0x11, &V4[..]),
        (0x22, 0x11, &V4[..]),
        (0x21, 0x12, &V4[..]),
        (0x21, 0x41, &V4[..]),
        (0x21, 0x21, &V4[..]),
        (0x21, 0x11, &V4[..11]),
        (0x21, 0x11, &[0; 12]),
        (0x21, 0x00, &[0; 1025]),
    ] {
        assert!(read(&v2(command, family, block)).is_err(), "{command:x} {family:x}");
    }
}

proptest! {
    #[test]
    fn every_part_of_a_header_waits_for_the_rest(cut in 0_usize..64, rest in "[ -~]{0,20}") {
        let line = b"PROXY TCP4 192.0.2.7 10.0.0.1 4711 80\r\n".to_vec();
        for header in [line, summed(&V4), v2(0x20, 0, b"")] {
            let part = header.get(..cut.min(header.len() - 1)).unwrap();
            prop_assert_eq!(read(part), Ok(None));
            let more = [&header[..], rest.as_bytes()].concat();
            prop_assert_eq!(read(&more).unwrap().map(|read| read.length), Some(header.len()));
        }
    }

    #[test]
    fn any_bytes_have_one_reading(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(Some(Proxied { length, .. })) = read(&bytes) {
            prop_assert!(length <= bytes.len());
        }
    }
}

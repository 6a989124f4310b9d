//! How does text stand in JSON? Between quotes, with what must not stand there escaped (RFC 8259
//! section 7), in the escapes that `serde_json` uses.

/// Writes a text after what is there already.
pub(super) fn string(into: &mut Vec<u8>, text: &str) {
    into.push(b'"');
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (plain, after) = rest.split_at_checked(plain_bytes(rest)).unwrap_or((rest, &[]));
        into.extend_from_slice(plain);
        let Some((special, after)) = after.split_first() else { break };
        escape(into, *special);
        rest = after;
    }
    into.push(b'"');
}

/// How many bytes from the beginning stand for themselves.
fn plain_bytes(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let mut plain = 0_usize;
    let mut words = bytes.chunks_exact(8);
    for chunk in words.by_ref() {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        let word = u64::from_le_bytes(word);
        // the high bit of a byte is set where it is below 0x20, or becomes zero by the xor
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let below = word.wrapping_sub(ONES.wrapping_mul(0x20)) & !word;
        let found = below
            | zero(word ^ ONES.wrapping_mul(u64::from(b'"')))
            | zero(word ^ ONES.wrapping_mul(u64::from(b'\\')));
        let found = found & HIGH;
        if found != 0 {
            // borrows only go upwards, so the lowest one that is found is a true one
            let at = usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
            return plain.saturating_add(at);
        }
        plain = plain.saturating_add(8);
    }
    let special = |byte: &u8| *byte < 0x20 || *byte == b'"' || *byte == b'\\';
    let left = words.remainder();
    plain.saturating_add(left.iter().position(special).unwrap_or(left.len()))
}

fn escape(into: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x09 => b't',
        0x0a => b'n',
        0x0c => b'f',
        0x0d => b'r',
        _ => {
            let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
            into.extend_from_slice(b"\\u00");
            into.extend_from_slice(&[digit(byte >> 4), digit(byte & 0x0f)]);
            return;
        }
    };
    into.extend_from_slice(&[b'\\', short]);
}

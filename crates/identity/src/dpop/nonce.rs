//! Was this nonce given out by us, lately? Nothing is kept: a nonce is a slot of time and its keyed
//! hash (RFC 9449 section 8), so that nobody can make one and every one ends by itself.
//!
//! The key is the process's own. A proof with a nonce is therefore good for one process only, and not
//! for one that was made before it began.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portcullis_model::Timestamp;

/// How long nonces are given out under one slot, in seconds. One counts until the slot after its own
/// is over: for one to two of these.
const SLOT_SECS: u64 = 60;

/// Bytes of the hash.
const MAC_BYTES: usize = 16;

/// Makes and judges nonces.
pub struct Nonces {
    key: hmac::Key,
}

/// What is to be said of a nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether it counts.
    pub counts: bool,
    /// The nonce to use next, where that is another.
    pub next: Option<String>,
}

impl std::fmt::Debug for Nonces {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Nonces")
    }
}

impl Nonces {
    /// Under a secret key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// Judges what was shown.
    #[must_use]
    pub fn judge(&self, shown: Option<&str>, now: Timestamp) -> Judged {
        let slot = now.as_secs() / SLOT_SECS;
        let read = shown.and_then(|text| self.slot(text));
        Judged {
            counts: read.is_some_and(|read| read == slot || read.checked_add(1) == Some(slot)),
            next: (read != Some(slot)).then(|| self.fresh(slot)),
        }
    }

    fn fresh(&self, slot: u64) -> String {
        let mac = self.mac(slot);
        let hash = mac.as_ref().get(..MAC_BYTES).unwrap_or_default();
        URL_SAFE_NO_PAD.encode([&slot.to_be_bytes(), hash].concat())
    }

    /// The slot of a nonce of ours.
    fn slot(&self, text: &str) -> Option<u64> {
        if text.len() > 64 {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (slot, hash) = bytes.split_first_chunk::<8>()?;
        let slot = u64::from_be_bytes(*slot);
        let mac = self.mac(slot);
        let same = aws_lc_rs::constant_time::verify_slices_are_equal(
            mac.as_ref().get(..MAC_BYTES).unwrap_or_default(),
            hash,
        );
        same.is_ok().then_some(slot)
    }

    fn mac(&self, slot: u64) -> hmac::Tag {
        hmac::sign(&self.key, &slot.to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::Nonces;
    use portcullis_model::Timestamp;

    #[test]
    fn t45_a_nonce_counts_for_a_while_and_only_where_it_was_made() {
        let (ours, theirs) = (Nonces::new(&[1; 32]), Nonces::new(&[2; 32]));
        let at = Timestamp::from_secs;
        let first = ours.judge(None, at(600));
        assert!(!first.counts);
        let nonce = first.next.unwrap();
        for (now, counts, same) in [
            (600, true, true),
            (659, true, true),
            (660, true, false),
            (719, true, false),
            (720, false, false),
        ] {
            let judged = ours.judge(Some(&nonce), at(now));
            assert_eq!((judged.counts, judged.next.is_none()), (counts, same), "{now}");
        }
        assert!(!ours.judge(Some(&nonce), at(599)).counts, "it lies ahead");
        assert!(!theirs.judge(Some(&nonce), at(600)).counts);
        let forged = nonce.replacen('A', "B", 1);
        for wrong in ["", "x", forged.as_str(), nonce.get(1..).unwrap(), &format!("{nonce}A")] {
            assert!(!ours.judge(Some(wrong), at(600)).counts, "{wrong}");
        }
    }
}

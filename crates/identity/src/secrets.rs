//! Which secrets does a provider share with those who sign for it? Keys of HMAC-SHA256 by name, several
//! of a name while one follows another. They are compared in constant time, and shown to nobody.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::hmac;

/// A secret has at least this many bytes.
pub const SECRET_BYTES_MIN: usize = 16;

/// The secrets of one provider.
#[derive(Default)]
pub struct Secrets {
    keys: BTreeMap<String, Vec<hmac::Key>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secrets({:?})", self.keys.keys())
    }
}

impl Secrets {
    /// Adds a secret under a name.
    ///
    /// # Errors
    /// When it is shorter than [`SECRET_BYTES_MIN`].
    pub fn add(&mut self, name: &str, secret: &[u8]) -> Result<(), &'static str> {
        if secret.len() < SECRET_BYTES_MIN {
            return Err("it is shorter than 16 bytes");
        }
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        self.keys.entry(name.to_owned()).or_default().push(key);
        Ok(())
    }

    /// Whether the tag is that of the message under a secret of this name. Every secret of the name is
    /// tried, whichever fits.
    #[must_use]
    pub fn verifies(&self, name: &str, message: &[&[u8]], tag: &[u8]) -> bool {
        let mut found = false;
        for key in self.keys.get(name).into_iter().flatten() {
            let mut context = hmac::Context::with_key(key);
            for part in message {
                context.update(part);
            }
            let own = context.sign();
            found |= aws_lc_rs::constant_time::verify_slices_are_equal(own.as_ref(), tag).is_ok();
        }
        found
    }
}

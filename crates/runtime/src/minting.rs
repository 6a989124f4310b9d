//! Who signs the boundary's own tokens? One key at a time out of a ring that turns (`ring`); what was
//! signed for an order is given again for the very same order until a third of its life is left
//! (`kept`). Records name a token by its `jti`; its text goes to whom it was made for.

mod kept;
mod ring;

use std::io;
use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use portcullis_config::declaration::Tokens;
use portcullis_core::facts::TokenFact;
use portcullis_identity::minted::{Order, Signed};
use portcullis_model::Timestamp;

use self::kept::Kept;
use self::ring::Ring;

/// Length of a `jti` in bytes, before it is encoded: none is ever made twice.
const ID_BYTES: usize = 16;

/// Signs tokens.
#[derive(Debug)]
pub struct Mint {
    ring: Arc<Ring>,
    kept: Arc<Kept>,
}

impl Mint {
    /// Opens the ring of keys of a declaration; where there is none yet, it is made.
    ///
    /// # Errors
    /// When the folder cannot be read or written, or others may read it.
    pub fn open(tokens: &Tokens, folder: &Path, now: Timestamp) -> io::Result<Self> {
        let ring = Ring::open(&folder.join(&tokens.keys), tokens.rotate_every, now)?;
        Ok(Self { ring: Arc::new(ring), kept: Arc::default() })
    }

    /// The mint of another declaration: the same ring and tokens where the same keys are meant.
    ///
    /// # Errors
    /// As [`Mint::open`].
    pub fn renewed(&self, tokens: &Tokens, folder: &Path, now: Timestamp) -> io::Result<Self> {
        if self.ring.is(&folder.join(&tokens.keys), tokens.rotate_every) {
            return Ok(Self { ring: Arc::clone(&self.ring), kept: Arc::clone(&self.kept) });
        }
        Self::open(tokens, folder, now)
    }

    /// A token for an order: one that was signed for it before and has time left, or a new one.
    #[must_use]
    pub fn token(&self, order: &Order, now: Timestamp) -> TokenFact {
        if let Some(signed) = self.kept.find(order, now) {
            return TokenFact::Signed(signed);
        }
        let Some(signed) = self.sign(order, now) else { return TokenFact::Unavailable };
        let signed = Arc::new(signed);
        self.kept.keep(order.clone(), Arc::clone(&signed));
        TokenFact::Signed(signed)
    }

    /// A new token.
    #[must_use]
    pub fn sign(&self, order: &Order, now: Timestamp) -> Option<Signed> {
        let mut id = [0; ID_BYTES];
        rand::fill(&mut id).ok()?;
        let handle = URL_SAFE_NO_PAD.encode(id);
        let keys = self.ring.at(now)?;
        let draft = order.draft(keys.kid(), &handle, now)?;
        let signature = keys.sign(draft.input.as_bytes())?;
        Some(Signed {
            text: format!("{}.{}", draft.input, URL_SAFE_NO_PAD.encode(signature)),
            handle,
            issued_at: now,
            expires_at: draft.expires_at,
        })
    }

    /// The public keys, as a JWK set; `None` where none may be used any more.
    #[must_use]
    pub fn public_keys(&self, now: Timestamp) -> Option<Bytes> {
        self.ring.at(now).map(|keys| keys.public())
    }
}

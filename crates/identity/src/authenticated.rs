//! What does verification leave behind? A principal that is known to be one, or a refusal.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
pub(crate) use portcullis_model::written::hex;
use portcullis_model::{Principal, Reason, Timestamp};

/// A credential that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// The place and the rule; never the credential.
    pub detail: String,
}

impl Refused {
    /// A refusal.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into() }
    }
}

/// A principal whose credential was verified. Cannot be built from a bare [`Principal`] outside
/// this crate, but for replay.
///
/// ```
/// use portcullis_identity::{Authenticated, jwt::Unverified};
/// use portcullis_model::Principal;
///
/// fn who(caller: &Authenticated, token: &Unverified) -> (Principal, Option<String>) {
///     (caller.principal().clone(), token.kid().map(str::to_owned))
/// }
/// ```
///
/// ```compile_fail,E0423
/// use portcullis_identity::Authenticated;
/// use portcullis_model::Principal;
///
/// fn believe(principal: Principal) -> Authenticated {
///     Authenticated(principal)
/// }
/// ```
///
/// ```compile_fail,E0624
/// use portcullis_identity::Authenticated;
/// use portcullis_model::Principal;
///
/// fn believe(principal: Principal) -> Authenticated {
///     Authenticated::verified(principal)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authenticated(Principal, Binding);

/// What a credential is bound to (RFC 7800 section 3.1): whoever shows it must prove to hold this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binding {
    /// Hexadecimal SHA-256 of a client certificate (RFC 8705 section 3.1).
    pub certificate: Option<String>,
    /// Thumbprint of a key, base64url (RFC 9449 section 6.1).
    pub key: Option<String>,
}

impl Authenticated {
    pub(crate) const fn verified(principal: Principal) -> Self {
        Self::bound(principal, Binding { certificate: None, key: None })
    }

    /// The same, good only together with what it is bound to.
    pub(crate) const fn bound(principal: Principal, binding: Binding) -> Self {
        Self(principal, binding)
    }

    /// The caller that showed nothing.
    #[must_use]
    pub const fn anonymous() -> Self {
        Self::verified(Principal::anonymous())
    }

    /// A principal as a record or a simulation has it. For recomputing decisions only; nothing that
    /// carries requests may call this.
    #[must_use]
    pub const fn from_record(principal: Principal) -> Self {
        Self::verified(principal)
    }

    /// Who it is.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.0
    }

    /// What it is bound to.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.1
    }

    /// Judges that the connection is that of the client certificate to which the credential is bound,
    /// if it is bound to one (RFC 8705 section 3): a token that was stolen proves nothing. What is
    /// given is the hexadecimal SHA-256 of the certificate, where one was shown.
    ///
    /// # Errors
    /// `identify.sender_unproven`.
    pub fn check_sender(&self, fingerprint: Option<&str>) -> Result<(), Refused> {
        let Some(bound) = &self.1.certificate else { return Ok(()) };
        let detail = match fingerprint {
            None => "the token is bound to a certificate, and none was shown",
            Some(shown) if shown == bound => return Ok(()),
            Some(_) => "the token is bound to another certificate",
        };
        Err(Refused::new(Reason::SenderUnproven, detail))
    }

    /// Judges the credential's expiry anew, so that no cache outlives it.
    ///
    /// # Errors
    /// `identify.token_expired`.
    pub fn check_time(&self, skew: Duration, now: Timestamp) -> Result<(), Refused> {
        let expires_at = self.0.credential.as_ref().and_then(|credential| credential.expires_at);
        match expires_at {
            Some(expires_at) if now >= expires_at.plus(skew) => {
                Err(Refused::new(Reason::TokenExpired, "`exp` has passed"))
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// SHA-256 of a whole token: its name in caches and, cut short, in records.
#[must_use]
pub fn token_digest(token: &str) -> [u8; 32] {
    let digest = digest(&SHA256, token.as_bytes());
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    bytes
}

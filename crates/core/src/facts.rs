//! Which effects can a request cause, and what came of them?
//!
//! [`Need`] is the reviewable, closed list: nothing else is ever asked of the outside on behalf
//! of a request. A *read* can be repeated; a *claim* changes something and is carried out once
//! per request. The answers stand in [`Facts`]; what is absent there was not supplied.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use portcullis_identity::api_key::{Pepper, StoredKey};
use portcullis_identity::dpop::nonce::Judged;
use portcullis_identity::introspection::OpaqueToken;
use portcullis_identity::jwk::KeySet;
use portcullis_identity::minted::{Order, Signed};
use portcullis_identity::secrets::Secrets;
use portcullis_identity::{Authenticated, Refused, introspection};
use portcullis_limit::{Seen, Taken};
use portcullis_model::{LimitId, ProviderId, Timestamp};

use crate::sender::Sender;

/// An effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Need {
    /// Claim: one request of this address against the guard before cryptography; and read
    /// whether the address has used up its allowance of refused credentials.
    Guard {
        /// The client's address.
        address: IpAddr,
    },
    /// Read: the country of an address.
    Country {
        /// The client's address.
        address: IpAddr,
    },
    /// Read: was this very token verified under this snapshot before?
    VerifiedToken {
        /// SHA-256 of the whole token.
        digest: [u8; 32],
    },
    /// Read: what does the issuer say of this opaque token?
    TokenStatus {
        /// The provider.
        provider: ProviderId,
        /// The token.
        token: OpaqueToken,
    },
    /// Read: an issuer's keys.
    SigningKeys {
        /// The provider.
        provider: ProviderId,
        /// A key id that the last known set lacks; asks for a (rate-limited) refresh.
        missing: Option<String>,
    },
    /// Read: the keys by which a token of an exchange is verified.
    ExchangeKeys {
        /// The provider.
        provider: ProviderId,
        /// A key id that the last known set lacks.
        missing: Option<String>,
    },
    /// Read: a stored API key.
    ApiKey {
        /// The provider.
        provider: ProviderId,
        /// Public id of the key.
        id: String,
    },
    /// Read: the secrets that a provider shares with those who sign.
    Secrets {
        /// The provider.
        provider: ProviderId,
    },
    /// Read: whether a nonce of a proof is one of ours, and the next one.
    Nonce {
        /// What the proof has.
        shown: Option<String>,
    },
    /// Claim: the first of this name, until a time. Made only for a proof that was verified.
    Once {
        /// The name.
        name: [u8; 16],
        /// When the proof has ended by itself.
        until: Timestamp,
    },
    /// Claim: the whole body, to a bound.
    Body {
        /// Most bytes.
        bytes_max: u64,
    },
    /// Claim: all of these limits or none of them.
    Limits(Vec<LimitClaim>),
    /// Claim: a token of ours for the upstream. One that was signed for the very same order, and has
    /// time left, will do.
    Sign(Box<Order>),
    /// Read: the public keys of our own tokens.
    PublicKeys,
    /// Claim: the record of intent, durable.
    Intent,
}

/// One limit to be taken from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitClaim {
    /// Which declared limit.
    pub limit: LimitId,
    /// What it is counted by: the words that make the key.
    pub key: Vec<String>,
}

/// What was answered.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The guard's answer.
    pub guard: Option<Guarded>,
    /// The country of the client's address.
    pub country: Option<Country>,
    /// A finished identification: from the cache of verified tokens, or from a record.
    pub identity: Option<Result<Arc<Authenticated>, Refused>>,
    /// Whether the cache of verified tokens was asked.
    pub cache_asked: bool,
    /// What the issuer says of an opaque token.
    pub token_status: Option<TokenStatus>,
    /// An issuer's keys.
    pub keys: Option<Keys>,
    /// Whether the keys were refreshed for the sake of this request.
    pub keys_refreshed: bool,
    /// Keys for the tokens of an exchange, and whether they were refreshed for its sake.
    pub exchange_keys: BTreeMap<ProviderId, (Keys, bool)>,
    /// A stored API key, if there is one of that id, and what keys the hashes.
    pub api_key: Option<ApiKeyFact>,
    /// A provider's secrets; none of them where it has none.
    pub secrets: Option<Arc<Secrets>>,
    /// What is said of the nonce.
    pub nonce: Option<Judged>,
    /// Whether the proof is the first of its name.
    pub once: Option<Seen>,
    /// From a record: how the sender was proved.
    pub sender: Option<Sender>,
    /// The body.
    pub body: Option<BodyFact>,
    /// The limits' answer.
    pub limits: Option<LimitsFact>,
    /// The token for the upstream.
    pub token: Option<TokenFact>,
    /// The public keys of our own tokens, as a JWK set.
    pub public_keys: Option<Bytes>,
    /// Whether the intent is durable.
    pub intent_durable: Option<bool>,
}

/// The guard before cryptography.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarded {
    /// Whether the address still had a request left.
    pub admitted: bool,
    /// Whether the address may still show credentials.
    pub failures_left: bool,
    /// Seconds after which to try again.
    pub retry_after_secs: u64,
}

/// The country of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Country {
    /// By its ISO 3166-1 alpha-2 code.
    Known(String),
    /// The file does not say.
    Unknown,
    /// There is no file, or it is too old.
    Unavailable,
}

/// What an issuer says of an opaque token.
#[derive(Clone, Debug)]
pub enum TokenStatus {
    /// This, a bounded while ago.
    Known {
        /// The answer.
        answer: Arc<introspection::Answer>,
        /// When it was given.
        as_of: Timestamp,
    },
    /// Something that is not to be believed.
    Invalid,
    /// Nothing.
    Unavailable,
}

/// An issuer's keys.
#[derive(Clone, Debug)]
pub enum Keys {
    /// Within their bounded staleness.
    Known {
        /// The set.
        set: Arc<KeySet>,
        /// When it was fetched.
        as_of: Timestamp,
    },
    /// Beyond it, or never fetched.
    Unavailable,
}

/// A stored API key.
#[derive(Clone, Debug)]
pub struct ApiKeyFact {
    /// The key, if the id is known.
    pub stored: Option<Arc<StoredKey>>,
    /// What keys the hashes.
    pub pepper: Arc<Pepper>,
}

/// The body.
#[derive(Clone, Debug)]
pub enum BodyFact {
    /// All of it.
    Whole(Bytes),
    /// It could not be read.
    Failed(Refused),
    /// From a record: what was found when the body was still there.
    AsRecorded(Result<(), Refused>),
}

/// A token of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenFact {
    /// From a record: there was one.
    AsRecorded,
    /// Signed, now or for an earlier request.
    Signed(Arc<Signed>),
    /// None could be signed.
    Unavailable,
}

/// The limits.
#[derive(Clone, Debug)]
pub enum LimitsFact {
    /// All were taken.
    Taken(Vec<(LimitId, Taken)>),
    /// This one refused, and none was taken.
    Exhausted {
        /// Which.
        limit: LimitId,
        /// Whether it counts requests at once.
        concurrent: bool,
        /// Seconds after which to try again.
        retry_after_secs: u64,
    },
}

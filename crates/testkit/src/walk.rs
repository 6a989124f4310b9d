//! What does the chain decide when a test chooses every fact? The shop's snapshot in this process,
//! with real tokens and keys, and a walk through the stages that answers what they ask for, or
//! does not.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use portcullis_core::facts::{
    ApiKeyFact, BodyFact, Country, Facts, Guarded, Keys, LimitsFact, Need, TokenFact, TokenStatus,
};
use portcullis_core::receive::Arrival;
use portcullis_core::trace::Trace;
use portcullis_core::{Advance, Allowed, Chain, Refusal, Snapshot};
use portcullis_identity::api_key::{Pepper, StoredKey, fresh};
use portcullis_identity::dpop::nonce::Judged;
use portcullis_identity::jwk::KeySet;
use portcullis_identity::minted::{Order, Signed};
use portcullis_identity::{Authenticated, Refused};
use portcullis_limit::{Seen, Taken};
use portcullis_model::{Reason, RecordId, Timestamp};
use portcullis_runtime::estate;

use crate::issuer::Issuer;

/// The time of every decision.
pub const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

/// What a limit answers that has room.
const TAKEN: Taken = Taken::Admitted { remaining: 9, reset: Duration::from_secs(1) };

/// Where the example is.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop");

/// The shop, in this process.
#[derive(Debug)]
pub struct World {
    /// What is enforced.
    pub snapshot: Snapshot,
    issuer: Issuer,
    stranger: Issuer,
    keys: Arc<KeySet>,
    pepper: Arc<Pepper>,
    key: (String, Arc<StoredKey>),
    revoked: (String, Arc<StoredKey>),
    kept: Mutex<HashMap<[u8; 32], Arc<Authenticated>>>,
}

/// How a fact is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// As it is.
    Given,
    /// As it is, from what an earlier request left behind where there is such a thing.
    Kept,
    /// The store says that it cannot, or that there is nothing left.
    Failed,
    /// Not at all.
    Withheld,
}

/// A walk through the stages.
#[derive(Debug)]
pub struct Walk {
    /// How it ended.
    pub verdict: Result<Allowed, Refusal>,
    /// What was noted.
    pub trace: Trace,
    /// What was asked, in order.
    pub asked: Vec<Need>,
}

/// What a request shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    None,
    /// A good token of a user of `acme`.
    Token {
        /// Whose.
        subject: String,
        /// Whether it has the role.
        manager: bool,
    },
    /// A token whose time is over.
    Expired,
    /// A token signed by another under the issuer's key id.
    Forged,
    /// Any `Authorization`.
    Raw(String),
    /// A good API key.
    Key,
    /// A revoked one.
    RevokedKey,
}

impl World {
    /// The shop as it stands in the examples.
    #[must_use]
    pub fn shop() -> Self {
        Self::changed(&[])
    }

    /// The shop with changes to its declaration: every text on the left stands there.
    #[must_use]
    pub fn changed(changes: &[(&str, &str)]) -> Self {
        let mut estate = estate::read(&estate::Site::plain(Path::new(EXAMPLE))).value.unwrap();
        let source = portcullis_diagnostics::SourceId::new("portcullis.yaml");
        for (from, to) in changes {
            assert!(estate.declaration_text.contains(from), "`{from}` does not stand there");
            estate.declaration_text = estate.declaration_text.replace(from, to);
        }
        let (declaration, findings) = portcullis_config::read(&source, &estate.declaration_text);
        estate.declaration = declaration.unwrap_or_else(|| panic!("{findings:#?}"));
        let (snapshot, findings) = portcullis_core::snapshot::compile::compile(estate);
        let snapshot = snapshot.unwrap_or_else(|| panic!("{findings:#?}"));
        let issuer = Issuer::new("shop-1");
        let (keys, _) = KeySet::parse(issuer.jwks().as_bytes()).unwrap();
        let pepper = Pepper::new(&[7; 32]).unwrap();
        Self {
            snapshot,
            issuer,
            stranger: Issuer::new("shop-1"),
            keys: Arc::new(keys),
            key: stored(&pepper, None),
            revoked: stored(&pepper, Some(NOW)),
            pepper: Arc::new(pepper),
            kept: Mutex::default(),
        }
    }

    /// The header that shows a credential.
    #[must_use]
    pub fn header(&self, credential: &Credential) -> Option<(&'static str, String)> {
        let token = |issuer: &Issuer, late: u64, subject: &str, manager: bool| {
            let draft = issuer.draft(subject);
            let issued = NOW.as_secs() - 30 - late;
            let roles = if manager { vec!["manager"] } else { Vec::new() };
            let draft = draft
                .claim("iat", issued.into())
                .claim("exp", (issued + 600).into())
                .claim("roles", roles.into());
            ("authorization", format!("Bearer {}", issuer.sign(&draft)))
        };
        match credential {
            Credential::None => None,
            Credential::Token { subject, manager } => {
                Some(token(&self.issuer, 0, subject, *manager))
            }
            Credential::Expired => Some(token(&self.issuer, 5_000, "late", true)),
            Credential::Forged => Some(token(&self.stranger, 0, "mallory", true)),
            Credential::Raw(text) => Some(("authorization", text.clone())),
            Credential::Key => Some(("x-api-key", self.key.0.clone())),
            Credential::RevokedKey => Some(("x-api-key", self.revoked.0.clone())),
        }
    }

    /// Who makes its tokens.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Walks one request through the stages; `supply` says how the fact is answered that is asked
    /// for in this place.
    #[must_use]
    pub fn walk(
        &self,
        arrival: &Arrival,
        body: impl Into<Bytes>,
        supply: impl Fn(usize) -> Supply,
    ) -> Walk {
        let body = body.into();
        let (parts, listener) = (arrival.parts.clone(), arrival.listener.clone());
        let (certificate, server_name) = (arrival.certificate.clone(), arrival.server_name.clone());
        let mut trace = Trace::new(RecordId::new("walk"), NOW, listener.clone());
        let mut chain =
            Chain::new(Arrival { parts, peer: arrival.peer, listener, certificate, server_name });
        let (mut facts, mut asked) = (Facts::default(), Vec::new());
        let verdict = loop {
            match chain.advance(&facts, &self.snapshot, NOW, &mut trace) {
                Ok(()) => self.keep(&chain),
                Err(Advance::Permitted(permit)) => break Ok(Allowed::Permitted(permit)),
                Err(Advance::Answered(answer)) => break Ok(Allowed::Answered(answer)),
                Err(Advance::Refused(refusal)) => break Err(refusal),
                Err(Advance::Needs(needs)) => {
                    for need in needs {
                        let how = supply(asked.len());
                        if how != Supply::Withheld {
                            self.answer(&need, &mut facts, &body, how);
                        }
                        asked.push(need);
                    }
                }
            }
        };
        Walk { verdict, trace, asked }
    }

    fn keep(&self, chain: &Chain) {
        if let Some(identified) = chain.fresh_token() {
            let digest = identified.fresh_token.unwrap();
            self.kept.lock().unwrap().insert(digest, Arc::clone(&identified.caller));
        }
    }

    fn answer(&self, need: &Need, facts: &mut Facts, body: &Bytes, how: Supply) {
        let works = how != Supply::Failed;
        match need {
            Need::Guard { .. } => {
                let guarded = Guarded { admitted: works, failures_left: true, retry_after_secs: 1 };
                facts.guard = Some(guarded);
            }
            Need::Country { .. } => {
                facts.country = Some(match works {
                    true => Country::Known("DE".to_owned()),
                    false => Country::Unavailable,
                });
            }
            Need::VerifiedToken { digest } => {
                let kept = self.kept.lock().unwrap().get(digest).cloned();
                facts.cache_asked = true;
                facts.identity = kept.filter(|_| how == Supply::Kept).map(Ok);
            }
            Need::TokenStatus { .. } => facts.token_status = Some(TokenStatus::Unavailable),
            Need::SigningKeys { missing, .. } => {
                facts.keys_refreshed = missing.is_some();
                facts.keys = Some(match works {
                    true => Keys::Known { set: Arc::clone(&self.keys), as_of: NOW },
                    false => Keys::Unavailable,
                });
            }
            Need::ExchangeKeys { provider, missing } => {
                let keys = match works {
                    true => Keys::Known { set: Arc::clone(&self.keys), as_of: NOW },
                    false => Keys::Unavailable,
                };
                facts.exchange_keys.insert(provider.clone(), (keys, missing.is_some()));
            }
            Need::ApiKey { id, .. } => {
                let known = [&self.key.1, &self.revoked.1].into_iter().find(|key| key.id == *id);
                let stored = known.filter(|_| works).cloned();
                facts.api_key = Some(ApiKeyFact { stored, pepper: Arc::clone(&self.pepper) });
            }
            Need::Secrets { .. } => facts.secrets = Some(Arc::default()),
            Need::Nonce { .. } => facts.nonce = Some(Judged { counts: works, next: None }),
            Need::Once { .. } => facts.once = Some(if works { Seen::First } else { Seen::Full }),
            Need::Body { .. } => {
                facts.body = Some(match works {
                    true => BodyFact::Whole(body.clone()),
                    false => BodyFact::Failed(Refused::new(Reason::BodyTimeout, "it stopped")),
                });
            }
            Need::Limits(claims) => {
                facts.limits = Some(match works {
                    true => LimitsFact::Taken(
                        claims.iter().map(|claim| (claim.limit.clone(), TAKEN)).collect(),
                    ),
                    false => LimitsFact::Exhausted {
                        limit: claims[0].limit.clone(),
                        concurrent: false,
                        retry_after_secs: 1,
                    },
                });
            }
            Need::Sign(order) => facts.token = Some(signed(order, works)),
            Need::PublicKeys => {
                facts.public_keys = works.then(|| Bytes::from_static(b"{\"keys\":[]}"));
            }
            Need::Intent => facts.intent_durable = Some(works),
        }
    }
}

fn signed(order: &Order, works: bool) -> TokenFact {
    if !works {
        return TokenFact::Unavailable;
    }
    TokenFact::Signed(Arc::new(Signed {
        text: order.draft("walk", "walk", NOW).unwrap().input,
        handle: "walk".to_owned(),
        issued_at: NOW,
        expires_at: NOW.plus(order.lifetime),
    }))
}

fn stored(pepper: &Pepper, revoked: Option<Timestamp>) -> (String, Arc<StoredKey>) {
    let (text, id, hash) = fresh(pepper).unwrap();
    let key = StoredKey {
        id,
        hash,
        holder: "a supplier".to_owned(),
        tenant: Some("supply".to_owned()),
        scopes: ["stock:read", "stock:write"].map(str::to_owned).into(),
        created: NOW.minus(Duration::from_secs(60)),
        expires: Some(NOW.plus(Duration::from_secs(60))),
        revoked,
    };
    (text, Arc::new(key))
}

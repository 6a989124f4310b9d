//! What does the issuer say of an opaque token (RFC 7662)? It is asked over a connection that nobody on
//! the way can read, and its answer is kept for a declared moment.
//!
//! Kept by the SHA-256 of the whole token, per provider and revision of the snapshot (E15), in fixed
//! size: a full half pushes out the older half. Requests that show one token while it is asked about
//! wait for one answer; how many tokens are asked about at once is bounded, and beyond that nobody is
//! identified. That nothing was answered is never kept.

mod asking;
mod assertion;
mod kept;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use portcullis_config::Declaration;
use portcullis_config::declaration::{IntrospectionProvider, Provider};
use portcullis_core::facts::TokenStatus;
use portcullis_identity::introspection::OpaqueToken;
use portcullis_model::{ProviderId, Timestamp};
use tokio::sync::{OnceCell, Semaphore};

use self::asking::Asking;
use self::kept::Kept;

/// The issuers of opaque tokens.
#[derive(Debug, Default)]
pub struct Introspection {
    services: BTreeMap<ProviderId, Arc<Service>>,
}

#[derive(Debug)]
struct Service {
    declared: IntrospectionProvider,
    asking: Asking,
    kept: Kept,
    flights: Mutex<HashMap<[u8; 32], Flight>>,
    permits: Semaphore,
}

/// A question that is under way, and where its answer will stand.
type Flight = Arc<OnceCell<TokenStatus>>;

impl Introspection {
    /// The issuers of a declaration; what is known from an unchanged one stays. Nobody is asked yet.
    ///
    /// # Errors
    /// When our credential at an issuer, or its roots, cannot be used; never says what a secret holds.
    pub fn open(
        declaration: &Declaration,
        folder: &Path,
        before: Option<&Self>,
    ) -> Result<Self, (ProviderId, String)> {
        let mut services = BTreeMap::new();
        for (id, provider) in &declaration.providers {
            let Provider::Introspection(provider) = provider else { continue };
            let asking = Asking::open(id, provider, folder).map_err(|why| (id.clone(), why))?;
            let known = before.and_then(|before| before.services.get(id));
            let same = known.filter(|known| known.declared == **provider && known.asking == asking);
            let fresh = || {
                let concurrent = usize::try_from(provider.concurrent_max).unwrap_or(usize::MAX);
                Arc::new(Service {
                    declared: provider.as_ref().clone(),
                    asking,
                    kept: Kept::default(),
                    flights: Mutex::default(),
                    permits: Semaphore::new(concurrent.min(Semaphore::MAX_PERMITS)),
                })
            };
            services.insert(id.clone(), same.map_or_else(fresh, Arc::clone));
        }
        Ok(Self { services })
    }

    /// What the issuer says of a token.
    pub async fn status(
        &self,
        provider: &ProviderId,
        token: &OpaqueToken,
        revision: &Arc<str>,
        now: Timestamp,
    ) -> TokenStatus {
        let Some(service) = self.services.get(provider) else { return TokenStatus::Unavailable };
        if let Some(status) = service.find(token, revision, now) {
            return status;
        }
        let flight = service.board(token);
        let status = flight.cell.get_or_init(|| service.ask(token, revision, now)).await.clone();
        drop(flight);
        status
    }
}

impl Service {
    fn find(&self, token: &OpaqueToken, revision: &str, now: Timestamp) -> Option<TokenStatus> {
        let (answer, as_of) = self.kept.find(revision, token.digest())?;
        let fresh_for = match answer.is_active() {
            true => self.declared.fresh_for,
            false => self.declared.negative_for,
        };
        let fresh = as_of <= now && now.since(as_of) < fresh_for;
        fresh.then_some(TokenStatus::Known { answer, as_of })
    }

    async fn ask(&self, token: &OpaqueToken, revision: &Arc<str>, now: Timestamp) -> TokenStatus {
        let Ok(_permit) = self.permits.try_acquire() else {
            tracing::warn!(issuer = self.declared.issuer, "too many tokens are asked about");
            return TokenStatus::Unavailable;
        };
        let status = self.asking.ask(token, now).await;
        if let TokenStatus::Known { answer, as_of } = &status {
            self.kept.keep(revision, *token.digest(), Arc::clone(answer), *as_of);
        }
        status
    }

    /// Joins the question about a token, or begins it.
    fn board(&self, token: &OpaqueToken) -> Boarded<'_> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(flights.entry(*token.digest()).or_default());
        Boarded { service: self, digest: *token.digest(), cell }
    }
}

/// Somebody who waits for an answer. Whoever leaves last, with an answer or because the client went
/// away, takes the question off the list.
struct Boarded<'a> {
    service: &'a Service,
    digest: [u8; 32],
    cell: Flight,
}

impl Drop for Boarded<'_> {
    fn drop(&mut self) {
        let mut flights = self.service.flights.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = flights.get(&self.digest).is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // one is the list's and one is ours; an answer is found among those that are kept
        if ours && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            flights.remove(&self.digest);
        }
    }
}

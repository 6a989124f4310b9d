//! Where are the keys of an issuer that publishes metadata? Its metadata is fetched and believed for as
//! long as it is fresh; then it is asked for again, with the keys.
//!
//! Without an answer the keys are not fetched either, and grow stale: keys are believed for at most
//! `fresh_for` and `stale_until` after the metadata that led to them was last seen.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use portcullis_config::declaration::MetadataDocument;
use portcullis_identity::metadata::{self, Document};
use portcullis_model::Timestamp;
use portcullis_transport::fetch::{self, FetchRules};

/// An issuer that publishes metadata.
#[derive(Debug)]
pub struct Discovery {
    issuer: String,
    document: Document,
    fresh_for: Duration,
    rules: FetchRules,
    known: Mutex<Option<(String, Timestamp)>>,
}

impl Discovery {
    /// Nothing is fetched yet.
    #[must_use]
    pub fn new(
        issuer: &str,
        document: MetadataDocument,
        fresh_for: Duration,
        rules: FetchRules,
    ) -> Self {
        let document = match document {
            MetadataDocument::AuthorizationServer => Document::AuthorizationServer,
            MetadataDocument::OpenIdConfiguration => Document::OpenIdConfiguration,
        };
        Self { issuer: issuer.to_owned(), document, fresh_for, rules, known: Mutex::default() }
    }

    /// Where the keys are, from metadata that is fresh.
    ///
    /// # Errors
    /// When the metadata cannot be fetched, or is not to be believed.
    pub async fn jwks_uri(&self, now: Timestamp) -> Result<String, String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((url, as_of)) = known
            && now.since(as_of) < self.fresh_for
        {
            return Ok(url);
        }
        let place = metadata::place(&self.issuer, self.document)
            .ok_or_else(|| "the issuer has no place for metadata".to_owned())?;
        let bounds = FetchRules { bytes_max: metadata::METADATA_BYTES_MAX, ..self.rules.clone() };
        let bytes = fetch::json(&place, &bounds).await;
        let bytes = bytes.map_err(|error| format!("metadata `{place}`: {error}"))?;
        let read = metadata::read(&bytes, &self.issuer).map_err(|error| error.to_string())?;
        let found = (read.jwks_uri.clone(), now);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(read.jwks_uri)
    }
}

/// Two are the same if they ask the same issuer by the same rules; what is known does not count.
impl PartialEq for Discovery {
    fn eq(&self, other: &Self) -> bool {
        (&self.issuer, self.document, self.fresh_for, &self.rules)
            == (&other.issuer, other.document, other.fresh_for, &other.rules)
    }
}

impl Eq for Discovery {}

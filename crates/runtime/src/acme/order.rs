//! How is a certificate ordered? Account, order, one challenge for each name, the request for a fresh
//! key, and what was issued, kept for its owner alone. Everything within a deadline.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, OrderStatus,
    RetryPolicy,
};
use portcullis_config::declaration::Acme;
use portcullis_model::written::hex;
use portcullis_transport::call::Caller;
use portcullis_transport::fetch::FetchRules;
use portcullis_transport::tls::pem::PemObject;
use portcullis_transport::tls::{CertificateDer, Challenges, PrivateKeyDer};
use portcullis_transport::told::Told;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tokio::time::timeout;

use super::http::Http;
use super::kept::{certificate_path, write};

/// Longest time for one call, and for a whole order.
const CALL_DEADLINE: Duration = Duration::from_secs(20);
const ORDER_DEADLINE: Duration = Duration::from_secs(300);

/// Longest time until the authority has looked at the challenges, and until it has issued.
const POLL_DEADLINE: Duration = Duration::from_secs(90);

/// Largest answer of an authority in bytes.
const ANSWER_BYTES_MAX: usize = 256 * 1024;

/// Why nothing was issued.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AcmeError(String);

impl From<instant_acme::Error> for AcmeError {
    fn from(error: instant_acme::Error) -> Self {
        Self(error.to_string())
    }
}

fn failed(error: impl std::fmt::Display) -> AcmeError {
    AcmeError(error.to_string())
}

/// Orders a certificate and keeps it.
///
/// # Errors
/// Says what failed; what was kept before is as it was.
pub async fn order(folder: &Path, acme: &Acme, challenges: &Challenges) -> Result<(), AcmeError> {
    let told = Told::default();
    let ordered = async {
        let ordered = within_deadline(folder, acme, challenges, &told);
        let Some(address) = acme.http_address else { return ordered.await };
        tokio::select! {
            ordered = ordered => ordered,
            Err(error) = told.answer(address) => Err(failed(format!("{address}: {error}"))),
        }
    };
    let ordered = timeout(ORDER_DEADLINE, ordered).await;
    for host in &acme.hosts {
        challenges.withdraw(host);
    }
    ordered.unwrap_or_else(|_| Err(failed("the order was not fulfilled in time")))
}

async fn within_deadline(
    folder: &Path,
    acme: &Acme,
    challenges: &Challenges,
    told: &Told,
) -> Result<(), AcmeError> {
    let account = account(folder, acme).await?;
    let names: Vec<_> = acme.hosts.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        match authorization.status {
            AuthorizationStatus::Valid => continue,
            AuthorizationStatus::Pending => {}
            other => return Err(failed(format!("an authorization is {other:?}"))),
        }
        let kind = match acme.http_address {
            Some(_) => ChallengeType::Http01,
            None => ChallengeType::TlsAlpn01,
        };
        let mut challenge = authorization
            .challenge(kind)
            .ok_or_else(|| failed("the authority does not offer the declared challenge"))?;
        let Identifier::Dns(name) = challenge.identifier().identifier.clone() else {
            return Err(failed("the authority asks for what is no name"));
        };
        let known = challenge.key_authorization();
        match acme.http_address {
            Some(_) => told.tell(&challenge.token, known.as_str()),
            None => show(&name, known.digest().as_ref(), challenges)?,
        }
        challenge.set_ready().await?;
    }
    let patience = RetryPolicy::default().timeout(POLL_DEADLINE);
    let status = order.poll_ready(&patience).await?;
    if status != OrderStatus::Ready {
        return Err(failed(format!("the order is {status:?}")));
    }
    let key = KeyPair::generate().map_err(failed)?;
    let request = CertificateParams::new(acme.hosts.clone())
        .and_then(|params| params.serialize_request(&key))
        .map_err(failed)?;
    order.finalize_csr(request.der()).await?;
    let chain = order.poll_certificate(&patience).await?;
    let path = certificate_path(folder, acme).ok_or_else(|| failed("there is no name"))?;
    write(&path, &format!("{}{chain}", key.serialize_pem())).map_err(failed)
}

/// The certificate that answers a challenge (RFC 8737 section 3).
fn show(name: &str, digest: &[u8], challenges: &Challenges) -> Result<(), AcmeError> {
    let key = KeyPair::generate().map_err(failed)?;
    let mut params = CertificateParams::new(vec![name.to_owned()]).map_err(failed)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let certificate = params.self_signed(&key).map_err(failed)?;
    let secret = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    challenges.show(name, certificate.der().clone(), &secret).map_err(failed)
}

/// The account at this directory: the one that is kept, or a new one.
async fn account(folder: &Path, acme: &Acme) -> Result<Account, AcmeError> {
    let http = Http(caller(folder, acme)?);
    let directory = hex(digest(&SHA256, acme.directory.as_bytes()).as_ref());
    let short: String = directory.chars().take(16).collect();
    let path = folder.join(&acme.store).join(format!("account-{short}.json"));
    let builder = Account::builder_with_http(Box::new(http));
    if path.exists() {
        crate::private::check_key(&path).map_err(failed)?;
        let text = std::fs::read_to_string(&path).map_err(failed)?;
        let credentials = serde_json::from_str(&text).map_err(failed)?;
        return Ok(builder.from_credentials(credentials).await?);
    }
    let contacts: Vec<&str> = acme.contacts.iter().map(String::as_str).collect();
    let who = NewAccount {
        contact: &contacts,
        // the declaration says so, or it does not load
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder.create(&who, acme.directory.clone(), None).await?;
    let text = serde_json::to_string(&credentials).map_err(failed)?;
    write(&path, &text).map_err(failed)?;
    Ok(account)
}

fn caller(folder: &Path, acme: &Acme) -> Result<Caller, AcmeError> {
    let roots = match &acme.roots {
        None => None,
        Some(path) => {
            let pem = std::fs::read(folder.join(path)).map_err(failed)?;
            let roots = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
            Some(roots.map_err(failed)?)
        }
    };
    let rules = FetchRules {
        allow_addresses: acme.allow_addresses.clone(),
        deadline: CALL_DEADLINE,
        bytes_max: ANSWER_BYTES_MAX,
    };
    Caller::new(rules, roots.as_deref()).map_err(failed)
}

//! What does a listener speak TLS with? Made whole from its material, or not at all.
//!
//! Tickets and sessions are bound to trust: a server with other trust than the one before it has
//! other ticket keys and an empty store, so that nobody resumes what was allowed by trust that was
//! withdrawn. With the same trust they go on, so that renewing a certificate costs no handshakes.

use std::collections::BTreeSet;
use std::sync::Arc;

use portcullis_identity::certificate::Trust;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{
    ClientHello, NoClientAuth, ProducesTickets, ResolvesServerCert, ServerSessionMemoryCache,
    StoresServerSessions,
};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedCipherSuite};

use super::challenges::{ACME, Challenges};
use super::identity::Identity;
use super::names::{Named, Names};
use super::verifier::Verifier;

/// Sessions of TLS 1.2 that are kept; the oldest go first.
const SESSIONS_MAX: usize = 4096;

/// Tickets that a client is given after a handshake of TLS 1.3.
const TICKETS: usize = 2;

/// What a listener was given.
#[derive(Clone, Debug)]
pub struct Material {
    /// What it shows of itself.
    pub identities: Vec<Identity>,
    /// Whether TLS 1.2 is refused.
    pub only_13: bool,
    /// Accepted suites by their IANA names.
    pub suites: BTreeSet<String>,
    /// Protocols offered (RFC 7301), the preferred one first.
    pub protocols: Vec<&'static [u8]>,
    /// Whether it answers challenges of an authority.
    pub challenged: bool,
    /// Which client certificates it verifies.
    pub client: Option<Client>,
}

/// Which client certificates are verified.
#[derive(Clone, Debug)]
pub struct Client {
    /// Who may vouch.
    pub trust: Arc<Trust>,
    /// Whether a client without certificate is refused.
    pub required: bool,
}

/// What a listener speaks TLS with.
#[derive(Debug)]
pub struct Server {
    config: Arc<ServerConfig>,
    names: Arc<Names>,
    /// For an authority that looks at a challenge.
    challenged: Option<Arc<ServerConfig>>,
    trust: Option<Arc<Trust>>,
    resumption: Resumption,
}

/// What lets clients come back without a whole handshake.
#[derive(Clone, Debug)]
struct Resumption {
    /// The trust that it was made under, and whether a certificate had to be shown.
    under: Option<(String, bool)>,
    tickets: Arc<dyn ProducesTickets>,
    sessions: Arc<dyn StoresServerSessions>,
}

impl Server {
    /// A server of this material; `earlier` is the one that it takes the place of.
    ///
    /// # Errors
    /// Says what of the material does not go together.
    pub fn new(
        material: &Material,
        earlier: Option<&Self>,
        challenges: &Arc<Challenges>,
    ) -> Result<Self, String> {
        let names = Names::new(&material.identities).map_err(|twice| twice.to_string())?;
        let names = Arc::new(names);
        let provider = provider(&material.suites);
        let algorithms = provider.signature_verification_algorithms;
        let versions = if material.only_13 { &[&TLS13][..] } else { &[&TLS13, &TLS12][..] };
        let builder = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .map_err(|error| error.to_string())?;
        let builder = match &material.client {
            Some(client) => builder.with_client_cert_verifier(Arc::new(Verifier::new(
                Arc::clone(&client.trust),
                client.required,
                algorithms,
            ))),
            None => builder.with_client_cert_verifier(Arc::new(NoClientAuth)),
        };
        let resumption = resumption(material, earlier)?;
        let resolver: Arc<dyn ResolvesServerCert> = Arc::<Names>::clone(&names);
        let mut config = builder.with_cert_resolver(resolver);
        config.ticketer = Arc::clone(&resumption.tickets);
        config.session_storage = Arc::clone(&resumption.sessions);
        config.send_tls13_tickets = TICKETS;
        config.alpn_protocols = material.protocols.iter().map(|name| name.to_vec()).collect();
        let trust = material.client.as_ref().map(|client| Arc::clone(&client.trust));
        let challenged = material.challenged.then(|| challenged(challenges)).transpose()?;
        Ok(Self { config: Arc::new(config), names, challenged, trust, resumption })
    }

    /// What a client is answered with: an authority that looks at a challenge (RFC 8737 section 3)
    /// has no certificate of its own to show, and is shown nothing else.
    pub(super) fn config_for(&self, hello: &ClientHello<'_>) -> Arc<ServerConfig> {
        let offered: Vec<&[u8]> = hello.alpn().into_iter().flatten().take(2).collect();
        match &self.challenged {
            Some(challenged) if offered == [ACME] => Arc::clone(challenged),
            Some(_) | None => Arc::clone(&self.config),
        }
    }

    /// Whom a client is shown that asks for this name.
    pub(super) fn named(&self, asked: &str) -> Option<Named> {
        self.names.named(asked)
    }

    /// Who may vouch for clients here.
    #[must_use]
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_deref()
    }
}

fn challenged(challenges: &Arc<Challenges>) -> Result<Arc<ServerConfig>, String> {
    let resolver: Arc<dyn ResolvesServerCert> = Arc::<Challenges>::clone(challenges);
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(|error| error.to_string())?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![ACME.to_vec()];
    Ok(Arc::new(config))
}

fn resumption(material: &Material, earlier: Option<&Server>) -> Result<Resumption, String> {
    let client = material.client.as_ref();
    let under = client.map(|client| (client.trust.revision().to_owned(), client.required));
    if let Some(earlier) = earlier.filter(|earlier| earlier.resumption.under == under) {
        return Ok(earlier.resumption.clone());
    }
    let tickets = aws_lc_rs::Ticketer::new().map_err(|error| error.to_string())?;
    Ok(Resumption { under, tickets, sessions: ServerSessionMemoryCache::new(SESSIONS_MAX) })
}

/// aws-lc-rs with the accepted suites, in its own order of preference.
fn provider(suites: &BTreeSet<String>) -> CryptoProvider {
    let accepted = |suite: &SupportedCipherSuite| {
        // rustls writes the version into the names of those of TLS 1.3
        suites.contains(&format!("{:?}", suite.suite()).replace("TLS13_", "TLS_"))
    };
    let all = aws_lc_rs::default_provider();
    let cipher_suites = all.cipher_suites.iter().filter(|suite| accepted(suite)).copied().collect();
    CryptoProvider { cipher_suites, ..all }
}

//! Who may exchange which tokens for what, and can each of them be held to it?

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portcullis_model::ProviderId;

use super::own_address::{IN_THE_CLEAR, own_address};
use crate::check;
use crate::declaration::{Exchange, ExchangeClient};
use crate::document::{self, Document};
use crate::problems::{Problems, Rule};

const CLIENT: Rule = Rule {
    code: "PC0193",
    why: "who exchanges a token must be known without doubt, and a token can be exchanged only where it can be verified",
    fix: "name a provider of certificates or signed tokens in `provider`, providers of signed tokens in `subjects`, and each client once",
};

const LIFETIME: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(3600));

/// Whether a provider is used for an exchange.
pub(super) fn uses(document: &Document, provider: &str) -> bool {
    let exchange = document.tokens.as_ref().and_then(|tokens| tokens.exchange.as_ref());
    exchange.is_some_and(|exchange| {
        exchange.clients.values().any(|client| {
            client.provider == provider || client.subjects.iter().any(|one| one == provider)
        })
    })
}

pub(super) fn exchange(
    document: &Document,
    written: &document::Exchange,
    problems: &mut Problems<'_>,
) -> Exchange {
    let at = ["tokens", "exchange"];
    let address = own_address(document, (&written.listener, &written.path), &at, problems);
    if let Some(listener) = document.listeners.get(&written.listener)
        && listener.tls.is_none()
        && !listener.address.starts_with("127.")
        && !listener.address.starts_with("[::1]")
    {
        let message =
            format!("tokens are exchanged in the clear at listener `{}`", written.listener);
        problems.warning(IN_THE_CLEAR, &["tokens", "exchange", "listener"], message);
    }
    if written.clients.is_empty() {
        problems.error(CLIENT, &["tokens", "exchange", "clients"], "nobody may exchange tokens");
    }
    let mut clients: BTreeMap<String, ExchangeClient> = BTreeMap::new();
    for (name, written) in &written.clients {
        check::name(name, &["tokens", "exchange", "clients", name], problems);
        let read = client(document, name, written, problems);
        let twice = clients
            .iter()
            .find(|(_, one)| one.provider == read.provider && one.subject == read.subject);
        if let Some((other, _)) = twice {
            let message = format!("clients `{name}` and `{other}` are the same caller");
            problems.error(CLIENT, &["tokens", "exchange", "clients", name], message);
        }
        clients.insert(name.clone(), read);
    }
    Exchange { address, clients }
}

fn client(
    document: &Document,
    name: &str,
    written: &document::ExchangeClient,
    problems: &mut Problems<'_>,
) -> ExchangeClient {
    let at = |key| ["tokens", "exchange", "clients", name, key];
    match document.providers.get(&written.provider) {
        None => {
            let known = document.providers.keys().map(String::as_str);
            problems.dangling(&at("provider"), "provider", &written.provider, known);
        }
        Some(
            document::Provider::Certificates(_)
            | document::Provider::Jwt(_)
            | document::Provider::Workload(_),
        ) => {}
        Some(_) => {
            let message = format!("`{}` cannot vouch for who exchanges tokens", written.provider);
            problems.error(CLIENT, &at("provider"), message);
        }
    }
    check::filled(&written.subject, &at("subject"), problems);
    for subject in check::set(&written.subjects, &at("subjects"), problems) {
        match document.providers.get(&subject) {
            None => {
                let known = document.providers.keys().map(String::as_str);
                problems.dangling(&at("subjects"), "provider", &subject, known);
            }
            Some(document::Provider::Jwt(_)) => {}
            Some(_) => {
                let message = format!("`{subject}` has no tokens that could be exchanged");
                problems.error(CLIENT, &at("subjects"), message);
            }
        }
    }
    ExchangeClient {
        provider: ProviderId::new(&written.provider),
        subject: written.subject.clone(),
        subjects: written.subjects.iter().map(|one| ProviderId::new(one)).collect(),
        audiences: check::set(&written.audiences, &at("audiences"), problems),
        scopes: written.scopes.iter().cloned().collect::<BTreeSet<_>>(),
        lifetime: check::duration(&written.lifetime, LIFETIME, &at("lifetime"), problems),
    }
}

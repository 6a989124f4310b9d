//! Can a certificate be ordered like this?

use std::collections::BTreeSet;
use std::net::SocketAddr;

use portcullis_model::workload::is_dns_name;

use crate::check;
use crate::declaration::Acme;
use crate::document;
use crate::problems::{Problems, Rule};
use crate::resolve::keys::is_safe_url;

const UNSAFE_URL: Rule = Rule {
    code: "PC0116",
    why: "whoever can change the answer on its way decides which names are proven, and to whom",
    fix: "use `https://`; `http://` only to a loopback address",
};
const TERMS: Rule = Rule {
    code: "PC0107",
    why: "an authority issues to those who agree to its terms, and only a person can",
    fix: "read them, and write `terms_agreed: true`",
};

pub(super) fn acme(base: &[&str], written: &document::Acme, problems: &mut Problems<'_>) -> Acme {
    let at = |key| [base, &[key]].concat();
    if !is_safe_url(&written.directory) {
        let message = format!("certificates cannot be ordered safely from `{}`", written.directory);
        problems.error(UNSAFE_URL, &at("directory"), message);
    }
    if !written.terms_agreed {
        problems.error(TERMS, &at("terms_agreed"), "the terms of service are not agreed to");
    }
    let hosts: BTreeSet<&String> = written.hosts.iter().collect();
    if hosts.is_empty() || hosts.len() < written.hosts.len() {
        problems.error(check::VALUE, &at("hosts"), "at least one name, and each once");
    }
    for host in written.hosts.iter().filter(|host| !is_dns_name(host)) {
        let message = format!("`{host}` is not a DNS name in lower case");
        problems.error(check::VALUE, &at("hosts"), message);
    }
    for contact in written.contacts.iter().filter(|contact| !contact.starts_with("mailto:")) {
        let message = format!("`{contact}` does not begin with `mailto:`");
        problems.error(check::VALUE, &at("contacts"), message);
    }
    check::inside(&written.store, &at("store"), problems);
    if let Some(roots) = &written.roots {
        check::inside(roots, &at("roots"), problems);
    }
    let http_address = written.http_address.as_ref().and_then(|text| {
        let address = text.parse::<SocketAddr>();
        if address.is_err() {
            let message = format!("`{text}` is not an IP address with a port");
            problems.error(check::VALUE, &at("http_address"), message);
        }
        address.ok()
    });
    Acme {
        http_address,
        directory: written.directory.clone(),
        hosts: written.hosts.clone(),
        contacts: written.contacts.clone(),
        roots: written.roots.clone(),
        store: written.store.clone(),
        allow_addresses: check::networks(
            &written.allow_addresses,
            &at("allow_addresses"),
            problems,
        ),
    }
}

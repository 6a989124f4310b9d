//! What does a declared upstream mean to whoever connects to it? Its certificates and keys are read
//! here, and what of them cannot be used is said: certificates when the estate is checked, keys
//! where they are, which is not everywhere an estate is checked.

use std::fs::File;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use http::{HeaderName, StatusCode};
use portcullis_config::Declaration;
use portcullis_config::declaration::{
    self as declared, MinTls, SecretRef, SigningKey, Upstream, UpstreamTls,
};
use portcullis_diagnostics::{Finding, Span};
use portcullis_transport::address::AddressClass;
use portcullis_transport::upstream::balance::Balance;
use portcullis_transport::upstream::endpoint::Authority;
use portcullis_transport::upstream::target::{Target, Timeouts};
use portcullis_transport::upstream::tls::{
    Material, MinVersion, Protocol, Tls, check_certificate, check_roots,
};
use portcullis_transport::upstream::{circuit, health, outlier, resolve, retry};

use crate::private;
use crate::signing::Signer;

/// Largest file of certificates or a key, in bytes.
const PEM_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// What is wrong with the upstreams of an estate, as far as its folder tells.
#[must_use]
pub fn survey(declaration: &Declaration, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (id, upstream) in &declaration.upstreams {
        let class = class(upstream);
        let fixed = upstream.addresses.iter().filter_map(|one| one.host.parse::<IpAddr>().ok());
        for address in fixed.filter(|address| !class.allows(*address)) {
            findings.push(
                Finding::error("PC0141", format!("upstream `{id}` is at `{address}`"))
                    .at(upstream.span.clone(), "outside what it may lead to")
                    .why("every request to it would be refused")
                    .fix("declare the `address_class` or `allow_networks` that is meant; addresses at which clouds tell machines about themselves are never allowed"),
            );
        }
        if let Some(tls) = &upstream.tls {
            findings.extend(survey_tls(tls, folder));
        }
        findings.extend(survey_signature(upstream, folder));
    }
    findings
}

fn survey_tls(tls: &UpstreamTls, folder: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |path: &str, why: String| findings.push(unusable(path, &why, tls.span.clone()));
    if let Some(path) = &tls.roots {
        let read = bytes(&folder.join(path));
        if let Err(why) = read.and_then(|pem| check_roots(&pem).map_err(|why| why.to_string())) {
            say(path, why);
        }
    }
    let Some(client) = &tls.client else { return findings };
    let read = bytes(&folder.join(&client.certificate));
    if let Err(why) = read.and_then(|pem| check_certificate(&pem).map_err(|why| why.to_string())) {
        say(&client.certificate, why);
    }
    if let SecretRef::File(path) = &client.key
        && folder.join(path).exists()
        && let Err(why) = private::check_key(&folder.join(path))
    {
        say(path, why);
    }
    findings
}

/// A key that stands where the estate is checked must be one that signs.
fn survey_signature(upstream: &Upstream, folder: &Path) -> Option<Finding> {
    let signature = upstream.signature.as_ref()?;
    let (SigningKey::Private(secret) | SigningKey::Shared(secret)) = &signature.key;
    let SecretRef::File(path) = secret else { return None };
    if !folder.join(path).exists() {
        return None;
    }
    let why = Signer::open(signature, upstream.tls.is_some(), folder).err()?;
    Some(
        Finding::error("PC0185", format!("requests cannot be signed: {why}"))
            .at(upstream.span.clone(), "this upstream")
            .why("what signs must be known, or nothing is signed")
            .fix("give a `PRIVATE KEY` in PEM (Ed25519, or ECDSA on P-256) that nobody but its owner and group may read, or a `secret` of at least 16 bytes"),
    )
}

fn unusable(path: &str, why: &str, span: Span) -> Finding {
    Finding::error("PC0145", format!("`{path}`: {why}"))
        .at(span, "named here")
        .why("an upstream that cannot prove who it is, or to which we cannot, is not connected to")
        .fix("check the path, relative to the folder of the declaration, and that it is PEM; nobody but its owner and group may read a key")
}

/// Where an upstream stands, its certificates and keys read.
///
/// # Errors
/// Says which file or variable cannot be used; never what it holds.
pub fn target(upstream: &Upstream, folder: &Path) -> Result<Target, String> {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    let tls = upstream.tls.as_ref();
    let tls =
        tls.map(|tls| Tls::new(&material(tls, upstream, folder)?).map_err(|why| why.to_string()));
    Ok(Target {
        authorities: upstream.addresses.iter().map(authority).collect(),
        class: class(upstream),
        resolve: resolve::Rule { refresh: upstream.dns.refresh, keep_for: upstream.dns.keep_for },
        balance: match upstream.balance {
            declared::Balance::ByPrincipal => Balance::Principal,
            declared::Balance::ByTenant => Balance::Tenant,
            declared::Balance::LeastRequest => Balance::LeastRequest,
        },
        health: upstream.health.as_ref().map(health_rule),
        outlier: upstream.outlier.map(|rule| outlier::Rule {
            consecutive_failures: rule.consecutive_failures,
            eject_for: rule.eject_for,
            eject_for_max: rule.eject_for_max,
            ejected_percent_max: rule.ejected_percent_max,
        }),
        circuit: circuit::Rule {
            requests_max: size(upstream.circuit.requests_max),
            pending_max: size(upstream.circuit.pending_max),
            retries_max: size(upstream.circuit.retries_max),
        },
        retries: retry::Rule {
            attempts_max: upstream.retries.attempts_max,
            statuses: statuses(&upstream.retries.statuses),
            budget_percent: upstream.retries.budget_percent,
        },
        timeouts: Timeouts {
            connect: upstream.connect_timeout,
            response: upstream.response_timeout,
            idle: upstream.idle_timeout,
            each_try: upstream.try_timeout,
            overall: upstream.overall_timeout,
        },
        connections_max: size(upstream.connections_max),
        protocol: protocol(upstream),
        tls: tls.transpose()?,
        trailers: upstream
            .trailers
            .iter()
            .filter_map(|name| name.parse::<HeaderName>().ok())
            .collect(),
    })
}

fn authority(address: &declared::HostPort) -> Authority {
    Authority { host: address.host.clone(), port: address.port }
}

fn class(upstream: &Upstream) -> AddressClass {
    match &upstream.class {
        declared::AddressClass::Any => AddressClass::Any,
        declared::AddressClass::Networks(networks) => AddressClass::Networks(networks.clone()),
        declared::AddressClass::Private => AddressClass::Private,
        declared::AddressClass::Public => AddressClass::Public,
    }
}

const fn protocol(upstream: &Upstream) -> Protocol {
    match upstream.protocol {
        declared::UpstreamProtocol::Auto => Protocol::Auto,
        declared::UpstreamProtocol::Http1 => Protocol::Http1,
        declared::UpstreamProtocol::Http2 => Protocol::Http2,
    }
}

fn health_rule(rule: &declared::Health) -> health::Rule {
    health::Rule {
        path: rule.path.clone(),
        interval: rule.interval,
        timeout: rule.timeout,
        unhealthy_after: rule.unhealthy_after,
        healthy_after: rule.healthy_after,
        statuses: statuses(&rule.statuses),
    }
}

fn statuses(numbers: &[u16]) -> Vec<StatusCode> {
    numbers.iter().filter_map(|number| StatusCode::from_u16(*number).ok()).collect()
}

fn material(tls: &UpstreamTls, upstream: &Upstream, folder: &Path) -> Result<Material, String> {
    let file =
        |path: &String| bytes(&folder.join(path)).map_err(|why| format!("file `{path}`: {why}"));
    let client = tls.client.as_ref();
    Ok(Material {
        roots: tls.roots.as_ref().map(file).transpose()?,
        certificate: client.map(|client| file(&client.certificate)).transpose()?,
        key: client.map(|client| key(&client.key, folder)).transpose()?,
        server_name: tls.server_name.clone(),
        min_version: match tls.min_version {
            MinTls::Tls12 => MinVersion::Tls12,
            MinTls::Tls13 => MinVersion::Tls13,
        },
        protocol: protocol(upstream),
    })
}

fn key(secret: &SecretRef, folder: &Path) -> Result<Vec<u8>, String> {
    match secret {
        SecretRef::Env(name) => std::env::var(name)
            .map(String::into_bytes)
            .map_err(|_| format!("variable `{name}` is not set")),
        SecretRef::File(path) => {
            let file = folder.join(path);
            private::check_key(&file).map_err(|why| format!("file `{path}`: {why}"))?;
            bytes(&file).map_err(|why| format!("file `{path}`: {why}"))
        }
    }
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    let bound = PEM_BYTES_MAX.saturating_add(1);
    file.take(bound).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > PEM_BYTES_MAX {
        return Err(format!("larger than {PEM_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

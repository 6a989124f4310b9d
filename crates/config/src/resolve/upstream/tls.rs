//! Can TLS to an upstream be what is declared? Whether its files can be used is found where they are
//! read.

use std::net::IpAddr;

use crate::check;
use crate::declaration::{ClientCertificate, MinTls, SecretRef, UpstreamProtocol, UpstreamTls};
use crate::document;
use crate::problems::{Problems, Rule};

const NO_CHOICE: Rule = Rule {
    code: "PC0146",
    why: "which HTTP an upstream speaks is agreed within TLS, and there is none",
    fix: "declare `tls`, or choose `http1` or `http2`",
};

pub(super) fn protocol(
    name: &str,
    written: &document::Upstream,
    problems: &mut Problems<'_>,
) -> UpstreamProtocol {
    match written.protocol {
        document::UpstreamProtocol::Auto if written.tls.is_none() => {
            let message = "`auto` needs TLS";
            problems.error(NO_CHOICE, &["upstreams", name, "protocol"], message);
            UpstreamProtocol::Auto
        }
        document::UpstreamProtocol::Auto => UpstreamProtocol::Auto,
        document::UpstreamProtocol::Http1 => UpstreamProtocol::Http1,
        document::UpstreamProtocol::Http2 => UpstreamProtocol::Http2,
    }
}

pub(super) fn tls(
    name: &str,
    written: &document::UpstreamTls,
    problems: &mut Problems<'_>,
) -> UpstreamTls {
    let at = |key| ["upstreams", name, "tls", key];
    if let Some(roots) = &written.roots {
        check::inside(roots, &at("roots"), problems);
    }
    if let Some(server) = &written.server_name {
        let is_address = server.parse::<IpAddr>().is_ok();
        if !is_address && !check::is_host(server) {
            let message = format!("`{server}` is not a name");
            problems.error(check::VALUE, &at("server_name"), message);
        }
    }
    let client = written.client.as_ref().map(|client| {
        let path = ["upstreams", name, "tls", "client", "certificate"];
        check::inside(&client.certificate, &path, problems);
        let key = match &client.key {
            document::Secret::Env(name) => SecretRef::Env(name.clone()),
            document::Secret::File(path) => SecretRef::File(path.clone()),
        };
        ClientCertificate { certificate: client.certificate.clone(), key }
    });
    UpstreamTls {
        roots: written.roots.clone(),
        server_name: written.server_name.clone(),
        client,
        min_version: match written.versions.min {
            document::Version::V12 => MinTls::Tls12,
            document::Version::V13 => MinTls::Tls13,
        },
        span: problems.span(&["upstreams", name, "tls"]),
    }
}

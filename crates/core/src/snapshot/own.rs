//! Do the addresses that the boundary answers itself stand alone? No operation of any contract may be
//! reached by the same path at any host, so that a request has one meaning whatever its host is.

use std::collections::BTreeSet;

use portcullis_config::Declaration;
use portcullis_config::declaration::OwnAddress;
use portcullis_diagnostics::Finding;
use portcullis_model::Method;
use portcullis_reading::path::CanonicalPath;

use super::router::Router;

/// Says which of them do not.
pub(super) fn check(declaration: &Declaration, router: &Router, findings: &mut Vec<Finding>) {
    let Some(tokens) = &declaration.tokens else { return };
    let exchange = tokens.exchange.as_ref().map(|exchange| &exchange.address);
    if let (Some(one), Some(other)) = (&tokens.publish, exchange)
        && (&one.listener, &one.path) == (&other.listener, &other.path)
    {
        findings.push(met(other));
    }
    for own in tokens.publish.iter().chain(exchange) {
        let hosts: BTreeSet<&String> =
            declaration.apis.values().flat_map(|api| &api.hosts).collect();
        let Ok(path) = CanonicalPath::parse(&own.path) else { continue };
        let taken = hosts
            .iter()
            .any(|host| Method::ALL.iter().any(|method| router.find(host, &path, *method).is_ok()));
        if taken {
            findings.push(met(own));
        }
    }
}

fn met(own: &OwnAddress) -> Finding {
    Finding::error("PC0191", format!("`{}` is also something else", own.path))
        .at(own.span.clone(), "here")
        .why("an operation of a contract, or the other address, could never be reached there")
        .fix("choose a path that no contract has, such as `/.well-known/jwks.json`")
}

//! What is a client told about an API before it has a token (RFC 9728)? Who issues tokens for it, which
//! scopes there are, and, with every challenge, where that is said.
//!
//! Only what the declaration and the contract say anyway to whoever may call: the issuers that the
//! boundary accepts which the client comes through, nothing of policies, zones or upstreams.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use portcullis_config::declaration::{Boundary, ProtectedResource, Provider};
use portcullis_model::ApiId;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::snapshot::Snapshot;

/// The metadata of an API, for those who come through a boundary.
pub(crate) fn answer(
    api: &ApiId,
    resource: &ProtectedResource,
    boundary: &Boundary,
    snapshot: &Snapshot,
) -> Answer {
    let providers = &snapshot.declaration.providers;
    let accepted = boundary.identity.providers.iter().filter_map(|id| providers.get(id));
    let issuers: BTreeSet<&str> = accepted
        .filter_map(|provider| match provider {
            Provider::Jwt(jwt) => Some(jwt.issuer.as_str()),
            Provider::Introspection(opaque) => Some(opaque.issuer.as_str()),
            Provider::ApiKeys(_)
            | Provider::Certificates(_)
            | Provider::Signatures(_)
            | Provider::Webhook(_) => None,
        })
        .collect();
    let operations = snapshot.operations.iter().filter(|operation| operation.api == *api);
    let scopes: BTreeSet<&str> = operations
        .flat_map(|operation| &operation.operation.security)
        .flat_map(|one| one.schemes.values().flatten())
        .map(String::as_str)
        .collect();
    let mut metadata = json!({
        "resource": resource.resource,
        "authorization_servers": issuers,
        "scopes_supported": scopes,
        "bearer_methods_supported": ["header"],
    });
    if let (Some(page), Some(members)) = (&resource.documentation, metadata.as_object_mut()) {
        members.insert("resource_documentation".to_owned(), Value::from(page.as_str()));
    }
    let json = HeaderValue::from_static("application/json");
    let headers = HeaderMap::from_iter([(CONTENT_TYPE, json)]);
    Answer { status: StatusCode::OK, headers, body: Bytes::from(metadata.to_string()) }
}

/// Says in challenges where the metadata is (RFC 9728 section 5.1).
pub(crate) fn point(resource: Option<&ProtectedResource>, headers: &mut HeaderMap) {
    let Some(resource) = resource else { return };
    for value in headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect::<Vec<_>>() {
        let Ok(text) = value.to_str() else { continue };
        let between = if text.contains(' ') { ", " } else { " " };
        let text = format!("{text}{between}resource_metadata=\"{}\"", resource.metadata);
        if let Ok(pointing) = HeaderValue::from_str(&text) {
            headers.insert(WWW_AUTHENTICATE, pointing);
        }
    }
}

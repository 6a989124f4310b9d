//! Is the resource that clients are told about this API?

use http::Uri;

use crate::declaration::ProtectedResource;
use crate::document::{self, Api};
use crate::problems::{Problems, Rule};
use crate::resolve::keys::is_safe_url;

const OTHER: Rule = Rule {
    code: "PC0128",
    why: "clients compare the resource that the metadata names with the URL that they call",
    fix: "write a host of the API and its base path, such as `https://api.shop.example/v1`",
};

/// Where the metadata of a protected resource is (RFC 9728 section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

pub(super) fn resource(
    name: &str,
    api: &Api,
    written: &document::ProtectedResource,
    problems: &mut Problems<'_>,
) -> ProtectedResource {
    let at = |key| ["apis", name, "protected_resource", key];
    let url = written.resource.parse::<Uri>().unwrap_or_default();
    let host = url.host().unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let bare = is_safe_url(&written.resource) && !written.resource.contains(['?', '#']);
    if !bare || !api.hosts.iter().any(|known| known == host) || path != api.base_path {
        let message = format!("`{}` is not this API", written.resource);
        problems.error(OTHER, &at("resource"), message);
    }
    if let Some(page) = &written.documentation
        && !(page.starts_with("https://") && is_safe_url(page))
    {
        problems.error(OTHER, &at("documentation"), format!("`{page}` is no `https` page"));
    }
    let scheme = url.scheme_str().unwrap_or_default();
    let authority = url.authority().map(ToString::to_string).unwrap_or_default();
    ProtectedResource {
        resource: written.resource.clone(),
        metadata: format!("{scheme}://{authority}{WELL_KNOWN}{path}"),
        path: format!("{WELL_KNOWN}{path}"),
        documentation: written.documentation.clone(),
    }
}

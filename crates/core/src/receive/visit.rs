//! Where does a request of a zone lead, and is the way there open?

use std::sync::Arc;

use portcullis_config::declaration::{Api, ProtectedResource};
use portcullis_model::{ApiId, Method, Reason, Stage, Timestamp, ZoneId};
use portcullis_reading::message::Message;

use crate::addresses;
use crate::facts::Country;
use crate::life;
use crate::refusal::Refusal;
use crate::snapshot::router::Unmatched;
use crate::snapshot::{CompiledBoundary, CompiledOperation, Snapshot};
use crate::span::Span;
use crate::trace::Trace;

/// Where APIs are described (RFC 9728 section 3.1).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// One request that comes from a zone.
pub(super) struct Visit<'a> {
    pub(super) from: &'a ZoneId,
    pub(super) message: &'a Message,
    pub(super) snapshot: &'a Snapshot,
    pub(super) now: Timestamp,
    pub(super) country: Option<&'a Country>,
}

impl<'a> Visit<'a> {
    /// The operation, and where in the path its parameters stand.
    pub(super) fn find(
        &self,
        method: Method,
    ) -> Result<(&'a Arc<CompiledOperation>, Vec<usize>), Refusal> {
        let matched = self
            .snapshot
            .router
            .find(self.message.host.as_str(), &self.message.path, method)
            .map_err(|unmatched| match unmatched {
                Unmatched::Host => Refusal::new(Reason::UnknownHost, "no API has this host"),
                Unmatched::Operation => Refusal::new(
                    Reason::UnlistedOperation,
                    "no contract lists this method and path",
                ),
            })?;
        let operation = self.snapshot.operations.get(matched.operation);
        let operation =
            operation.ok_or_else(|| Refusal::missing_fact(Stage::Receive, "operation"))?;
        Ok((operation, matched.parameters))
    }

    /// The methods that the API lists for this path.
    pub(super) fn methods(&self, operation: &CompiledOperation) -> Vec<Method> {
        let is_listed =
            |method: &Method| self.find(*method).is_ok_and(|(found, _)| found.api == operation.api);
        Method::ALL.into_iter().filter(is_listed).collect()
    }

    /// Its API, as declared.
    pub(super) fn api(&self, operation: &CompiledOperation) -> Option<&'a Api> {
        self.snapshot.declaration.apis.get(&operation.api)
    }

    /// The API that this asks about, if it is its metadata that is asked for.
    pub(super) fn described(&self) -> Option<(&'a ApiId, &'a Api, &'a ProtectedResource)> {
        let (host, path) = (self.message.host.as_str(), self.message.path.as_str());
        if self.message.method != Method::Get || !path.starts_with(WELL_KNOWN) {
            return None;
        }
        self.snapshot.declaration.apis.iter().find_map(|(id, api)| {
            let resource = api.protected_resource.as_ref()?;
            (resource.path == path && api.hosts.contains(host)).then_some((id, api, resource))
        })
    }

    /// The crossing, if it is declared, open to this address, and the API is served.
    pub(super) fn enter(
        &self,
        operation: &CompiledOperation,
        trace: &mut Trace,
    ) -> Result<&'a Arc<CompiledBoundary>, Refusal> {
        trace.request.template = Some(operation.template.clone());
        trace.crossing.operation = Some(operation.id.clone());
        self.come_to(&operation.api, &operation.zone, trace)
    }

    /// The crossing to an API, by the same rules.
    pub(super) fn come_to(
        &self,
        api: &ApiId,
        zone: &ZoneId,
        trace: &mut Trace,
    ) -> Result<&'a Arc<CompiledBoundary>, Refusal> {
        trace.crossing.to = Some(zone.clone());
        trace.crossing.api = Some(api.clone());
        let key = (self.from.clone(), zone.clone());
        let crossing = self.snapshot.crossings.get(&key).ok_or_else(|| {
            Refusal::new(
                Reason::UndeclaredCrossing,
                format!("no boundary leads from `{}` to `{}`", key.0, key.1),
            )
        })?;
        trace.crossing.boundary = Some(crossing.id.clone());
        if crossing.boundary.trace.continues {
            let (claimed, rule) = (self.message.trace.as_ref(), Some(&crossing.boundary.trace));
            let sampling = self.snapshot.sampling;
            trace.span = Span::of(&trace.id, claimed, rule, sampling).map(Arc::new);
        }
        let lists = crossing.boundary.addresses.as_ref();
        addresses::judge(lists, self.message.client_address, "boundary")?;
        addresses::judge_country(lists, self.country, "boundary")?;
        if let Some(api) = self.snapshot.declaration.apis.get(api) {
            life::judge(&api.life, self.now)?;
        }
        Ok(crossing)
    }
}

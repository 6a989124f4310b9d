//! Where does a request of a zone lead, and is the way there open?

use std::sync::Arc;

use portcullis_config::declaration::Api;
use portcullis_model::{Method, Reason, Stage, Timestamp, ZoneId};
use portcullis_reading::message::Message;

use crate::addresses;
use crate::facts::Country;
use crate::life;
use crate::refusal::Refusal;
use crate::snapshot::router::Unmatched;
use crate::snapshot::{CompiledBoundary, CompiledOperation, Snapshot};
use crate::span::Span;
use crate::trace::Trace;

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

    /// The crossing, if it is declared, open to this address, and the API is served.
    pub(super) fn enter(
        &self,
        operation: &CompiledOperation,
        trace: &mut Trace,
    ) -> Result<&'a Arc<CompiledBoundary>, Refusal> {
        trace.request.template = Some(operation.template.clone());
        trace.crossing.to = Some(operation.zone.clone());
        trace.crossing.api = Some(operation.api.clone());
        trace.crossing.operation = Some(operation.id.clone());
        let key = (self.from.clone(), operation.zone.clone());
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
        if let Some(api) = self.api(operation) {
            life::judge(&api.life, self.now)?;
        }
        Ok(crossing)
    }
}

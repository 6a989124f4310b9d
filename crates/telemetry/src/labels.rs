//! Under which names is something counted? Names of the declaration, and closed sets of words of
//! our own; nothing that a client sends.

use std::fmt;
use std::sync::Arc;

use portcullis_model::{ApiId, BoundaryId, OperationId, ProviderId, UpstreamId};
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

use crate::series::Labels;

/// The word for all series beyond the bound.
const OTHER: &str = "other";

/// A declared name as a label, shared and not copied; empty where none was found.
#[derive(Clone, Debug, Hash, PartialEq, Eq)]
pub(crate) struct Name<T>(pub(crate) Option<T>);

/// What a label says in the series of all the rest.
trait Rest {
    fn rest() -> Self;
}

impl<T: for<'a> From<&'a str>> Rest for Name<T> {
    fn rest() -> Self {
        Self(Some(T::from(OTHER)))
    }
}

impl Rest for &'static str {
    fn rest() -> Self {
        OTHER
    }
}

impl<T: fmt::Display + fmt::Debug> EncodeLabelValue for Name<T> {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        use fmt::Write as _;
        match &self.0 {
            Some(name) => write!(encoder, "{name}"),
            None => Ok(()),
        }
    }
}

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident { $($(#[$inner:meta])* $label:ident: $kind:ty),+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
        pub(crate) struct $name {
            $($(#[$inner])* pub(crate) $label: $kind),+
        }

        impl Labels for $name {
            fn other() -> Self {
                Self { $($label: Rest::rest()),+ }
            }
        }
    )+};
}

labels! {
    /// A decision.
    RequestLabels {
        boundary: Name<BoundaryId>,
        api: Name<ApiId>,
        operation: Name<OperationId>,
        /// The path template of the operation.
        route: Name<Arc<str>>,
        outcome: &'static str
    }
    /// A refusal.
    DeniedLabels { boundary: Name<BoundaryId>, reason: &'static str }
    /// What a stage took.
    StageLabels { stage: &'static str }
    /// What an upstream took.
    UpstreamLabels { upstream: Name<UpstreamId> }
    /// Addresses in a state.
    EndpointLabels { upstream: Name<UpstreamId>, state: &'static str }
    /// A bound of a circuit.
    BoundLabels { upstream: Name<UpstreamId>, bound: &'static str }
    /// A call.
    CallLabels {
        upstream: Name<UpstreamId>,
        /// `2xx` and its like, or the reason why there is no answer.
        outcome: &'static str
    }
    /// A key set.
    ProviderLabels { provider: Name<ProviderId> }
    /// A certificate that is shown to others.
    CertificateLabels { certificate: Name<Arc<str>> }
    /// This program.
    BuildLabels { version: &'static str }
    /// What decides.
    BundleLabels { revision: Name<Arc<str>> }
    /// A reload.
    ReloadLabels { outcome: &'static str }
    /// What is exported.
    SignalLabels { signal: &'static str }
}

//! The nouns: what do the words mean?
//!
//! Every other crate speaks in these types. There is no behaviour here beyond construction and
//! naming, no input or output, and no dependency besides serde (for [`Record`], which is written
//! down, and for what it contains).
//!
//! - [`assurance`]: how strongly and how lately a caller must have signed in
//! - [`id`]: names of declared things (zones, APIs, operations, …)
//! - [`time`]: the only clock reading that pure code knows
//! - [`method`]: the closed set of request methods that may cross
//! - [`principal`]: who it is, once a credential has been verified
//! - [`decision`]: stage, decision, obligation
//! - [`reason`]: the closed set of refusals and the one table that describes them
//! - [`spiffe`]: the strict form of a SPIFFE ID
//! - [`workload`]: which names of certificates a caller can have
//! - [`record`]: what is written down about every decision
//! - [`span`]: which trace, and which span of it
//! - [`written`]: numbers, addresses and digests as text

pub mod assurance;
pub mod decision;
pub mod id;
pub mod method;
pub mod principal;
pub mod reason;
pub mod record;
pub mod span;
pub mod spiffe;
pub mod time;
pub mod workload;
pub mod written;

pub use assurance::StepUp;
pub use decision::{Decision, Obligation, Stage};
pub use id::{
    ApiId, BoundaryId, LimitId, ListenerId, OperationId, ProviderId, RecordId, UpstreamId, ZoneId,
};
pub use method::Method;
pub use principal::{Actor, Attribute, CredentialKind, CredentialRef, Principal, PrincipalKind};
pub use reason::{Reason, ReasonEntry};
pub use record::Record;
pub use span::{SpanId, SpanNote, TraceId};
pub use spiffe::SpiffeId;
pub use time::Timestamp;
pub use workload::WorkloadNames;

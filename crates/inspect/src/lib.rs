//! Is the message what its contract says?
//!
//! A contract is compiled once ([`compile`]) into an [`OperationContract`]. What was checked is what
//! is sent: a compressed body is decoded within bounds, checked, and forwarded decoded. What a
//! contract asks for and cannot be enforced is a finding at load, never a silent pass.

mod body;
mod coding;
mod coerce;
pub mod contract;
mod exact;
mod parameter;
mod schema;

pub use body::BodyBounds;
pub use contract::{BodyPlan, OperationContract, compile};
pub use schema::{Schemas, Unenforceable};

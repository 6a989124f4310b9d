//! Is the message what its contract says?
//!
//! A contract is compiled once ([`compile`]) into an [`OperationContract`]; checks never change
//! anything: what was checked is what is sent. What a contract asks for and cannot be enforced is
//! a finding at load, never a silent pass.

mod coerce;
pub mod contract;
mod exact;

pub use contract::{BodyBounds, BodyPlan, OperationContract, compile};

//! The door that carries requests. What stands of it: how a body comes in, and what a refused
//! client is told.

pub mod answer;
pub mod body;

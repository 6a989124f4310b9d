//! May this principal do this?
//!
//! Contracts become a Cedar schema and a baseline of policies; files of policies are validated
//! strictly against the schema; [`Engine`] decides.

pub mod baseline;
mod cut;
mod direct;
pub mod engine;
mod environments;
mod evaluate;
mod load;
mod parse;
pub mod question;
pub mod schema;
mod validate;

pub use baseline::baseline;
pub use engine::Engine;
pub use load::read_only;
pub use question::{Context, PolicyRef, Question, Resource, Verdict};
pub use schema::{AttributeType, cedar_schema, namespace};

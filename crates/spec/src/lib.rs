//! What does the contract say?
//!
//! [`read`] turns an OpenAPI document (3.0 or 3.1, YAML or JSON) into one [`Contract`], and says
//! everything that it finds wrong at once. What Portcullis could not enforce is an error here,
//! never a silent omission.
//!
//! - [`model`]: the shape that contracts are read into
//! - [`openapi`]: the order of the reading

mod body;
pub mod model;
mod normalise;
pub mod openapi;
mod operation;
mod parameter;
mod place;
mod reference;
mod report;
mod resource;
mod security;
mod template;
mod text;

pub use model::{
    ApiModel, ArrayStyle, Contract, Location, Messages, Operation, Parameter, PathTemplate,
    RequestBody, ResourceRule, SecurityRequirement, Segment, TenantSource,
};
pub use openapi::read;
pub use place::place;

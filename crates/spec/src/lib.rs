//! What does the contract say?
//!
//! [`read`] turns an OpenAPI document (3.0 or 3.1, YAML or JSON) into one [`ApiModel`], and says
//! everything that it finds wrong at once. What Portcullis could not enforce is an error here,
//! never a silent omission.

pub mod model;

pub use model::{
    ApiModel, ArrayStyle, Location, Operation, Parameter, PathTemplate, RequestBody, ResourceRule,
    SecurityRequirement, Segment, TenantSource,
};

use portcullis_diagnostics::{Finding, SourceId, Span};
use portcullis_model::ApiId;

/// Reads a contract. `None` only if a finding is an error.
#[must_use]
pub fn read(api: &ApiId, source: &SourceId, text: &str) -> (Option<ApiModel>, Vec<Finding>) {
    let finding = Finding::error("PC0200", format!("the contract of `{api}` cannot be read"))
        .at(Span::whole(source.clone()), format!("{} bytes", text.len()))
        .why(
            "this version reads no contract language, and an API without operations is unreachable",
        )
        .fix("leave the API out of the declaration");
    (None, vec![finding])
}

#[cfg(test)]
mod tests {
    use super::read;
    use portcullis_diagnostics::SourceId;

    #[test]
    fn no_model_comes_without_an_error() {
        let (model, findings) =
            read(&"orders".into(), &SourceId::new("orders.yaml"), "openapi: 3.1.0");
        assert!(model.is_some() || findings.iter().any(portcullis_diagnostics::Finding::is_error));
    }
}

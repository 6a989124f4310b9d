//! Which policies follow from the contracts alone?
use portcullis_spec::ApiModel;

/// Baseline.
#[must_use]
pub fn baseline(apis: &[&ApiModel]) -> String {
    let _ = apis;
    String::new()
}

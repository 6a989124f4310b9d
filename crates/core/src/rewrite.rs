//! Which path does the upstream see? Made from the judged path alone, by whole segments as they stand
//! (nothing is decoded to be cut, C7), read anew as a path, and held against what was judged: the same
//! parameters in the same places. What does not come out so is refused.

use portcullis_model::Reason;
use portcullis_reading::path::{CanonicalPath, decode_segment};
use portcullis_spec::Segment;

use crate::refusal::Refusal;
use crate::snapshot::ways::Rewriting;

/// Rewrites a path whose parameters were judged.
///
/// # Errors
/// `receive.ambiguous_target`, where the result would say something else.
pub(crate) fn rewritten(
    rewriting: &Rewriting,
    path: &CanonicalPath,
    judged: &[String],
) -> Result<CanonicalPath, Refusal> {
    let mut segments = segments(path).into_iter();
    let from: Vec<&str> = segments.by_ref().take(rewriting.from_segments).collect();
    let (stood, rest) = (from.join("/"), segments.collect::<Vec<_>>());
    let text = match rest.as_slice() {
        [] if rewriting.to.is_empty() => "/".to_owned(),
        [] => rewriting.to.clone(),
        rest => format!("{}/{}", rewriting.to, rest.join("/")),
    };
    let result = CanonicalPath::parse(&text)?;
    let is_from = rewriting.from.strip_prefix('/') == Some(stood.as_str());
    if is_from && says(&result, &rewriting.template, judged) {
        return Ok(result);
    }
    let detail = "rewritten, the path would not say what was judged";
    Err(Refusal::new(Reason::AmbiguousTarget, detail))
}

/// Whether a path fits a template with these parameters.
fn says(path: &CanonicalPath, template: &[Segment], judged: &[String]) -> bool {
    let segments = segments(path);
    let mut judged = judged.iter();
    // one empty segment is the same path as none
    let ends_alike = segments.len() == template.len()
        || (segments.is_empty() && matches!(template, [Segment::Literal(end)] if end.is_empty()));
    ends_alike
        && segments.iter().zip(template).all(|(segment, part)| match part {
            Segment::Literal(text) => decode_segment(segment) == text.as_str(),
            Segment::Parameter(_) => {
                judged.next().is_some_and(|value| decode_segment(segment) == value.as_str())
            }
        })
        && judged.next().is_none()
}

/// The segments; none for `/`, as the router reads it.
fn segments(path: &CanonicalPath) -> Vec<&str> {
    if path.as_str() == "/" { Vec::new() } else { path.segments().collect() }
}

#[cfg(test)]
mod tests {
    use super::says;
    use portcullis_reading::path::CanonicalPath;
    use portcullis_spec::Segment;

    #[test]
    fn c07_a_path_that_says_something_else_is_not_what_was_judged() {
        let template = [
            Segment::Literal("tenants".to_owned()),
            Segment::Parameter("tenant".to_owned()),
            Segment::Literal("orders".to_owned()),
        ];
        let says = |path: &str, judged: &[&str]| {
            let judged: Vec<String> = judged.iter().map(|text| (*text).to_owned()).collect();
            says(&CanonicalPath::parse(path).unwrap(), &template, &judged)
        };
        assert!(says("/tenants/acme/orders", &["acme"]));
        assert!(says("/tenants/a%20b/orders", &["a b"]));
        for (path, judged) in [
            ("/tenants/globex/orders", &["acme"][..]),
            ("/tenants/acme/orders", &["acme", "x"]),
            ("/tenants/acme/orders", &[]),
            ("/tenants/acme/orders/", &["acme"]),
            ("/tenants/acme", &["acme"]),
            ("/tenantsx/acme/orders", &["acme"]),
            ("/", &[]),
        ] {
            assert!(!says(path, judged), "{path}");
        }
    }
}

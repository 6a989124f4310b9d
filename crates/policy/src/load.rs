//! Can these policies be relied on? Every policy of every file is parsed, named and validated
//! strictly against the schema; all problems are found at once.

use std::collections::{BTreeMap, HashMap};

use cedar_policy::{Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;
use portcullis_diagnostics::{Finding, SourceId, Span};
use portcullis_model::{Reason, Stage};

use crate::cut::{Piece, cut};
use crate::question::PolicyRef;

/// Policies that hold to the schema.
pub(crate) struct Loaded {
    pub(crate) schema: Schema,
    pub(crate) whole: PolicySet,
    pub(crate) policies: HashMap<PolicyId, (PolicyRef, Option<Reason>)>,
}

/// Parses and validates. `None` only if a finding is an error.
pub(crate) fn load(schema: &str, files: &[(SourceId, String)]) -> (Option<Loaded>, Vec<Finding>) {
    let schema = match Schema::from_cedarschema_str(schema) {
        Ok((schema, _)) => schema,
        Err(error) => {
            let message = format!("the contracts make no policy schema: {error}");
            let finding = Finding::error("PC0300", message)
                .why("policies are checked against a schema made from the contracts")
                .fix("rename the API, operation or resource that the message names");
            return (None, vec![finding]);
        }
    };
    let mut loading = Loading::read(files);
    loading.validate(&schema);
    let Loading { places, whole, findings } = loading;
    if findings.iter().any(Finding::is_error) {
        return (None, findings);
    }
    let policies = places.into_iter().map(|(id, place)| (PolicyId::new(id), place.known));
    let policies = policies.collect();
    (Some(Loaded { schema, whole, policies }), findings)
}

/// What can be said of the texts of policies alone.
#[must_use]
pub fn read_only(files: &[(SourceId, String)]) -> Vec<Finding> {
    Loading::read(files).findings
}

struct Loading {
    places: BTreeMap<String, Place>,
    whole: PolicySet,
    findings: Vec<Finding>,
}

struct Place {
    known: (PolicyRef, Option<Reason>),
    span: Span,
}

impl Loading {
    fn read(files: &[(SourceId, String)]) -> Self {
        let (places, whole, findings) = (BTreeMap::new(), PolicySet::new(), Vec::new());
        let mut loading = Self { places, whole, findings };
        for (source, text) in files {
            for piece in cut(text) {
                loading.policy(source, text, piece);
            }
        }
        loading
    }

    fn policy(&mut self, source: &SourceId, file: &str, piece: Piece<'_>) {
        let before = file.get(..piece.start).unwrap_or_default();
        let line = before.matches('\n').count().saturating_add(1);
        let span = Span::new(source.clone(), piece.start, piece.start + piece.text.len());
        let policy = match Policy::parse(None, piece.text) {
            Ok(policy) => policy,
            Err(errors) => {
                for error in errors.iter() {
                    let span = label(error, source, piece.start).unwrap_or_else(|| span.clone());
                    self.findings.push(
                        Finding::error("PC0301", format!("not a policy: {error}"))
                            .at(span, "here")
                            .why("a policy that cannot be read could have been a `forbid`")
                            .fix(help(error, "write `permit` or `forbid` with principal, action, resource; templates are not supported")),
                    );
                }
                return;
            }
        };
        let name = policy.annotation("id").unwrap_or_default();
        let id = if name.is_empty() { format!("{source}:{line}") } else { name.to_owned() };
        let reason = self.reason(&policy, &span);
        if let Some(other) = self.places.get(&id) {
            self.findings.push(
                Finding::error("PC0302", format!("policy `{id}` is there twice"))
                    .at(span.clone(), "the second")
                    .related(other.span.clone(), "the first")
                    .why("records and explanations name policies by id")
                    .fix("give each policy an `@id` of its own"),
            );
            return;
        }
        let renamed = policy.new_id(PolicyId::new(&id));
        if self.whole.add(renamed).is_ok() {
            let known = (PolicyRef { source: source.clone(), line, id: id.clone() }, reason);
            self.places.insert(id, Place { known, span });
        }
    }

    fn reason(&mut self, policy: &Policy, span: &Span) -> Option<Reason> {
        let code = policy.annotation("reason")?;
        let reason = Reason::from_code(code).filter(|one| one.entry().stage == Stage::Authorize);
        if reason.is_none() || policy.effect() == cedar_policy::Effect::Permit {
            self.findings.push(
                Finding::error("PC0303", format!("`{code}` cannot be the reason of this policy"))
                    .at(span.clone(), "this policy")
                    .why("a refusal answers with a code from a closed table")
                    .fix("use a code that begins with `authorize.`, on a `forbid`"),
            );
        }
        reason
    }

    fn validate(&mut self, schema: &Schema) {
        let result = Validator::new(schema.clone()).validate(&self.whole, ValidationMode::Strict);
        for error in result.validation_errors() {
            let finding = Finding::error("PC0310", format!("policy does not hold: {error}"))
                .why("a policy that can fail while deciding makes every such request a refusal")
                .fix(help(error, "`portcullis policy schema` shows what policies may name"));
            let finding = self.place(finding, error.policy_id().as_ref(), error);
            self.findings.push(finding);
        }
        for warning in result.validation_warnings() {
            let finding = Finding::warning("PC0311", format!("policy is suspicious: {warning}"))
                .why("it probably does not do what it was written for")
                .fix(help(warning, "correct or remove it"));
            let finding = self.place(finding, warning.policy_id().as_ref(), warning);
            self.findings.push(finding);
        }
    }

    fn place(&self, finding: Finding, id: &str, said: &dyn Diagnostic) -> Finding {
        match self.places.get(id) {
            Some(place) => {
                let exact = label(said, &place.span.source, place.span.start);
                finding.at(exact.unwrap_or_else(|| place.span.clone()), "here")
            }
            None => finding,
        }
    }
}

/// The place that the message points at, which counts from the start of the policy.
fn label(said: &dyn Diagnostic, source: &SourceId, start: usize) -> Option<Span> {
    let label = said.labels()?.next()?;
    let from = start.saturating_add(label.offset());
    Some(Span::new(source.clone(), from, from.saturating_add(label.len())))
}

fn help(said: &dyn Diagnostic, otherwise: &str) -> String {
    said.help().map_or_else(|| otherwise.to_owned(), |help| help.to_string())
}

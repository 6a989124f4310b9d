//! Can these policies be relied on? Every policy of every file is parsed, named and validated
//! strictly against the schema; all problems are found at once.

use std::collections::BTreeMap;

use cedar_policy_core::ast::{Effect, Policy, PolicyID};
use cedar_policy_core::validator::Validator;
use miette::Diagnostic;
use portcullis_diagnostics::{Finding, SourceId, Span};
use portcullis_model::{Reason, Stage, StepUp};

use crate::environments::Environments;
use crate::parse::{Parsed, parse};
use crate::question::PolicyRef;
use crate::validate::check;

/// A policy that holds to the schema.
pub(crate) struct Loaded {
    pub(crate) policy: Policy,
    /// Where it stands, and the reason that it gives.
    pub(crate) known: (PolicyRef, Option<Reason>),
    /// Indices of the environments in which it can apply.
    pub(crate) applies: Vec<usize>,
}

/// Parses and validates. `None` only if a finding is an error.
pub(crate) fn load(
    validator: &Validator,
    environments: &Environments<'_>,
    files: &[(SourceId, String)],
) -> (Option<Vec<Loaded>>, Vec<Finding>) {
    let mut loading = Loading::read(files);
    let loaded = loading.validate(validator, environments);
    let findings = loading.findings;
    let is_whole = !findings.iter().any(Finding::is_error);
    (is_whole.then_some(loaded), findings)
}

/// What can be said of the texts of policies alone.
#[must_use]
pub fn read_only(files: &[(SourceId, String)]) -> Vec<Finding> {
    Loading::read(files).findings
}

#[derive(Default)]
struct Loading {
    /// Which of the policies an id names.
    ids: BTreeMap<String, usize>,
    policies: Vec<Named>,
    findings: Vec<Finding>,
}

struct Named {
    policy: Policy,
    known: (PolicyRef, Option<Reason>),
    span: Span,
    /// What the places that Cedar names count from, as an offset in the file.
    counted_from: usize,
}

impl Loading {
    fn read(files: &[(SourceId, String)]) -> Self {
        let mut loading = Self::default();
        for (source, text) in files {
            for parsed in parse(text) {
                loading.policy(source, parsed);
            }
        }
        loading
    }

    fn policy(&mut self, source: &SourceId, parsed: Parsed) {
        let Parsed { policy, line, start, end, counted_from } = parsed;
        let span = Span::new(source.clone(), start, end);
        let policy = match policy {
            Ok(policy) => policy,
            Err(errors) => {
                for error in errors.iter() {
                    let span = label(error, source, counted_from).unwrap_or_else(|| span.clone());
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
        let name = annotation(&policy, "id").unwrap_or_default();
        let id = if name.is_empty() { format!("{source}:{line}") } else { name.to_owned() };
        let reason = self.reason(&policy, &span);
        if let Some(other) = self.ids.get(&id).and_then(|index| self.policies.get(*index)) {
            self.findings.push(
                Finding::error("PC0302", format!("policy `{id}` is there twice"))
                    .at(span, "the second")
                    .related(other.span.clone(), "the first")
                    .why("records and explanations name policies by id")
                    .fix("give each policy an `@id` of its own"),
            );
            return;
        }
        let policy = policy.new_id(PolicyID::from_string(&id));
        self.ids.insert(id.clone(), self.policies.len());
        let step_up = self.step_up(&policy, &span);
        let known = (PolicyRef { source: source.clone(), line, id, step_up }, reason);
        self.policies.push(Named { policy, known, span, counted_from });
    }

    fn reason(&mut self, policy: &Policy, span: &Span) -> Option<Reason> {
        let code = annotation(policy, "reason")?;
        let reason = Reason::from_code(code).filter(|one| one.entry().stage == Stage::Authorize);
        if reason.is_none() || policy.effect() == Effect::Permit {
            self.findings.push(
                Finding::error("PC0303", format!("`{code}` cannot be the reason of this policy"))
                    .at(span.clone(), "this policy")
                    .why("a refusal answers with a code from a closed table")
                    .fix("use a code that begins with `authorize.`, on a `forbid`"),
            );
        }
        reason
    }

    fn step_up(&mut self, policy: &Policy, span: &Span) -> Option<StepUp> {
        let text = annotation(policy, "challenge")?;
        let step_up = StepUp::parse(text);
        let reason = annotation(policy, "reason");
        if step_up.is_none() || reason.is_some() || policy.effect() == Effect::Permit {
            let message = format!("`{text}` cannot be the challenge of this policy");
            self.findings.push(
                Finding::error("PC0312", message)
                    .at(span.clone(), "this policy")
                    .why("a client is told what sign-in is needed, and only where that would help")
                    .fix("write `@challenge(\"acr=mfa; max_age=300\")`, either part or both, on a `forbid` without `@reason`"),
            );
        }
        step_up
    }

    fn validate(&mut self, validator: &Validator, environments: &Environments<'_>) -> Vec<Loaded> {
        let mut loaded = Vec::with_capacity(self.policies.len());
        for Named { policy, known, span, counted_from } in std::mem::take(&mut self.policies) {
            let Some(checked) = check(validator, environments, &policy) else {
                self.findings.push(unsorted().at(span, "this policy"));
                continue;
            };
            let mut found = Vec::new();
            for error in &checked.errors {
                let finding = Finding::error("PC0310", format!("policy does not hold: {error}"))
                    .why("a policy that can fail while deciding makes every such request a refusal")
                    .fix(help(error, "`portcullis policy schema` shows what policies may name"));
                found.push(place(finding, &span, counted_from, error));
            }
            // what is suspicious about a policy that does not hold only follows from that
            let suspicious = checked.errors.is_empty().then_some(&checked.warnings);
            for warning in suspicious.into_iter().flatten() {
                let finding =
                    Finding::warning("PC0311", format!("policy is suspicious: {warning}"))
                        .why("it probably does not do what it was written for")
                        .fix(help(warning, "correct or remove it"));
                found.push(place(finding, &span, counted_from, warning));
            }
            // Cedar says them in no order
            found.sort_by(|one, other| order(one).cmp(&order(other)));
            self.findings.extend(found);
            loaded.push(Loaded { policy, known, applies: checked.applies });
        }
        loaded
    }
}

/// A policy of which it cannot be said where it applies.
pub(crate) fn unsorted() -> Finding {
    Finding::error("PC0304", "the policies cannot be sorted by what they apply to")
        .why("a policy that is left out of a decision could have been a `forbid`")
        .fix("cut long conditions into several policies; if none is long, please report it as a defect")
}

fn order(finding: &Finding) -> (&str, usize, &str) {
    (finding.code, finding.span.as_ref().map_or(0, |span| span.start), &finding.message)
}

fn annotation<'a>(policy: &'a Policy, name: &str) -> Option<&'a str> {
    // compared as text: to make a name of it, Cedar would start its lexer
    let mut said = policy.annotations();
    said.find_map(|(key, said)| (key.as_ref() as &str == name).then_some(said.val.as_str()))
}

fn place(finding: Finding, policy: &Span, from: usize, said: &dyn Diagnostic) -> Finding {
    let exact = label(said, &policy.source, from);
    finding.at(exact.unwrap_or_else(|| policy.clone()), "here")
}

/// The place that the message points at, which counts from the start of what Cedar was given.
fn label(said: &dyn Diagnostic, source: &SourceId, start: usize) -> Option<Span> {
    let label = said.labels()?.next()?;
    let from = start.saturating_add(label.offset());
    Some(Span::new(source.clone(), from, from.saturating_add(label.len())))
}

fn help(said: &dyn Diagnostic, otherwise: &str) -> String {
    said.help().map_or_else(|| otherwise.to_owned(), |help| help.to_string())
}

//! Does a policy hold to the schema, and where can it apply? Cedar's strict validation, with its type
//! checker asked once for each environment that the head of the policy leaves open.
//!
//! Where that finds nothing wrong, neither does Cedar's own validator, which asks the type checker in
//! every environment of the schema: for an estate of a hundred APIs that is a hundred times the work,
//! of which all but one part says that the head does not fit. A policy that names something unknown,
//! or that can apply nowhere, is given to Cedar's own validator as a whole.

use std::collections::HashSet;

use cedar_policy_core::ast::{ActionConstraint, Policy, PolicySet};
use cedar_policy_core::validator::typecheck::{PolicyCheck, Typechecker};
use cedar_policy_core::validator::{
    ValidationError, ValidationMode, ValidationWarning, Validator, confusable_string_checks,
};

use crate::environments::Environments;

/// What was found of one policy.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// Why it cannot be relied on.
    pub(crate) errors: Vec<ValidationError>,
    /// What is suspicious about it.
    pub(crate) warnings: Vec<ValidationWarning>,
    /// Indices of the environments in which it can apply.
    pub(crate) applies: Vec<usize>,
}

/// Validates a policy. `None` where our reading of its head and Cedar's disagree: then nothing can be
/// said of where it applies.
pub(crate) fn check(
    validator: &Validator,
    environments: &Environments<'_>,
    policy: &Policy,
) -> Option<Checked> {
    let (schema, template) = (validator.schema(), policy.template());
    let is_known = Validator::validate_entity_types_and_literals(schema, template).next().is_none();
    // a list of actions of several APIs is an error of the head itself, wherever it is asked for
    if !is_known || is_mixed(template.action_constraint()) {
        return as_a_whole(validator, policy);
    }
    let types = Typechecker::new(schema, ValidationMode::Strict);
    let (mut applies, mut errors, mut fails) = (Vec::new(), HashSet::new(), false);
    for index in environments.open_to(template) {
        let Some(environment) = environments.all().get(index) else { continue };
        match types.typecheck_by_single_request_env(template, &environment.typed) {
            PolicyCheck::Success(_) => applies.push(index),
            PolicyCheck::Irrelevant(found, _) => errors.extend(found),
            PolicyCheck::Fail(found) => {
                fails = true;
                errors.extend(found);
            }
        }
    }
    // a failure without a word is for the whole validator to explain
    let unexplained = fails && errors.is_empty();
    if unexplained || (applies.is_empty() && !fails) {
        return as_a_whole(validator, policy);
    }
    let warnings = confusable_string_checks(std::iter::once(template)).collect();
    Some(Checked { errors: errors.into_iter().collect(), warnings, applies })
}

/// Whether a head lists actions of more than one type.
fn is_mixed(actions: &ActionConstraint) -> bool {
    match actions {
        ActionConstraint::Any | ActionConstraint::Eq(_) => false,
        ActionConstraint::In(listed) => {
            let mut types = listed.iter().map(|action| action.entity_type());
            let first = types.next();
            types.any(|of| Some(of) != first)
        }
    }
}

/// What Cedar's own validator says of the policy, which must have errors, or be one that no request can
/// meet: it applies nowhere.
fn as_a_whole(validator: &Validator, policy: &Policy) -> Option<Checked> {
    let mut alone = PolicySet::new();
    alone.add(policy.clone()).ok()?;
    let result = validator.validate(&alone, ValidationMode::Strict);
    let (errors, warnings) = result.into_errors_and_warnings();
    let errors: Vec<ValidationError> = errors.collect();
    let warnings: Vec<ValidationWarning> = warnings.collect();
    let is_idle = |one: &ValidationWarning| matches!(one, ValidationWarning::ImpossiblePolicy(_));
    (!errors.is_empty() || warnings.iter().any(is_idle)).then_some(Checked {
        errors,
        warnings,
        applies: Vec::new(),
    })
}

#[cfg(test)]
mod tests;

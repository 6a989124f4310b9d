//! Which policies hold for one request? Cedar's own evaluator over conditions that were built once.
//!
//! `cedar_policy::Authorizer` builds each policy's condition anew for every request and looks for
//! cycles among the entities each time; here conditions are kept, and the entities of a question
//! (principal, resource, action with its groups) have no cycles by construction. The result is
//! compared with that of the authorizer by property (`decide_unsliced`, `tests/engine.rs`).

use std::sync::Arc;

use cedar_policy_core::ast;
use cedar_policy_core::entities::{Entities, NoEntitiesSchema, TCComputation};
use cedar_policy_core::evaluator::Evaluator;
use cedar_policy_core::extensions::Extensions;
use portcullis_model::Reason;

use crate::question::PolicyRef;

/// A policy, ready to be evaluated.
pub(crate) struct Clause {
    /// Whether it forbids.
    forbids: bool,
    /// Scope and conditions in one expression.
    condition: ast::Expr,
    /// As it was read; shares its expressions with the condition.
    pub(crate) policy: ast::Policy,
    /// Where it stands, and the reason that it gives.
    pub(crate) known: (PolicyRef, Option<Reason>),
}

impl Clause {
    /// Takes a policy apart.
    pub(crate) fn new(policy: ast::Policy, known: (PolicyRef, Option<Reason>)) -> Self {
        let forbids = match policy.effect() {
            ast::Effect::Forbid => true,
            ast::Effect::Permit => false,
        };
        let condition = policy.condition();
        Self { forbids, condition, policy, known }
    }
}

/// What the policies said.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Permits that hold.
    pub(crate) permits: Vec<(PolicyRef, Option<Reason>)>,
    /// Forbids that hold.
    pub(crate) forbids: Vec<(PolicyRef, Option<Reason>)>,
    /// Policies that could not be evaluated, and why.
    pub(crate) errors: Vec<String>,
}

/// The entities of one question.
///
/// # Errors
/// When two of them have one name and differ.
pub(crate) fn entities(of: [Arc<ast::Entity>; 3]) -> Result<Entities, String> {
    let schema = None::<&NoEntitiesSchema>;
    // the principal and the resource have no parents, the action brings all its groups
    let closed = TCComputation::AssumeAlreadyComputed;
    Entities::new()
        .add_entities(of, schema, closed, Extensions::all_available())
        .map_err(|error| format!("the question cannot be asked: {error}"))
}

/// Evaluates all of them.
pub(crate) fn evaluate<'a>(
    clauses: impl Iterator<Item = &'a Clause>,
    request: ast::Request,
    entities: &Entities,
) -> Held {
    let evaluator = Evaluator::new(request, entities, Extensions::all_available());
    let slots = ast::SlotEnv::new();
    let mut held = Held::default();
    for clause in clauses {
        let id = &clause.known.0.id;
        match evaluator.interpret(&clause.condition, &slots).map(|value| value.value) {
            Ok(ast::ValueKind::Lit(ast::Literal::Bool(false))) => {}
            Ok(ast::ValueKind::Lit(ast::Literal::Bool(true))) if clause.forbids => {
                held.forbids.push(clause.known.clone());
            }
            Ok(ast::ValueKind::Lit(ast::Literal::Bool(true))) => {
                held.permits.push(clause.known.clone());
            }
            Ok(other) => {
                held.errors.push(format!("policy `{id}` is neither true nor false: {other:?}"));
            }
            Err(error) => {
                held.errors.push(format!("error while evaluating policy `{id}`: {error}"))
            }
        }
    }
    held
}

//! Which policies hold for one request? What [`crate::direct`] cannot say, Cedar's own evaluator does,
//! over conditions that were built once.
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

use crate::direct::Test;
use crate::question::{PolicyRef, Question};

/// A policy, ready to be evaluated.
pub(crate) struct Clause {
    /// Whether it forbids.
    forbids: bool,
    /// Scope and conditions in one expression.
    condition: ast::Expr,
    /// The same without an interpreter, where that is possible in every slice that it is in.
    direct: Option<Test>,
    /// As it was read; shares its expressions with the condition.
    pub(crate) policy: ast::Policy,
    /// Where it stands, and the reason that it gives.
    pub(crate) known: (PolicyRef, Option<Reason>),
}

impl Clause {
    /// Takes a policy apart. `head_is_met`: in every slice that it is in, its head says nothing more.
    pub(crate) fn new(
        policy: ast::Policy,
        known: (PolicyRef, Option<Reason>),
        head_is_met: bool,
    ) -> Self {
        let forbids = match policy.effect() {
            ast::Effect::Forbid => true,
            ast::Effect::Permit => false,
        };
        let condition = policy.condition();
        let direct = if head_is_met { Test::of(&policy) } else { None };
        Self { forbids, condition, direct, policy, known }
    }

    /// Whether it holds, where that needs no interpreter.
    pub(crate) fn holds(&self, question: &Question<'_>) -> Option<bool> {
        self.direct.as_ref()?.holds(question)
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

impl Held {
    /// Takes a policy that holds.
    pub(crate) fn take(&mut self, clause: &Clause) {
        let held = if clause.forbids { &mut self.forbids } else { &mut self.permits };
        held.push(clause.known.clone());
    }
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

/// Evaluates those that need it.
pub(crate) fn evaluate<'a>(
    clauses: impl Iterator<Item = &'a Clause>,
    request: ast::Request,
    entities: &Entities,
    held: &mut Held,
) {
    let evaluator = Evaluator::new(request, entities, Extensions::all_available());
    let slots = ast::SlotEnv::new();
    for clause in clauses {
        let id = &clause.known.0.id;
        match evaluator.interpret(&clause.condition, &slots).map(|value| value.value) {
            Ok(ast::ValueKind::Lit(ast::Literal::Bool(false))) => {}
            Ok(ast::ValueKind::Lit(ast::Literal::Bool(true))) => held.take(clause),
            Ok(other) => {
                held.errors.push(format!("policy `{id}` is neither true nor false: {other:?}"));
            }
            Err(error) => {
                held.errors.push(format!("error while evaluating policy `{id}`: {error}"))
            }
        }
    }
}

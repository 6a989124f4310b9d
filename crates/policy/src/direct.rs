//! Which conditions need no interpreter? Those that only compare, look up and combine texts, numbers
//! and sets of texts, which most policies do and all of the baseline's: they are asked of the question
//! itself, without entities being made of it.
//!
//! A [`Test`] never guesses. Where an attribute is absent, a type is not the one that an operator
//! takes, or a value is of a kind that is not known here (addresses, times), there is no answer,
//! and the policy is given to Cedar's evaluator, errors included. That both say the same is held by
//! property (`sliced_is_unsliced`, over every type of attribute and operator here).

use std::collections::BTreeSet;

use cedar_policy_core::ast::{
    ActionConstraint, BinaryOp, Expr, ExprKind, Literal, Pattern, Policy,
    PrincipalOrResourceConstraint, UnaryOp, Var,
};
use portcullis_model::{Attribute, Principal};

use crate::question::Question;

/// How deep a condition may be; a deeper one is for the interpreter, which watches its stack.
const DEPTH_MAX: usize = 200;

/// A condition without its head, which the environment of the question meets already.
#[derive(Debug)]
pub(crate) enum Test {
    Always(bool),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    If(Box<[Self; 3]>),
    Has(Of, String),
    Holds(Term),
    IsEmpty(Term),
    Compared(Comparison, Term, Term),
    Like(Term, Pattern),
}

/// What has attributes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of {
    Principal,
    Resource,
    Context,
}

/// A value, or where it is.
#[derive(Debug)]
pub(crate) enum Term {
    Flag(bool),
    Number(i64),
    Text(String),
    Texts(BTreeSet<String>),
    Attribute(Of, String),
}

/// An operator between two values.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparison {
    Equal,
    Less,
    LessOrEqual,
    Contains,
    ContainsAll,
    ContainsAny,
}

/// A value of a question.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Value<'a> {
    Flag(bool),
    Number(i64),
    Text(&'a str),
    Texts(&'a BTreeSet<String>),
}

impl Test {
    /// The condition of a policy behind its head, if it needs no interpreter. Only for questions
    /// whose types of principal and resource, and whose action, the head leaves open.
    pub(crate) fn of(policy: &Policy) -> Option<Self> {
        let template = policy.template();
        // these two say nothing that types do not decide
        let by_type = |head: &PrincipalOrResourceConstraint| match head {
            PrincipalOrResourceConstraint::Any | PrincipalOrResourceConstraint::Is(_) => true,
            PrincipalOrResourceConstraint::Eq(_)
            | PrincipalOrResourceConstraint::In(_)
            | PrincipalOrResourceConstraint::IsIn(..) => false,
        };
        let by_action = match template.action_constraint() {
            ActionConstraint::Any | ActionConstraint::Eq(_) | ActionConstraint::In(_) => true,
        };
        let determined = by_action
            && by_type(template.principal_constraint().as_inner())
            && by_type(template.resource_constraint().as_inner());
        if !determined {
            return None;
        }
        template
            .non_scope_constraints()
            .map_or(Some(Self::Always(true)), |whole| test(whole, DEPTH_MAX))
    }

    /// Whether it holds; `None` where that is for the interpreter to say.
    pub(crate) fn holds(&self, question: &Question<'_>) -> Option<bool> {
        match self {
            Self::Always(holds) => Some(*holds),
            Self::Not(test) => test.holds(question).map(|holds| !holds),
            Self::And(one, other) => match one.holds(question)? {
                true => other.holds(question),
                false => Some(false),
            },
            Self::Or(one, other) => match one.holds(question)? {
                true => Some(true),
                false => other.holds(question),
            },
            Self::If(parts) => {
                let [condition, then, otherwise] = &**parts;
                match condition.holds(question)? {
                    true => then.holds(question),
                    false => otherwise.holds(question),
                }
            }
            Self::Has(of, name) => has(*of, name, question),
            Self::Holds(term) => match term.value(question)? {
                Value::Flag(flag) => Some(flag),
                Value::Number(_) | Value::Text(_) | Value::Texts(_) => None,
            },
            Self::IsEmpty(term) => match term.value(question)? {
                Value::Texts(texts) => Some(texts.is_empty()),
                Value::Flag(_) | Value::Number(_) | Value::Text(_) => None,
            },
            Self::Compared(by, one, other) => {
                compare(*by, one.value(question)?, other.value(question)?)
            }
            Self::Like(term, pattern) => match term.value(question)? {
                Value::Text(text) => Some(pattern.wildcard_match(text)),
                Value::Flag(_) | Value::Number(_) | Value::Texts(_) => None,
            },
        }
    }
}

fn compare(by: Comparison, one: Value<'_>, other: Value<'_>) -> Option<bool> {
    match (by, one, other) {
        // values of different types are not equal, and that is no error
        (Comparison::Equal, one, other) => Some(one == other),
        (Comparison::Less, Value::Number(one), Value::Number(other)) => Some(one < other),
        (Comparison::LessOrEqual, Value::Number(one), Value::Number(other)) => Some(one <= other),
        (Comparison::Contains, Value::Texts(all), Value::Text(one)) => Some(all.contains(one)),
        (Comparison::ContainsAll, Value::Texts(all), Value::Texts(some)) => {
            Some(some.is_subset(all))
        }
        (Comparison::ContainsAny, Value::Texts(all), Value::Texts(some)) => {
            Some(!some.is_disjoint(all))
        }
        (
            Comparison::Less
            | Comparison::LessOrEqual
            | Comparison::Contains
            | Comparison::ContainsAll
            | Comparison::ContainsAny,
            _,
            _,
        ) => None,
    }
}

impl Term {
    fn value<'a>(&'a self, question: &Question<'a>) -> Option<Value<'a>> {
        match self {
            Self::Flag(flag) => Some(Value::Flag(*flag)),
            Self::Number(number) => Some(Value::Number(*number)),
            Self::Text(text) => Some(Value::Text(text)),
            Self::Texts(texts) => Some(Value::Texts(texts)),
            Self::Attribute(Of::Principal, name) => of_principal(question.principal, name),
            Self::Attribute(Of::Resource, name) => match name.as_str() {
                "tenant" => question.resource.tenant.map(Value::Text),
                _ => None,
            },
            Self::Attribute(Of::Context, name) => match name.as_str() {
                "zone" => Some(Value::Text(question.context.zone)),
                "method" => Some(Value::Text(question.context.method.as_str())),
                "token_age" => question
                    .context
                    .token_age_secs
                    .map(|age| Value::Number(i64::try_from(age).unwrap_or(i64::MAX))),
                _ => None,
            },
        }
    }
}

/// Whether an attribute is there; `None` for those that are not known here.
fn has(of: Of, name: &str, question: &Question<'_>) -> Option<bool> {
    match (of, name) {
        (Of::Principal, _) => Some(of_principal(question.principal, name).is_some()),
        (Of::Resource, "tenant") => Some(question.resource.tenant.is_some()),
        (Of::Context, "zone" | "method") => Some(true),
        (Of::Context, "token_age") => Some(question.context.token_age_secs.is_some()),
        (Of::Resource | Of::Context, _) => None,
    }
}

/// As the entity of a principal is made: what is declared stands before what every principal has.
fn of_principal<'a>(principal: &'a Principal, name: &str) -> Option<Value<'a>> {
    match principal.attributes.get(name) {
        Some(Attribute::Flag(flag)) => return Some(Value::Flag(*flag)),
        Some(Attribute::Number(number)) => return Some(Value::Number(*number)),
        Some(Attribute::Text(text)) => return Some(Value::Text(text)),
        Some(Attribute::Texts(texts)) => return Some(Value::Texts(texts)),
        None => {}
    }
    match name {
        "scopes" => Some(Value::Texts(&principal.scopes)),
        "roles" => Some(Value::Texts(&principal.roles)),
        "provider" => principal.provider.as_ref().map(|provider| Value::Text(provider.as_str())),
        "subject" => principal.provider.as_ref().map(|_| Value::Text(&principal.subject)),
        "tenant" => principal.tenant.as_deref().map(Value::Text),
        _ => None,
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not listed is for the interpreter, in every version of Cedar"
)]
fn test(expression: &Expr, depth: usize) -> Option<Test> {
    let depth = depth.checked_sub(1)?;
    let boxed = |part: &Expr| test(part, depth).map(Box::new);
    Some(match expression.expr_kind() {
        ExprKind::Lit(Literal::Bool(flag)) => Test::Always(*flag),
        ExprKind::And { left, right } => Test::And(boxed(left)?, boxed(right)?),
        ExprKind::Or { left, right } => Test::Or(boxed(left)?, boxed(right)?),
        ExprKind::If { test_expr, then_expr, else_expr } => {
            let [one, two, three] = [test_expr, then_expr, else_expr].map(|part| test(part, depth));
            Test::If(Box::new([one?, two?, three?]))
        }
        ExprKind::UnaryApp { op: UnaryOp::Not, arg } => Test::Not(boxed(arg)?),
        ExprKind::UnaryApp { op: UnaryOp::IsEmpty, arg } => Test::IsEmpty(term(arg)?),
        ExprKind::BinaryApp { op, arg1, arg2 } => {
            let by = match op {
                BinaryOp::Eq => Comparison::Equal,
                BinaryOp::Less => Comparison::Less,
                BinaryOp::LessEq => Comparison::LessOrEqual,
                BinaryOp::Contains => Comparison::Contains,
                BinaryOp::ContainsAll => Comparison::ContainsAll,
                BinaryOp::ContainsAny => Comparison::ContainsAny,
                _ => return None,
            };
            Test::Compared(by, term(arg1)?, term(arg2)?)
        }
        ExprKind::HasAttr { expr, attr } => Test::Has(of(expr)?, attr.to_string()),
        ExprKind::ExtHasAttr { expr, attrs } if attrs.len() == 1 => {
            Test::Has(of(expr)?, attrs.first().to_string())
        }
        ExprKind::Like { expr, pattern } => Test::Like(term(expr)?, pattern.clone()),
        ExprKind::GetAttr { .. } => Test::Holds(term(expression)?),
        _ => return None,
    })
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not listed is for the interpreter, in every version of Cedar"
)]
fn term(expression: &Expr) -> Option<Term> {
    Some(match expression.expr_kind() {
        ExprKind::Lit(Literal::Bool(flag)) => Term::Flag(*flag),
        ExprKind::Lit(Literal::Long(number)) => Term::Number(*number),
        ExprKind::Lit(Literal::String(text)) => Term::Text(text.to_string()),
        ExprKind::GetAttr { expr, attr } => Term::Attribute(of(expr)?, attr.to_string()),
        ExprKind::Set(elements) => {
            let text = |element: &Expr| match element.expr_kind() {
                ExprKind::Lit(Literal::String(text)) => Some(text.to_string()),
                _ => None,
            };
            Term::Texts(elements.iter().map(text).collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not listed is for the interpreter, in every version of Cedar"
)]
fn of(expression: &Expr) -> Option<Of> {
    match expression.expr_kind() {
        ExprKind::Var(Var::Principal) => Some(Of::Principal),
        ExprKind::Var(Var::Resource) => Some(Of::Resource),
        ExprKind::Var(Var::Context) => Some(Of::Context),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Test;

    fn is_direct(policy: &str) -> bool {
        let policy: cedar_policy::Policy = policy.parse().unwrap();
        Test::of(policy.as_ref()).is_some()
    }

    #[test]
    fn what_the_baseline_says_needs_no_interpreter() {
        for condition in [
            "",
            "unless { principal has tenant && resource has tenant && principal.tenant == resource.tenant }",
            "unless { principal.scopes.containsAll([\"a\", \"b\"]) || principal.scopes.containsAll([]) }",
        ] {
            let policy = format!(
                "forbid (principal is A::User, action in [A::Action::\"x\"], resource is A::T) {condition};"
            );
            assert!(is_direct(&policy), "{policy}");
        }
    }

    #[test]
    fn the_rest_is_left_to_the_interpreter() {
        for policy in [
            "permit (principal == A::User::\"x\", action, resource);",
            "permit (principal in A::Group::\"x\", action, resource);",
            "permit (principal, action, resource in A::Folder::\"x\");",
            "permit (principal, action, resource) when { context.address.isLoopback() };",
            "permit (principal, action, resource) when { principal == resource };",
            "permit (principal, action, resource) when { principal is A::User };",
            "permit (principal, action, resource) when { context.token_age + 1 < 5 };",
            "permit (principal, action, resource) when { principal.a.b == 1 };",
            "permit (principal, action, resource) when { [1, 2].contains(context.token_age) };",
        ] {
            assert!(!is_direct(policy), "{policy}");
        }
        let long = |terms: usize| {
            let terms = vec!["context.zone == \"a\""; terms].join(" || ");
            is_direct(&format!("permit (principal, action, resource) when {{ {terms} }};"))
        };
        assert!(long(100) && !long(300), "what is deep is not walked through on a worker's stack");
    }
}

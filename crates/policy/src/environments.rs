//! In which request environments can a policy apply at all? What its head says of principal, action
//! and resource is held against every environment of the schema, by index.
//!
//! An environment is a type of principal, an action and a type of resource. The answer is never too
//! small: where the head of a policy rules an environment out, Cedar's type checker finds its
//! condition false there, and looks no further. That is the premise under which [`crate::validate`]
//! asks the type checker only here; its tests hold that against the type checker asked everywhere.

use std::collections::{HashMap, HashSet};

use cedar_policy_core::ast::{
    ActionConstraint, EntityReference, EntityType, EntityUID, PrincipalOrResourceConstraint,
    Template,
};
use cedar_policy_core::validator::types::RequestEnv;
use cedar_policy_core::validator::{ValidationMode, ValidatorSchema};

/// One type of principal, one action, one type of resource.
#[derive(Debug)]
pub(crate) struct Environment<'s> {
    pub(crate) principal: &'s EntityType,
    pub(crate) action: &'s EntityUID,
    pub(crate) resource: &'s EntityType,
    /// The same as the type checker takes it.
    pub(crate) typed: RequestEnv<'s>,
}

/// Every environment of a schema.
#[derive(Debug)]
pub(crate) struct Environments<'s> {
    schema: &'s ValidatorSchema,
    all: Vec<Environment<'s>>,
    by_principal: HashMap<&'s EntityType, Vec<usize>>,
    by_action: HashMap<&'s EntityUID, Vec<usize>>,
    by_resource: HashMap<&'s EntityType, Vec<usize>>,
}

impl<'s> Environments<'s> {
    /// Those of a schema.
    pub(crate) fn of(schema: &'s ValidatorSchema) -> Self {
        let (mut all, mut by_action) = (Vec::new(), HashMap::<_, Vec<usize>>::new());
        let mut by_principal: HashMap<_, Vec<usize>> = HashMap::new();
        let mut by_resource: HashMap<_, Vec<usize>> = HashMap::new();
        for typed in schema.unlinked_request_envs(ValidationMode::Strict) {
            if let RequestEnv::DeclaredAction { principal, action, resource, .. } = typed {
                let index = all.len();
                by_principal.entry(principal).or_default().push(index);
                by_action.entry(action).or_default().push(index);
                by_resource.entry(resource).or_default().push(index);
                all.push(Environment { principal, action, resource, typed });
            }
        }
        Self { schema, all, by_principal, by_action, by_resource }
    }

    /// All of them, in the order of their indices.
    pub(crate) fn all(&self) -> &[Environment<'s>] {
        &self.all
    }

    /// Indices of the environments that the head of a policy leaves open.
    pub(crate) fn open_to(&self, policy: &Template) -> Vec<usize> {
        let principal = policy.principal_constraint().as_inner();
        let resource = policy.resource_constraint().as_inner();
        let actions = self.actions(policy.action_constraint());
        let by_action = actions.as_ref().map(|actions| indices(&self.by_action, actions));
        let by_principal = self.types(&self.by_principal, principal);
        let by_resource = self.types(&self.by_resource, resource);
        let narrowest = [by_action, by_principal, by_resource].into_iter().flatten();
        let narrowest = narrowest.min_by_key(Vec::len);
        let mut open = narrowest.unwrap_or_else(|| (0..self.all.len()).collect());
        open.retain(|index| {
            self.all.get(*index).is_some_and(|one| {
                actions.as_ref().is_none_or(|actions| actions.contains(one.action))
                    && self.fits(principal, one.principal)
                    && self.fits(resource, one.resource)
            })
        });
        open
    }

    /// The actions that a head names, with the members of groups; `None` for all.
    fn actions(&self, named: &ActionConstraint) -> Option<HashSet<&EntityUID>> {
        let named = match named {
            ActionConstraint::Any => return None,
            ActionConstraint::Eq(uid) => {
                let known = self.schema.get_action_id(uid);
                return Some(known.into_iter().map(|action| action.name()).collect());
            }
            ActionConstraint::In(named) => named,
        };
        let mut actions = HashSet::new();
        for action in named.iter().filter_map(|uid| self.schema.get_action_id(uid)) {
            actions.insert(action.name());
            actions.extend(action.descendants());
        }
        Some(actions)
    }

    /// Where a head names types: their environments; `None` where it names none.
    fn types(
        &self,
        index: &HashMap<&'s EntityType, Vec<usize>>,
        named: &PrincipalOrResourceConstraint,
    ) -> Option<Vec<usize>> {
        let one = |of: &EntityType| Some(index.get(of).cloned().unwrap_or_default());
        match named {
            PrincipalOrResourceConstraint::Is(of) | PrincipalOrResourceConstraint::IsIn(of, _) => {
                one(of)
            }
            PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => one(uid.entity_type()),
            PrincipalOrResourceConstraint::In(EntityReference::EUID(_)) => {
                let within = index.keys().copied().filter(|of| self.fits(named, of)).collect();
                Some(indices(index, &within))
            }
            PrincipalOrResourceConstraint::Any
            | PrincipalOrResourceConstraint::Eq(EntityReference::Slot(_))
            | PrincipalOrResourceConstraint::In(EntityReference::Slot(_)) => None,
        }
    }

    /// Whether something of this type can be what a head names.
    fn fits(&self, named: &PrincipalOrResourceConstraint, of: &EntityType) -> bool {
        match named {
            PrincipalOrResourceConstraint::Any
            | PrincipalOrResourceConstraint::Eq(EntityReference::Slot(_))
            | PrincipalOrResourceConstraint::In(EntityReference::Slot(_)) => true,
            PrincipalOrResourceConstraint::Is(is)
            | PrincipalOrResourceConstraint::IsIn(is, EntityReference::Slot(_)) => **is == *of,
            PrincipalOrResourceConstraint::Eq(EntityReference::EUID(uid)) => {
                uid.entity_type() == of
            }
            PrincipalOrResourceConstraint::In(EntityReference::EUID(uid)) => self.within(of, uid),
            PrincipalOrResourceConstraint::IsIn(is, EntityReference::EUID(uid)) => {
                **is == *of && self.within(of, uid)
            }
        }
    }

    /// Whether something of this type can be in an entity: it can be the entity itself, too.
    fn within(&self, of: &EntityType, uid: &EntityUID) -> bool {
        let around = self.schema.get_entity_type(uid.entity_type());
        uid.entity_type() == of
            || around.is_some_and(|around| around.has_descendant_entity_type(of))
    }
}

/// What an index has of some keys, in order.
fn indices<K: Eq + std::hash::Hash>(
    index: &HashMap<&K, Vec<usize>>,
    keys: &HashSet<&K>,
) -> Vec<usize> {
    let mut found: Vec<usize> =
        keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect();
    found.sort_unstable();
    found
}

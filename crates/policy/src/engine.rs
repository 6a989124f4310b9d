//! May it? Policies are compiled once, strictly validated, and sliced by request environment
//! (kind of principal, action, type of resource): the policies of a slice are all that can apply.
//!
//! An evaluation error denies. Cedar skips a policy that fails to evaluate, which for a `forbid`
//! would mean to allow; here any error of any policy is a denial with a reason of its own.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Context as CedarContext, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression,
};
use cedar_policy_core::ast;
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::{Validator, ValidatorSchema};
use portcullis_diagnostics::{Finding, SourceId};
use portcullis_model::{Attribute, Decision, Principal, PrincipalKind, Reason, Timestamp};

use crate::environments::{Environment, Environments};
use crate::evaluate::{Clause, Held, entities, evaluate};
use crate::load::{Loaded, load, unsorted};
use crate::question::{PolicyRef, Question, Verdict};
use crate::schema::{namespace, principal_type};

/// Compiled policies.
pub struct Engine {
    /// Namespace → action → what is needed to decide it.
    actions: HashMap<String, HashMap<String, Action>>,
    policies: Vec<Arc<Clause>>,
    reads: ContextReads,
}

/// One operation.
struct Action {
    uid: EntityUid,
    entity: Arc<ast::Entity>,
    resource: EntityTypeName,
    /// The policies that can apply, by kind of principal.
    slices: [Option<Vec<Arc<Clause>>>; KINDS.len()],
}

/// Order of the slices of an action.
const KINDS: [PrincipalKind; 4] =
    [PrincipalKind::Anonymous, PrincipalKind::ApiKey, PrincipalKind::User, PrincipalKind::Workload];

/// Which costly members of the context any policy reads: parsing an address or a time costs more
/// than most decisions. A policy cannot read a member that its text does not name, plainly or by
/// an escape.
#[derive(Clone, Copy, Debug)]
struct ContextReads {
    address: bool,
    now: bool,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Engine({} policies)", self.policies.len())
    }
}

impl Engine {
    /// Compiles policy files against a schema. Without any error among the findings, there is an
    /// engine.
    #[must_use]
    pub fn compile(schema: &str, files: &[(SourceId, String)]) -> (Option<Self>, Vec<Finding>) {
        let validator =
            match ValidatorSchema::from_cedarschema_str(schema, Extensions::all_available()) {
                Ok((schema, _)) => Validator::new(schema),
                Err(error) => {
                    let message = format!("the contracts make no policy schema: {error}");
                    let finding = Finding::error("PC0300", message)
                        .why("policies are checked against a schema made from the contracts")
                        .fix("rename the API, operation or resource that the message names");
                    return (None, vec![finding]);
                }
            };
        let environments = Environments::of(validator.schema());
        let (loaded, mut findings) = load(&validator, &environments, files);
        let Some(loaded) = loaded else { return (None, findings) };
        let engine = Self::assemble(validator.schema(), &environments, loaded, files);
        if engine.is_none() {
            findings.push(unsorted());
        }
        (engine, findings)
    }

    fn assemble(
        schema: &ValidatorSchema,
        environments: &Environments<'_>,
        loaded: Vec<Loaded>,
        files: &[(SourceId, String)],
    ) -> Option<Self> {
        let mut actions = actions(schema, environments.all())?;
        let mut policies = Vec::with_capacity(loaded.len());
        for Loaded { policy, known, applies } in loaded {
            let open = environments.open_to(policy.template());
            let head_is_met = applies.iter().all(|index| open.binary_search(index).is_ok());
            let clause = Arc::new(Clause::new(policy, known, head_is_met));
            for environment in applies {
                let environment = environments.all().get(environment)?;
                let action = actions
                    .get_mut(&space(environment.action.entity_type()))
                    .and_then(|space| space.get_mut::<str>(environment.action.eid().as_ref()));
                let slice = action
                    .zip(kind(environment))
                    .and_then(|(action, kind)| action.slices.get_mut(kind)?.as_mut());
                // an environment of the schema always has its slot
                slice?.push(Arc::clone(&clause));
            }
            policies.push(clause);
        }
        // an escape may spell any name
        let reads = |text: &str, word: &str| text.contains(word) || text.contains('\\');
        let named = |word: &str| files.iter().any(|(_, text)| reads(text, word));
        let reads = ContextReads { address: named("address"), now: named("now") };
        Some(Self { actions, policies, reads })
    }

    /// Every policy as what it says, by id: whether it permits, and its conditions without
    /// comments and layout.
    #[must_use]
    pub fn said(&self) -> BTreeMap<String, (bool, String)> {
        let said = |clause: &Arc<Clause>| {
            let policy = cedar_policy::Policy::from(clause.policy.clone());
            let mut meaning = policy.to_json().unwrap_or_default();
            if let Some(notes) =
                meaning.get_mut("annotations").and_then(|notes| notes.as_object_mut())
            {
                // reason and challenge are told to callers; other notes are for readers
                notes.retain(|name, _| ["challenge", "reason"].contains(&name.as_str()));
            }
            let permits = policy.effect() == cedar_policy::Effect::Permit;
            (policy.id().to_string(), (permits, meaning.to_string()))
        };
        self.policies.iter().map(said).collect()
    }

    /// How many policies there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Decides.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Verdict {
        let kind = KINDS.iter().position(|kind| *kind == question.principal.kind);
        let action = self
            .actions
            .get(&namespace(question.api.as_str()))
            .and_then(|space| space.get(question.operation.as_str()))
            .filter(|action| action.resource.basename() == question.resource.entity);
        let slice = action
            .zip(kind)
            .and_then(|(action, kind)| Some((action, action.slices.get(kind)?.as_ref()?)));
        match slice {
            Some((action, clauses)) => match self.held(question, action, clauses) {
                Ok(held) => verdict(held),
                Err(error) => denial(Reason::PolicyError, Vec::new(), vec![error]),
            },
            // an environment that the schema does not have: nothing can permit it
            None => denial(Reason::NotPermitted, Vec::new(), Vec::new()),
        }
    }

    /// What the policies of a slice say: each by itself where that needs no interpreter, the rest
    /// together.
    fn held(
        &self,
        question: &Question<'_>,
        action: &Action,
        clauses: &[Arc<Clause>],
    ) -> Result<Held, String> {
        let (mut held, mut rest) = (Held::default(), Vec::new());
        for clause in clauses {
            match clause.holds(question) {
                Some(true) => held.take(clause),
                Some(false) => {}
                None => rest.push(clause.as_ref()),
            }
        }
        if !rest.is_empty() {
            let (request, of) = self.request(question, action)?;
            let request = request.as_ref().clone();
            evaluate(rest.into_iter(), request, &entities(of)?, &mut held);
        }
        Ok(held)
    }

    /// Decides over all policies with Cedar's own authorizer: the oracle that slicing and evaluating
    /// are tested against.
    #[must_use]
    pub fn decide_unsliced(&self, question: &Question<'_>) -> Verdict {
        let action = self
            .actions
            .get(&namespace(question.api.as_str()))
            .and_then(|space| space.get(question.operation.as_str()));
        match action {
            Some(action) => self.authorize(question, action),
            None => denial(Reason::NotPermitted, Vec::new(), Vec::new()),
        }
    }

    fn authorize(&self, question: &Question<'_>, action: &Action) -> Verdict {
        let asked = self.request(question, action).and_then(|(request, of)| {
            let of = of.map(|entity| Entity::from(entity.as_ref().clone()));
            let entities = Entities::from_entities(of, None).map_err(|error| error.to_string())?;
            Ok((request, entities))
        });
        match asked {
            Ok((request, entities)) => {
                let policies = self.policies.iter().map(|clause| clause.policy.clone().into());
                match PolicySet::from_policies(policies) {
                    Ok(whole) => {
                        self.response(&Authorizer::new().is_authorized(&request, &whole, &entities))
                    }
                    Err(error) => denial(Reason::PolicyError, Vec::new(), vec![error.to_string()]),
                }
            }
            Err(error) => denial(Reason::PolicyError, Vec::new(), vec![error]),
        }
    }

    fn request(
        &self,
        question: &Question<'_>,
        action: &Action,
    ) -> Result<(Request, [Arc<ast::Entity>; 3]), String> {
        let space = namespace(question.api.as_str());
        let principal = principal_entity(question.principal, &space)?;
        let principal = Arc::new(principal.as_ref().clone());
        let resource = EntityUid::from_type_name_and_id(
            action.resource.clone(),
            EntityId::new(question.resource.id),
        );
        let tenant = question.resource.tenant.map(|tenant| {
            ("tenant".to_owned(), RestrictedExpression::new_string(tenant.to_owned()))
        });
        let entity = Entity::new(resource.clone(), tenant.into_iter().collect(), HashSet::new())
            .map_err(|error| format!("the resource cannot be judged: {error}"))?;
        let context = self.context(question)?;
        let uid = principal.uid().clone().into();
        let request = Request::new(uid, action.uid.clone(), resource, context, None)
            .map_err(|error| format!("the question cannot be asked: {error}"))?;
        let entity = Arc::new(entity.as_ref().clone());
        Ok((request, [principal, entity, Arc::clone(&action.entity)]))
    }

    fn context(&self, question: &Question<'_>) -> Result<CedarContext, String> {
        let given = &question.context;
        let mut pairs = vec![
            ("zone".to_owned(), RestrictedExpression::new_string(given.zone.to_owned())),
            (
                "method".to_owned(),
                RestrictedExpression::new_string(given.method.as_str().to_owned()),
            ),
        ];
        if let Some(age) = given.token_age_secs {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            pairs.push(("token_age".to_owned(), RestrictedExpression::new_long(age)));
        }
        if let Some(age) = given.auth_age_secs {
            let age = i64::try_from(age).unwrap_or(i64::MAX);
            pairs.push(("auth_age".to_owned(), RestrictedExpression::new_long(age)));
        }
        if self.reads.address {
            let address = RestrictedExpression::new_ip(given.address.to_string());
            pairs.push(("address".to_owned(), address));
        }
        if self.reads.now {
            pairs.push(("now".to_owned(), now(given.now)));
        }
        CedarContext::from_pairs(pairs).map_err(|error| format!("context: {error}"))
    }

    fn response(&self, response: &cedar_policy::Response) -> Verdict {
        let diagnostics = response.diagnostics();
        let said: HashSet<&str> = diagnostics.reason().map(AsRef::as_ref).collect();
        let determining = self.policies.iter().map(|one| &one.known);
        let determining = determining.filter(|(one, _)| said.contains(one.id.as_str())).cloned();
        let errors = diagnostics.errors().map(ToString::to_string).collect();
        let held = match response.decision() {
            cedar_policy::Decision::Allow => {
                Held { permits: determining.collect(), errors, ..Held::default() }
            }
            cedar_policy::Decision::Deny => {
                Held { forbids: determining.collect(), errors, ..Held::default() }
            }
        };
        verdict(held)
    }
}

/// Any error denies, then any `forbid`; a `permit` allows; nothing denies.
fn verdict(held: Held) -> Verdict {
    let Held { permits, forbids, mut errors } = held;
    errors.sort_unstable();
    let forbidden = !forbids.is_empty();
    let mut determining = if forbidden { forbids } else { permits };
    determining.sort_by(|(one, _), (other, _)| one.cmp(other));
    // a stronger sign-in is asked for only where nothing else forbids
    let steps = determining.iter().all(|(one, _)| one.step_up.is_some());
    let spelled = match forbidden && steps {
        true => Some(Reason::AuthenticationInsufficient),
        false => determining.iter().find_map(|(_, reason)| *reason),
    };
    let determining: Vec<PolicyRef> = determining.into_iter().map(|(one, _)| one).collect();
    if !errors.is_empty() {
        denial(Reason::PolicyError, determining, errors)
    } else if forbidden {
        denial(spelled.unwrap_or(Reason::Forbidden), determining, errors)
    } else if determining.is_empty() {
        denial(Reason::NotPermitted, determining, errors)
    } else {
        Verdict { decision: Decision::Allow, determining, reason: None, errors }
    }
}

/// A time as Cedar writes it: RFC 3339 in UTC, with milliseconds.
fn now(now: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(now.to_string())
}

const fn denial(reason: Reason, determining: Vec<PolicyRef>, errors: Vec<String>) -> Verdict {
    Verdict { decision: Decision::Deny, determining, reason: Some(reason), errors }
}

/// Every action of the schema that a request can ask for, with empty slices for the principals
/// that it applies to.
fn actions(
    schema: &ValidatorSchema,
    environments: &[Environment<'_>],
) -> Option<HashMap<String, HashMap<String, Action>>> {
    let of_schema = schema.action_entities().ok()?;
    let entities: HashMap<&ast::EntityUID, &ast::Entity> =
        of_schema.iter().map(|entity| (entity.uid(), entity)).collect();
    let mut actions: HashMap<String, HashMap<String, Action>> = HashMap::new();
    for environment in environments {
        let uid = environment.action;
        let entity = entities.get(uid)?;
        let of_space = actions.entry(space(uid.entity_type())).or_default();
        let name: &str = uid.eid().as_ref();
        let action = of_space.entry(name.to_owned()).or_insert_with(|| Action {
            uid: uid.clone().into(),
            entity: Arc::new((*entity).clone()),
            resource: environment.resource.clone().into(),
            slices: Default::default(),
        });
        *action.slices.get_mut(kind(environment)?)? = Some(Vec::new());
    }
    Some(actions)
}

/// The namespace of a type.
fn space(of: &ast::EntityType) -> String {
    of.name().as_ref().namespace()
}

/// Which of [`KINDS`] the principal of an environment is.
fn kind(environment: &Environment<'_>) -> Option<usize> {
    let name = environment.principal.name().basename();
    let name: &str = name.as_ref();
    KINDS.iter().position(|kind| principal_type(*kind) == name)
}

fn principal_entity(principal: &Principal, space: &str) -> Result<Entity, String> {
    let name = format!("{space}::{}", principal_type(principal.kind));
    let name = EntityTypeName::from_str(&name).map_err(|error| format!("principal: {error}"))?;
    let uid = EntityUid::from_type_name_and_id(name, EntityId::new(principal.qualified_name()));
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let texts = |all: &std::collections::BTreeSet<String>| {
        RestrictedExpression::new_set(all.iter().map(|one| text(one)))
    };
    let mut attributes = HashMap::from([
        ("scopes".to_owned(), texts(&principal.scopes)),
        ("roles".to_owned(), texts(&principal.roles)),
    ]);
    if let Some(provider) = &principal.provider {
        attributes.insert("provider".to_owned(), text(provider.as_str()));
        attributes.insert("subject".to_owned(), text(&principal.subject));
    }
    if let Some(tenant) = &principal.tenant {
        attributes.insert("tenant".to_owned(), text(tenant));
    }
    for (name, value) in &principal.attributes {
        let value = match value {
            Attribute::Flag(flag) => RestrictedExpression::new_bool(*flag),
            Attribute::Number(number) => RestrictedExpression::new_long(*number),
            Attribute::Text(value) => text(value),
            Attribute::Texts(values) => texts(values),
        };
        attributes.insert(name.clone(), value);
    }
    Entity::new(uid, attributes, HashSet::new()).map_err(|error| format!("principal: {error}"))
}

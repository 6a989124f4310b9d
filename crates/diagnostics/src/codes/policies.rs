//! What do PC0300 to PC0311 mean? Policies: can they be read, do they hold to the contracts, and
//! is the baseline untouched?

super::page::table! {
    "PC0300" Error: "the contracts make no policy schema"
        means "The schema that is made from the contracts is not one that Cedar accepts."
        matters "Policies are checked against a schema made from the contracts; without one, nothing can be decided."
        mend "Rename the API, operation or resource that the message names.";
    "PC0301" Error: "not a policy"
        means "The text is not a Cedar policy, or it is a template."
        matters "A policy that cannot be read could have been a `forbid`."
        mend "Write `permit` or `forbid` with principal, action and resource. Templates are not supported."
        "policies/orders.cedar"
        wrong "permit (principal, action == Orders::Action::\"listProducts\");"
        right "permit (principal, action == Orders::Action::\"listProducts\", resource);";
    "PC0302" Error: "two policies of the same id"
        means "Two policies, in one file or several, have the same `@id`."
        matters "Records and explanations name policies by id."
        mend "Give each policy an `@id` of its own."
        "policies/orders.cedar"
        wrong "@id(\"users-order\")"
        right "@id(\"users-read-orders\")";
    "PC0303" Error: "a reason that this policy cannot have"
        means "`@reason` names no reason of the stage `authorize`, or stands on a `permit`."
        matters "A refusal answers with a code from a closed table, and a `permit` refuses nothing."
        mend "Use a code that begins with `authorize.`, on a `forbid`; docs/reference/reasons.md lists them."
        "policies/orders.cedar"
        wrong "@id(\"suspended-shops-do-not-order\")\n@reason(\"shop.suspended\")"
        right "@id(\"suspended-shops-do-not-order\")";
    "PC0304" Error: "the policies cannot be sorted"
        means "Policies hold to the schema, and yet cannot be sorted by action and kind of principal: a condition is longer than can be checked (some thousand terms), or the program has a defect."
        matters "A policy that is left out of a decision could have been a `forbid`."
        mend "Cut long conditions into several policies. If none is long, please report it with the declaration.";
    "PC0305" Error: "the baseline is not what the contracts make of it"
        means "`baseline.cedar` is missing, was edited, or a contract changed without it."
        matters "It holds the tenants and scopes of the contracts; whoever reviews policies must see it."
        mend "Run `portcullis policy baseline`, and review what changed. Policies of your own belong in other files."
        "policies/baseline.cedar"
        wrong "principal has tenant && resource has tenant"
        right "principal has tenant && resource has tenant && principal.tenant == resource.tenant";
    "PC0306" Note: "policies are read, and not yet held against the contracts"
        means "Policies name what contracts and providers make. While these have errors, policies are only read; whether they hold is said once the others are mended."
        matters "Further findings may follow."
        mend "Mend the other findings first.";
    "PC0310" Error: "a policy that does not hold to the schema"
        means "The policy names an operation, resource or attribute that the contracts and providers do not make, compares values of different types, or reads an attribute that may be absent without asking `has` first."
        matters "A policy that can fail while deciding makes every such request a refusal."
        mend "Correct it; `portcullis policy schema` shows what policies may name."
        "policies/orders.cedar"
        wrong "when { principal.plan == \"suspended\" };"
        right "when { principal has plan && principal.plan == \"suspended\" };";
    "PC0311" Warning: "a suspicious policy"
        means "The policy holds to the schema and looks as if something else was meant: it can never apply, or its text mixes scripts that look alike."
        matters "It probably does not do what it was written for."
        mend "Correct or remove it."
        "policies/orders.cedar"
        wrong "when { principal.roles.contains(\"manager\") && false };"
        right "when { principal.roles.contains(\"manager\") };";
    "PC0312" Error: "a challenge that cannot be given"
        means "`@challenge` is not `acr=…` and `max_age=…` (seconds), separated by `;`, either or both; or it stands on a `permit`, or beside `@reason`."
        matters "A client is told what sign-in is needed, and only where a `forbid` would not hold with it."
        mend "Write `@challenge(\"acr=mfa; max_age=300\")` on a `forbid` without `@reason`."
        "policies/orders.cedar"
        wrong "@id(\"suspended-shops-do-not-order\")\n@challenge(\"level=2\")"
        right "@id(\"suspended-shops-do-not-order\")";
}

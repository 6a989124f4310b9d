//! What do PC0123 to PC0129 mean? Settings of identity providers, and of what they are
//! asked for, that are weak or can never hold.

super::page::table! {
    "PC0123" Warning: "tokens that need not be access tokens of RFC 9068"
        means "The provider accepts tokens of another type than `at+jwt`, or tokens that lack claims which RFC 9068 requires (`relaxed`)."
        matters "The type and the claims of RFC 9068 keep other tokens of the same issuer, such as ID tokens, from passing for access tokens, and say which client asked for a token."
        mend "Have the issuer make access tokens of RFC 9068. Where it cannot, the warning stands for all to see."
        "portcullis.yaml"
        wrong "      types: [at+jwt, jwt]"
        right "      types: [at+jwt]";
    "PC0124" Error: "two providers of opaque tokens at one boundary"
        means "A boundary accepts more than one provider of the kind `introspection`."
        matters "An opaque token does not say whose it is. Which issuer is asked, and is shown the token, would be chance."
        mend "Let each boundary accept at most one of them.";
    "PC0125" Error: "a claim that cannot have this form"
        means "A claim is mapped to something of another form than its standard says, is read in two forms that exclude each other, or is no name of a claim."
        matters "A token that has the claim would be refused, each and every one; or it would be read in two ways."
        mend "Name the claim that is meant, or give the attribute the type that the claim has."
        "portcullis.yaml"
        wrong "plan: {claim: exp, type: text}"
        right "plan: {claim: plan, type: text}";
    "PC0126" Warning: "introspection that believes more than it must"
        means "Answers about opaque tokens may lack their issuer or subject (`relaxed`), or count for more than a minute."
        matters "Without `iss`, an answer of another issuer at the same place would do; without `sub`, the client is the subject, and a client could be named like a user. A token that was revoked is good for as long as an answer counts."
        mend "Have the issuer answer with `iss` and `sub`, and ask it again within a minute. Where it cannot, the warning stands for all to see.";
    "PC0127" Warning: "tokens that are good for long"
        means "The provider accepts tokens with a lifetime of more than an hour, or tolerates clocks that differ by more than two minutes."
        matters "A token that was stolen, or whose subject has left, is good until its time is over."
        mend "Have the issuer make tokens that are short-lived, and its clock right."
        "portcullis.yaml"
        wrong "max_lifetime: 12h"
        right "max_lifetime: 1h";
    "PC0128" Error: "a protected resource that is not this API"
        means "`protected_resource` names a resource that is no `https` URL (or `http` to a loopback address) of one of the API's hosts with exactly its base path, or a page of documentation that is no `https` URL."
        matters "Clients compare the resource that the metadata names with the URL that they call (RFC 9728 section 3.3), and ask for tokens for it."
        mend "Write a host of the API and its base path, such as `https://api.shop.example/v1`."
        "portcullis.yaml"
        wrong "    owner: team-orders\n    protected_resource: {resource: \"https://api.shop.example/v2\"}"
        right "    owner: team-orders";
    "PC0129" Error: "assurance that nobody can show"
        means "A boundary asks for `assurance` that a provider which it accepts cannot tell: API keys and certificates say nothing of a sign-in, and tokens say it in the claims that `acr` and `auth_time` name. Or it asks for nothing."
        matters "Every caller of that provider would be refused, and told to sign in again without end."
        mend "Name the claims in `claims.acr` and `claims.auth_time` of the provider, or accept it at another boundary."
        "portcullis.yaml"
        wrong "identity: {providers: [shop-idp], anonymous: true, assurance: {acr: [mfa]}}"
        right "identity: {providers: [shop-idp], anonymous: true}";
}

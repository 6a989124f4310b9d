//! Why was it refused? A closed set, and the one table that says everything about each reason.
//!
//! The set is deliberately not `#[non_exhaustive]`: when a new outcome appears, every place that
//! maps reasons must fail to build. HTTP status, challenge, metric label and the generated
//! documentation page (`docs/reference/reasons.md`) all come from [`Reason::entry`].

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Stage;

/// What the table says about a reason.
#[derive(Clone, Copy, Debug)]
pub struct ReasonEntry {
    /// Stable public code, `stage.word`; also the metric label.
    pub code: &'static str,
    /// The stage that refuses with it.
    pub stage: Stage,
    /// HTTP status of the answer.
    pub status: u16,
    /// Which `WWW-Authenticate` challenge goes with it.
    pub challenge: Challenge,
    /// One sentence for the client. Says nothing internal.
    pub title: &'static str,
    /// What it means to the operator, and what usually mends it.
    pub meaning: &'static str,
}

/// The `WWW-Authenticate` challenge of a refusal (RFC 6750 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// None.
    No,
    /// The schemes the boundary accepts, without an error: nothing was shown.
    Bare,
    /// `error="invalid_token"`.
    InvalidToken,
    /// `error="invalid_request"`.
    InvalidRequest,
    /// `error="insufficient_user_authentication"` with what is needed (RFC 9470 section 3).
    InsufficientAuthentication,
    /// `error="insufficient_scope"` with the scopes that are needed.
    InsufficientScope,
    /// `error="invalid_token"` of the scheme `DPoP` (RFC 9449 section 7.1).
    DpopToken,
    /// `error="invalid_dpop_proof"`.
    DpopProof,
    /// `error="use_dpop_nonce"` (RFC 9449 section 9).
    DpopNonce,
    /// A signature over the message, which has no error of its own.
    Signature,
}

/// A challenge of the scheme `DPoP`, with the algorithms that proofs may have.
macro_rules! dpop {
    ($error:literal) => {
        concat!(
            "DPoP error=\"",
            $error,
            "\", algs=\"ES256 ES384 ES512 EdDSA PS256 PS384 PS512 RS256\""
        )
    };
}

impl Challenge {
    /// The header's value. For lacking scopes, `, scope="…"` with their names follows; for a sign-in
    /// that is not enough, `, acr_values="…"` and `, max_age="…"`.
    #[must_use]
    pub const fn value(self) -> Option<&'static str> {
        match self {
            Self::No => None,
            Self::Bare => Some("Bearer"),
            Self::InvalidToken => Some("Bearer error=\"invalid_token\""),
            Self::InvalidRequest => Some("Bearer error=\"invalid_request\""),
            Self::InsufficientAuthentication => {
                Some("Bearer error=\"insufficient_user_authentication\"")
            }
            Self::InsufficientScope => Some("Bearer error=\"insufficient_scope\""),
            Self::Signature => Some("Signature"),
            Self::DpopToken => Some(dpop!("invalid_token")),
            Self::DpopProof => Some(dpop!("invalid_dpop_proof")),
            Self::DpopNonce => Some(dpop!("use_dpop_nonce")),
        }
    }
}

macro_rules! reasons {
    ($($name:ident $code:literal $stage:ident $status:literal $challenge:ident
        $title:literal $meaning:literal;)*) => {
        /// Why a crossing was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $(#[doc = $meaning] $name,)*
        }

        impl Reason {
            /// Every reason, in the order of the stages.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The table's row.
            #[must_use]
            pub const fn entry(self) -> ReasonEntry {
                match self {
                    $(Self::$name => ReasonEntry {
                        code: $code,
                        stage: Stage::$stage,
                        status: $status,
                        challenge: Challenge::$challenge,
                        title: $title,
                        meaning: $meaning,
                    },)*
                }
            }
        }
    };
}

reasons! {
    MalformedFraming "receive.malformed_framing" Receive 400 No
        "the message framing is malformed"
        "The bytes on the connection are not one unambiguous message (HTTP/1: RFC 9112, HTTP/2: RFC 9113): conflicting lengths, bad chunk, bare CR or LF, and the like. The connection is closed.";
    UnknownTransferCoding "receive.unknown_transfer_coding" Receive 501 No
        "the transfer coding is not supported"
        "A transfer coding other than a single final `chunked` was named. The connection is closed.";
    UnsupportedVersion "receive.unsupported_version" Receive 505 No
        "the protocol version is not supported"
        "The request line names a version other than HTTP/1.0 or HTTP/1.1.";
    HeadTooLarge "receive.head_too_large" Receive 431 No
        "the request head is too large"
        "The request line and headers exceed the bound on size or number.";
    TargetTooLong "receive.target_too_long" Receive 414 No
        "the request target is too long"
        "The request target exceeds the bound.";
    FrameFlood "receive.frame_flood" Receive 429 No
        "too many frames that carry no request"
        "Over HTTP/2 a client sent more resets, pings, settings, window updates, empty or unknown frames than its requests and the answers to them explain (rapid reset and its kin). The connection is closed.";
    HeadTimeout "receive.head_timeout" Receive 408 No
        "the request head took too long"
        "The request head did not arrive before its deadline.";
    MethodRefused "receive.method_refused" Receive 501 No
        "the method is not supported"
        "The method is not one of DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT. CONNECT and TRACE never cross.";
    AmbiguousTarget "receive.ambiguous_target" Receive 400 No
        "the request target is not in canonical form"
        "The path could be read in more than one way: dot segments, encoded slash, backslash, dot or NUL, double encoding, parameters after `;`, empty segments, bytes outside ASCII. It is refused, never repaired.";
    InvalidHost "receive.invalid_host" Receive 400 No
        "the host is missing or invalid"
        "Host is absent, repeated, malformed, or disagrees with an absolute-form target.";
    UnknownHost "receive.unknown_host" Receive 421 No
        "this host is not served here"
        "No API is declared for this host on this listener.";
    Misdirected "receive.misdirected" Receive 421 No
        "this connection was opened for another server"
        "The client named one server in the TLS handshake (SNI) and asks for another host, which the certificate that it was shown does not cover. A client may repeat the request over a connection of its own. If a proxy in front keeps a name of its own for all hosts, have it send the host's name or none.";
    InvalidHeader "receive.invalid_header" Receive 400 No
        "a header is invalid"
        "A header name or value is outside the strict subset, or a header that decides security is repeated or joined by commas.";
    UnsupportedExpectation "receive.unsupported_expectation" Receive 417 No
        "the expectation is not supported"
        "An Expect other than `100-continue` was sent.";
    AddressThrottled "receive.address_throttled" Receive 429 No
        "too many requests from this address"
        "The per-address guard, which stands before any cryptography, is exhausted.";
    FailuresThrottled "receive.failures_throttled" Receive 429 No
        "too many refused credentials from this address"
        "The address showed too many credentials that were refused; it must wait.";
    UnlistedOperation "receive.unlisted_operation" Receive 404 No
        "no such operation"
        "No contract lists this method and path. Unlisted operations are unreachable.";
    ExchangeMalformed "receive.exchange_malformed" Receive 400 No
        "the request for a token is malformed"
        "The form of a token exchange lacks a parameter, has one twice, or one that is not supported (RFC 8693 section 2.1). The answer is `invalid_request` of RFC 6749 section 5.2.";
    ExchangeGrantRefused "receive.exchange_grant_refused" Receive 400 No
        "the grant type is not supported"
        "Only tokens are exchanged here (RFC 8693). The answer is `unsupported_grant_type`.";
    UndeclaredCrossing "receive.undeclared_crossing" Receive 403 No
        "this crossing is not declared"
        "No boundary leads from the listener's zone to the zone of the API.";
    AddressRefused "receive.address_refused" Receive 403 No
        "this address may not come here"
        "A list of addresses of the listener or the boundary keeps the client's address out.";
    CountryRefused "receive.country_refused" Receive 403 No
        "requests from this country are not accepted here"
        "A list of countries of the listener or the boundary keeps the client out, or the country of its address is not known, or it could not be looked up.";
    CrossOriginRefused "receive.cross_origin_refused" Receive 403 No
        "this origin may not ask that"
        "A browser asked whether a page of another origin may send a request (a CORS preflight), and the declaration of the API does not list the origin, or a header that it wants to send.";
    Maintenance "receive.maintenance" Receive 503 No
        "the API is being maintained"
        "The declaration says that the API is under maintenance; `Retry-After` says when to ask again.";
    Retired "receive.retired" Receive 410 No
        "the API is not served any more"
        "The API is retired, or its sunset date has passed.";
    CredentialMissing "identify.credential_missing" Identify 401 Bare
        "a credential is required"
        "The operation needs an identity and none was shown.";
    SeveralCredentials "identify.several_credentials" Identify 400 InvalidRequest
        "more than one credential was shown"
        "Two credentials of the same role in one request: which one is meant cannot be known.";
    CredentialInQuery "identify.credential_in_query" Identify 400 InvalidRequest
        "a credential may not be sent in the query"
        "A credential was sent in the query, where it would be logged and cached.";
    CredentialMalformed "identify.credential_malformed" Identify 401 InvalidToken
        "the credential is malformed"
        "The credential does not have the strict form of its kind (RFC 7515 compact serialization, API key with checksum).";
    CredentialNotAccepted "identify.credential_not_accepted" Identify 401 InvalidToken
        "this kind of credential is not accepted here"
        "The boundary does not accept credentials of this kind or from this issuer.";
    TokenTypeRefused "identify.token_type_refused" Identify 401 InvalidToken
        "the token is not an access token"
        "The `typ` of the token is not one that the provider's profile accepts (RFC 9068, RFC 8725 section 3.11).";
    CriticalHeaderRefused "identify.critical_header_refused" Identify 401 InvalidToken
        "the token has a header that is not supported"
        "The token carries `crit`, `b64`, `zip`, or another header that changes its meaning.";
    AlgorithmRefused "identify.algorithm_refused" Identify 401 InvalidToken
        "the token's algorithm is not accepted"
        "The algorithm is `none`, symmetric, unknown, or not the one its key is pinned to.";
    KeyUnknown "identify.key_unknown" Identify 401 InvalidToken
        "the token's key is not known"
        "The issuer publishes no usable key of this id.";
    KeysUnavailable "identify.keys_unavailable" Identify 503 No
        "identity cannot be established at the moment"
        "The issuer's keys could not be fetched within their bounded staleness. Never answered as 401, never by a default key.";
    SignatureInvalid "identify.signature_invalid" Identify 401 InvalidToken
        "the token's signature is invalid"
        "The signature does not verify under the issuer's key.";
    IssuerRefused "identify.issuer_refused" Identify 401 InvalidToken
        "the token's issuer is not accepted"
        "The `iss` is absent or is not exactly a declared issuer.";
    AudienceRefused "identify.audience_refused" Identify 401 InvalidToken
        "the token is not meant for this service"
        "The `aud` is absent, malformed or does not name this service.";
    ExchangeClientRefused "identify.exchange_client_refused" Identify 401 No
        "the client is not known or did not prove itself"
        "Who asks for the exchange of a token showed no credential of a declared client, or more than one. The answer is `invalid_client`.";
    ExchangeSubjectRefused "identify.exchange_subject_refused" Identify 400 No
        "the token to be exchanged is not accepted"
        "The subject token, or the actor token, does not verify by a declared provider that the client may use, or is bound to another sender. The answer is `invalid_request`.";
    WorkloadRefused "identify.workload_refused" Identify 401 InvalidToken
        "the program is not one of those that are accepted"
        "The token is good and of the declared platform, and names another program than those declared: another repository, branch, service account, role or trust domain.";
    ActorRefused "identify.actor_refused" Identify 403 No
        "nobody may act like this for the caller"
        "The token's `act` names an actor that its provider does not list, or more actors than the bound (RFC 8693 section 4.1).";
    TokenExpired "identify.token_expired" Identify 401 InvalidToken
        "the token has expired"
        "The `exp` has passed, beyond the declared clock skew.";
    TokenNotYetValid "identify.token_not_yet_valid" Identify 401 InvalidToken
        "the token is not valid yet"
        "The `nbf` or `iat` lies in the future, beyond the declared clock skew.";
    TokenLifetimeTooLong "identify.token_lifetime_too_long" Identify 401 InvalidToken
        "the token lives too long"
        "The time from issue to expiry exceeds the declared maximum.";
    ClaimInvalid "identify.claim_invalid" Identify 401 InvalidToken
        "a claim of the token is missing or invalid"
        "A claim that is required or mapped is absent or has the wrong type.";
    ApiKeyUnknown "identify.api_key_unknown" Identify 401 InvalidToken
        "the API key is not known"
        "No stored key matches.";
    ApiKeyExpired "identify.api_key_expired" Identify 401 InvalidToken
        "the API key has expired"
        "The key's expiry has passed.";
    ApiKeyRevoked "identify.api_key_revoked" Identify 401 InvalidToken
        "the API key has been revoked"
        "The key was revoked.";
    CertificateUntrusted "identify.certificate_untrusted" Identify 401 InvalidToken
        "the client certificate is not trusted any more"
        "The certificate with which the connection was opened does not verify now: it was revoked, its authority is not trusted any more, or its status is unknown because a revocation list has expired.";
    CertificateExpired "identify.certificate_expired" Identify 401 InvalidToken
        "the client certificate has expired"
        "The time is outside the validity of the certificate with which the connection was opened, or of one above it.";
    CertificateNameRefused "identify.certificate_name_refused" Identify 401 InvalidToken
        "the client certificate does not name a caller that is known here"
        "The certificate has no name of the declared kind, more than one, one that is not in the strict form of a SPIFFE ID, or one outside the declared trust domain or domains.";
    TokenInactive "identify.token_inactive" Identify 401 InvalidToken
        "the token is not active"
        "The issuer was asked about an opaque token (RFC 7662) and says that it is not active: unknown, expired, revoked, or not meant for us.";
    IntrospectionUnavailable "identify.introspection_unavailable" Identify 503 No
        "the identity provider is unavailable"
        "The issuer of opaque tokens could not be asked: it is down, slow, answers with an error, refuses our own credential, or is asked about too many tokens at once. Nobody is identified by such a token then.";
    IntrospectionInvalid "identify.introspection_invalid" Identify 503 No
        "the identity provider's answer is invalid"
        "The issuer of opaque tokens answered, and the answer is not strict JSON with a truth value in `active`. Nobody is identified by it.";
    SenderUnproven "identify.sender_unproven" Identify 401 InvalidToken
        "the credential is bound to another connection"
        "The token is bound to a client certificate (`cnf` with `x5t#S256`, RFC 8705), and the connection was opened with another one or with none.";
    SenderDowngraded "identify.sender_downgraded" Identify 401 DpopToken
        "the token must be shown with a proof of its key"
        "The token is bound to a key (`cnf` with `jkt`, RFC 9449), and was shown as a bearer token. What is bound stays bound, whether or not the declaration asks for it.";
    SenderUnconstrained "identify.sender_unconstrained" Identify 401 DpopToken
        "the credential must be bound to its sender"
        "The boundary lets only those in who prove that their credential is their own (`identity.sender.required`): by DPoP (RFC 9449), by a client certificate (RFC 8705), or by a signature over the message.";
    ProofRefused "identify.proof_refused" Identify 401 DpopProof
        "the DPoP proof is missing or not one for this request"
        "The DPoP proof (RFC 9449 section 4.3) is missing, repeated, malformed, made for another request, token or key, or too old; or one came where no token is that it could be for.";
    ProofNonceNeeded "identify.proof_nonce_needed" Identify 401 DpopNonce
        "the DPoP proof needs a nonce of this server"
        "The boundary requires a nonce in proofs, and there was none, or one that has ended. The answer names the next one in `DPoP-Nonce`; clients repeat the request with it.";
    ProofReplayed "identify.proof_replayed" Identify 401 DpopProof
        "the proof was used before"
        "A proof, signature or webhook of this name has passed within its window. Each passes once, however many come at the same time.";
    ReplaysFull "identify.replays_full" Identify 503 No
        "identity cannot be established at the moment"
        "The window in which proofs are remembered is full (`guards.proofs_max`). Whether one was seen before cannot be told, so none passes until room is made by time.";
    MessageSignatureRefused "identify.message_signature_refused" Identify 401 Signature
        "the signature of the message is not accepted"
        "The message signature (RFC 9421) is missing a part, repeated, by an unknown key, over fewer components than the provider requires, outside its time, or does not verify; or the body is not covered by it.";
    WebhookRefused "identify.webhook_refused" Identify 401 Signature
        "the webhook is not from a known sender"
        "The code of the webhook is missing, malformed, by none of the declared secrets, or its time is outside the tolerance.";
    MessageReplayed "identify.message_replayed" Identify 401 Signature
        "the message was received before"
        "A signed message or webhook of this name has passed within its window. Each passes once.";
    AuthenticationInsufficient "assess.authentication_insufficient" Assess 401 InsufficientAuthentication
        "a stronger or more recent sign-in is required"
        "The caller is known, and has signed in more weakly or longer ago than the boundary (`assurance`) or a policy (`@challenge`) asks for. The challenge says what is needed (RFC 9470); the credential does not say it, or says less.";
    ExchangeActorRefused "authorize.exchange_actor_refused" Authorize 400 No
        "the client may not act for this subject"
        "The subject token does not name the client in `may_act`, the client acts for the subject already (a loop), or the chain of actors would be too long. The answer is `invalid_request`.";
    ExchangeScopeRefused "authorize.exchange_scope_refused" Authorize 400 No
        "a scope is asked for that may not be given"
        "A scope that the subject token does not have, or that the client is not declared. An exchange only ever narrows. The answer is `invalid_scope`.";
    ExchangeTargetRefused "authorize.exchange_target_refused" Authorize 400 No
        "the audience is not one that the client may ask for"
        "None or more than one audience is asked for, or one that the client is not declared. The answer is `invalid_target` of RFC 8693 section 2.2.2.";
    TenantMismatch "authorize.tenant_mismatch" Authorize 403 No
        "not permitted"
        "The guarded tenant policy forbids: the caller's tenant is not the resource's.";
    ScopeInsufficient "authorize.scope_insufficient" Authorize 403 InsufficientScope
        "the credential lacks a needed scope"
        "The operation's contract asks for scopes that the credential does not carry.";
    NotPermitted "authorize.not_permitted" Authorize 403 No
        "not permitted"
        "No policy permits this request: denied by default.";
    Forbidden "authorize.forbidden" Authorize 403 No
        "not permitted"
        "A policy forbids this request.";
    PolicyError "authorize.policy_error" Authorize 403 No
        "not permitted"
        "A policy failed to evaluate. Any error denies.";
    BodyTooLarge "inspect.body_too_large" Inspect 413 No
        "the body is too large"
        "The body exceeds the bound of the boundary, before or after decompression.";
    BodyTimeout "inspect.body_timeout" Inspect 408 No
        "the body took too long"
        "The body did not arrive before its deadline.";
    BodyIncomplete "inspect.body_incomplete" Inspect 400 No
        "the body is incomplete"
        "The connection ended, or its framing broke, before the body did.";
    BodyUnexpected "inspect.body_unexpected" Inspect 400 No
        "a body is not expected here"
        "The contract describes no body for this operation and one was sent.";
    BodyMissing "inspect.body_missing" Inspect 400 No
        "a body is required"
        "The contract requires a body and none was sent.";
    ContentTypeRefused "inspect.content_type_refused" Inspect 415 No
        "the content type is not accepted"
        "The media type is absent, malformed, or not one that the contract lists.";
    ContentEncodingRefused "inspect.content_encoding_refused" Inspect 415 No
        "the content encoding is not accepted"
        "The content coding is unknown, repeated, or its data is corrupt.";
    BodyMalformed "inspect.body_malformed" Inspect 400 No
        "the body is malformed"
        "The body is not strict JSON: syntax, duplicate member, depth, number or encoding.";
    ContentDigestRefused "inspect.content_digest_refused" Inspect 400 No
        "the body is not the one that its digest names"
        "`Content-Digest` (RFC 9530) is malformed, has no `sha-256` or `sha-512`, or is not that of the body as it was received.";
    BodyRefused "inspect.body_refused" Inspect 400 No
        "the body does not match its contract"
        "The body is well-formed and differs from the schema of the contract.";
    UpgradeRequired "inspect.upgrade_required" Inspect 426 No
        "the operation opens a WebSocket"
        "The operation is declared as a WebSocket, and the request is no opening of one (RFC 6455 section 4.1), or came over HTTP/2.";
    ParameterRefused "inspect.parameter_refused" Inspect 400 No
        "a parameter does not match its contract"
        "A path, query, header or cookie parameter is missing, unknown, repeated, or differs from its schema.";
    RateExceeded "admit.rate_exceeded" Admit 429 No
        "too many requests"
        "A declared rate is exhausted for this principal, tenant, operation or address.";
    ConcurrencyExceeded "admit.concurrency_exceeded" Admit 429 No
        "too many requests at once"
        "A declared number of concurrent requests is reached.";
    TokenUnavailable "admit.token_unavailable" Admit 503 No
        "the request cannot be carried at the moment"
        "The upstream is declared to be sent a token of the boundary's own, and none could be signed: the folder of keys cannot be read, or there is no randomness. Nothing was sent.";
    RecordUnavailable "admit.record_unavailable" Admit 503 No
        "the request cannot be recorded"
        "The boundary requires a durable record and it could not be written: no record, no crossing.";
    UpstreamUnreachable "forward.upstream_unreachable" Forward 502 No
        "the upstream cannot be reached"
        "The connection to the upstream failed before a response.";
    UpstreamTimeout "forward.upstream_timeout" Forward 504 No
        "the upstream did not answer in time"
        "The upstream did not respond before its deadline.";
    UpstreamInvalid "forward.upstream_invalid" Forward 502 No
        "the upstream's answer is invalid"
        "The upstream's response head was malformed or ambiguous; the connection was dropped.";
    UpstreamAddressRefused "forward.upstream_address_refused" Forward 502 No
        "the upstream cannot be reached"
        "A name of the upstream leads to an address outside its declared class (`address_class`, `allow_networks`), or to one at which clouds tell machines about themselves. Nothing was connected to.";
    UpstreamOverloaded "forward.upstream_overloaded" Forward 503 No
        "the upstream is busy"
        "A bound of the upstream's `circuit` is reached: requests under way, or waiting for a connection. It was not asked.";
    UpstreamUnhealthy "forward.upstream_unhealthy" Forward 503 No
        "the upstream is not available at the moment"
        "Every address of the upstream fails its health checks. None was asked.";
    UpstreamUntrusted "forward.upstream_untrusted" Forward 502 No
        "the upstream cannot be reached"
        "The upstream's certificate does not hold: unknown authority, other name, expired, or none. Nothing of the request was sent.";
    ReplyInterrupted "reply.interrupted" Reply 502 No
        "the upstream's answer was cut short"
        "The upstream's body ended before its declared length, or stalled; the client's connection was cut so that it cannot be taken for whole.";
    CredentialEnded "reply.credential_ended" Reply 401 No
        "the credential ended while the stream was open"
        "A stream outlived what had opened it: the credential expired or was revoked, or the boundary does not accept it any more. The stream was cut.";
    StreamTooLong "reply.stream_too_long" Reply 408 No
        "the stream was open for too long"
        "A stream reached its declared longest time and was cut; the client may open another.";
    ClientGone "reply.client_gone" Reply 499 No
        "the client went away"
        "The client closed the connection before the answer was complete.";
    FactMissing "record.fact_missing" Record 503 No
        "the request cannot be decided"
        "A fact that the decision needs was not supplied. Missing facts refuse.";
}

impl Reason {
    /// Stable public code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.entry().code
    }

    /// HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.entry().status
    }

    /// The stage that refuses with it.
    #[must_use]
    pub const fn stage(self) -> Stage {
        self.entry().stage
    }

    /// Finds a reason by its code.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::from_code(&code)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown reason `{code}`")))
    }
}

#[cfg(test)]
mod tests {
    use super::Reason;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_name_their_stage() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for reason in Reason::ALL {
            let prefix = format!("{}.", reason.stage());
            assert!(reason.code().starts_with(&prefix), "{reason} under {}", reason.stage());
            assert_eq!(Reason::from_code(reason.code()), Some(*reason));
            assert!((400..600).contains(&reason.status()));
        }
    }
}

//! What is written down? A [`Draft`]: the record with its facts still open. Sealing needs a key
//! and randomness, so that is done where the record is written.

use portcullis_model::record::{
    Caller, Outcome, RECORD_VERSION, Record, RecordKind, RequestSummary, StageNote,
};
use portcullis_model::written::hex;
use portcullis_model::{Decision, Principal, PrincipalKind, Stage};

use crate::json;
use crate::refusal::Refusal;
use crate::trace::{Trace, TracedFact};

/// A record whose facts are not sealed yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Everything but `facts` and `caller.principal`, which the writer adds.
    pub record: Record,
    /// The facts.
    pub facts: Vec<TracedFact>,
    /// The caller's qualified name, to be hashed under the node's key.
    pub principal_name: Option<String>,
}

/// How long each stage took, in microseconds; stages that did not run are absent.
pub type Timings = Vec<(Stage, u64)>;

/// Drafts the record of a decision.
#[must_use]
pub fn draft(
    kind: RecordKind,
    trace: Trace,
    revision: &str,
    refusal: Option<&Refusal>,
    timings: &Timings,
    outcome: Option<Outcome>,
) -> Draft {
    let (stages, caller) = (stage_notes(&trace, refusal, timings), caller(&trace));
    let digest = digest(&trace.request, &trace.facts);
    let principal = trace.caller.as_ref().map(|caller| caller.principal());
    let reached = if trace.answered { Stage::Receive } else { Stage::Admit };
    let stage = refusal.map_or(reached, |refusal| refusal.stage);
    // a failure after admission does not undo the decision that was given
    let permitted = refusal
        .is_none_or(|refusal| refusal.stage > Stage::Admit && refusal.stage != Stage::Record);
    Draft {
        principal_name: principal.map(Principal::qualified_name),
        record: Record {
            v: RECORD_VERSION,
            id: trace.id,
            kind,
            at: trace.at,
            revision: revision.to_owned(),
            listener: trace.listener,
            request: trace.request,
            crossing: trace.crossing,
            caller,
            span: trace.span.map(|span| span.note.clone()),
            decision: if permitted { Decision::Allow } else { Decision::Deny },
            stage,
            reason: refusal.map(|refusal| refusal.reason),
            detail: refusal.map(|refusal| refusal.detail.clone()),
            stages,
            facts: Vec::new(),
            digest,
            outcome,
        },
        facts: trace.facts,
    }
}

/// The caller of a trace, without the hash of its name, which the writer adds.
#[must_use]
pub fn caller(trace: &Trace) -> Caller {
    let principal = trace.caller.as_ref().map(|caller| caller.principal());
    Caller {
        principal: None,
        kind: principal.map(|principal| kind(principal.kind).to_owned()),
        tenant: principal.and_then(|principal| principal.tenant.clone()),
        credential: principal
            .and_then(|principal| principal.credential.as_ref())
            .map(|credential| credential.handle.clone()),
    }
}

const fn kind(kind: PrincipalKind) -> &'static str {
    match kind {
        PrincipalKind::Anonymous => "anonymous",
        PrincipalKind::ApiKey => "apikey",
        PrincipalKind::User => "user",
        PrincipalKind::Workload => "workload",
    }
}

fn stage_notes(trace: &Trace, refusal: Option<&Refusal>, timings: &Timings) -> Vec<StageNote> {
    let micros = |stage: Stage| {
        timings.iter().filter(|(timed, _)| *timed == stage).map(|(_, micros)| micros).sum()
    };
    let mut notes: Vec<StageNote> = trace
        .said
        .iter()
        .map(|(stage, said)| StageNote {
            stage: *stage,
            said: said.to_string(),
            micros: micros(*stage),
        })
        .collect();
    if let Some(refusal) = refusal {
        let said = format!("refused: {}: {}", refusal.reason, refusal.detail);
        notes.push(StageNote { stage: refusal.stage, said, micros: micros(refusal.stage) });
    }
    notes
}

/// SHA-256 over the request summary (as JSON) and each fact's name, time, value and kind, every part
/// with its length before it; hexadecimal.
#[must_use]
pub fn digest(request: &RequestSummary, facts: &[TracedFact]) -> String {
    let mut whole = Vec::with_capacity(2048);
    let mut add = |bytes: &[u8]| {
        whole.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        whole.extend_from_slice(bytes);
    };
    add(json::text(request).as_bytes());
    for fact in facts {
        add(fact.name.as_bytes());
        add(&fact.as_of.as_millis().to_be_bytes());
        add(fact.value.as_bytes());
        add(&[u8::from(fact.personal)]);
    }
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &whole).as_ref())
}

//! In which order is it decided? One state machine over the stages, without I/O: the driver asks
//! [`Chain::advance`], supplies the facts it names, and asks again. The gateway, `simulate` and
//! `replay` drive the same machine.
//!
//! The order of the stages is fixed by their types: each takes what the one before it made.

use portcullis_model::{Stage, Timestamp};

use crate::admit::{self, Permit};
use crate::answer::Answer;
use crate::assess::{self, Assessed};
use crate::authorize::{self, Authorized};
use crate::exchange::{self, Exchanging, Granted};
use crate::facts::{Facts, Need};
use crate::identify::{self, Identified};
use crate::inspect::{self, Inspected};
use crate::receive::{self, Arrival, Entered, Received};
use crate::refusal::{Refusal, Step};
use crate::snapshot::Snapshot;
use crate::trace::Trace;

/// A stage may ask this many times before its request is refused; the most any needs is five
/// (cached token, keys, refreshed keys, nonce of the proof, whether it is the first).
pub const ROUNDS_MAX: u8 = 5;

/// One request on its way through the stages.
///
/// What the stages made can be looked at:
///
/// ```
/// use bytes::Bytes;
/// use portcullis_core::{Permit, Snapshot, admit, facts::Facts, trace::Trace};
/// use portcullis_core::{assess::Assessed, authorize::Authorized, inspect::Inspected};
///
/// fn body(inspected: &Inspected) -> &Bytes {
///     let authorized: &Authorized = &inspected.authorized;
///     let _assessed: &Assessed = &authorized.assessed;
///     &inspected.body
/// }
/// ```
///
/// Nobody else can run a stage, so none can be skipped:
///
/// ```compile_fail,E0603
/// use portcullis_core::{Snapshot, admit, facts::Facts, inspect::Inspected, trace::Trace};
///
/// fn skip(inspected: Inspected, facts: &Facts, snapshot: &Snapshot, trace: &mut Trace) {
///     admit::decide(inspected, facts, snapshot, trace);
/// }
/// ```
///
/// nor can the result of one be made up:
///
/// ```compile_fail,E0639
/// use bytes::Bytes;
/// use portcullis_core::{authorize::Authorized, inspect::Inspected};
///
/// fn make_up(authorized: Authorized, body: Bytes) -> Inspected {
///     Inspected { authorized, body }
/// }
/// ```
///
/// ```compile_fail,E0639
/// use portcullis_core::{assess::Assessed, authorize::Authorized};
///
/// fn make_up(assessed: Assessed) -> Authorized {
///     Authorized { assessed, permitted_by: Vec::new() }
/// }
/// ```
#[derive(Debug)]
pub struct Chain {
    state: Option<State>,
    rounds: u8,
}

#[derive(Debug)]
enum State {
    Arrived(Box<Arrival>),
    Received(Box<Received>),
    Exchanging(Box<Exchanging>),
    Granted(Box<Granted>),
    Identified(Box<Identified>),
    Assessed(Box<Assessed>),
    Authorized(Box<Authorized>),
    Inspected(Box<Inspected>),
}

/// Where the chain stands after an advance.
#[derive(Debug)]
pub enum Advance {
    /// These facts are needed.
    Needs(Vec<Need>),
    /// It may cross.
    Permitted(Box<Permit>),
    /// The boundary answers it itself.
    Answered(Box<Answer>),
    /// It may not.
    Refused(Refusal),
}

/// What a request that is not refused comes to.
#[derive(Debug)]
pub enum Allowed {
    /// The right to forward it.
    Permitted(Box<Permit>),
    /// An answer of the boundary's own.
    Answered(Box<Answer>),
}

impl Chain {
    /// Begins.
    #[must_use]
    pub fn new(arrival: Arrival) -> Self {
        Self { state: Some(State::Arrived(Box::new(arrival))), rounds: 0 }
    }

    /// The stage that will run next.
    #[must_use]
    pub const fn stage(&self) -> Stage {
        match &self.state {
            None | Some(State::Inspected(_) | State::Granted(_)) => Stage::Admit,
            Some(State::Arrived(_)) => Stage::Receive,
            Some(State::Received(_) | State::Exchanging(_)) => Stage::Identify,
            Some(State::Identified(_)) => Stage::Assess,
            Some(State::Assessed(_)) => Stage::Authorize,
            Some(State::Authorized(_)) => Stage::Inspect,
        }
    }

    /// The token whose fresh verification may be kept, with its caller, once it is known.
    #[must_use]
    pub fn fresh_token(&self) -> Option<&Identified> {
        match &self.state {
            Some(State::Identified(identified)) if identified.fresh_token.is_some() => {
                Some(identified)
            }
            Some(_) | None => None,
        }
    }

    /// Runs the next stage. `Ok(())` means that it passed and another follows.
    ///
    /// # Errors
    /// Says what ended or paused the chain.
    pub fn advance(
        &mut self,
        facts: &Facts,
        snapshot: &Snapshot,
        now: Timestamp,
        trace: &mut Trace,
    ) -> Result<(), Advance> {
        let stage = self.stage();
        let Some(state) = self.state.take() else {
            return Err(Advance::Refused(Refusal::missing_fact(stage, "state")));
        };
        let next = match state {
            State::Arrived(arrival) => self.settle(
                receive::decide(*arrival, facts, snapshot, now, trace),
                |state| State::Arrived(Box::new(state)),
                |next| match next {
                    Entered::Exchange(exchanging) => State::Exchanging(exchanging),
                    Entered::Received(received) => State::Received(received),
                },
                stage,
            )?,
            State::Exchanging(exchanging) => self.settle(
                exchange::decide(*exchanging, facts, snapshot, now, trace),
                |state| State::Exchanging(Box::new(state)),
                |next| State::Granted(Box::new(next)),
                stage,
            )?,
            State::Granted(granted) => {
                let step = exchange::grant(*granted, facts, now, trace);
                let granted = |state| State::Granted(Box::new(state));
                self.settle(step, granted, granted, stage)?
            }
            State::Received(received) => self.settle(
                identify::decide(*received, facts, snapshot, now, trace),
                |state| State::Received(Box::new(state)),
                |next| State::Identified(Box::new(next)),
                stage,
            )?,
            State::Identified(identified) => {
                let assessed = assess::decide(*identified, snapshot, now, trace);
                State::Assessed(Box::new(assessed.map_err(Advance::Refused)?))
            }
            State::Assessed(assessed) => authorize::decide(*assessed, snapshot, now, trace)
                .map(|authorized| State::Authorized(Box::new(authorized)))
                .map_err(Advance::Refused)?,
            State::Authorized(authorized) => self.settle(
                inspect::decide(*authorized, facts, trace),
                |state| State::Authorized(Box::new(state)),
                |next| State::Inspected(Box::new(next)),
                stage,
            )?,
            State::Inspected(inspected) => {
                match admit::decide(*inspected, facts, snapshot, trace) {
                    Step::Next(permit) => return Err(Advance::Permitted(Box::new(permit))),
                    Step::More(state, needs) => {
                        return Err(self.ask(State::Inspected(Box::new(state)), needs, stage));
                    }
                    Step::Answered(answer) => return Err(Advance::Answered(Box::new(answer))),
                    Step::Refused(refusal) => return Err(Advance::Refused(refusal)),
                }
            }
        };
        self.state = Some(next);
        self.rounds = 0;
        Ok(())
    }

    fn settle<S, N>(
        &mut self,
        step: Step<S, N>,
        keep: impl FnOnce(S) -> State,
        go_on: impl FnOnce(N) -> State,
        stage: Stage,
    ) -> Result<State, Advance> {
        match step {
            Step::Next(next) => Ok(go_on(next)),
            Step::More(state, needs) => Err(self.ask(keep(state), needs, stage)),
            Step::Answered(answer) => Err(Advance::Answered(Box::new(answer))),
            Step::Refused(refusal) => Err(Advance::Refused(refusal)),
        }
    }

    fn ask(&mut self, state: State, needs: Vec<Need>, stage: Stage) -> Advance {
        if self.rounds >= ROUNDS_MAX {
            return Advance::Refused(Refusal::missing_fact(stage, "any further"));
        }
        self.rounds = self.rounds.saturating_add(1);
        self.state = Some(state);
        Advance::Needs(needs)
    }
}

//! Do streams go on, and say what they were sent? A WebSocket whose messages come back, and events that
//! are numbered. They end when the client has enough; with a take-over or a kill, earlier.

use std::time::{Duration, Instant};

use portcullis_testkit::{Answer, shop};

use super::asked::{Expect, Got};
use super::clients::Token;
use super::conversation::{BINARY, CLOSE, with_mask};
use super::random::Random;
use super::run::Run;
use super::tally::Verdict;
use super::weather::Fault;
use super::wire::{Connection, Wire};

/// Longest time that a stream is kept, in seconds.
const SECONDS_MAX: u64 = 40;

/// Opens WebSockets and talks.
pub(super) fn talking(run: &Run, random: &mut Random) {
    while !run.is_over() {
        let lines = [
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        ];
        stream(run, random, "/v1/chat", &lines, |connection, random| {
            let size = usize::try_from(random.below(3_000)).unwrap_or_default();
            let payload: Vec<u8> =
                std::iter::repeat_with(|| random.below(256).to_le_bytes()[0]).take(size).collect();
            connection.send(&with_mask(BINARY, &payload, [size.to_le_bytes()[0], 2, 3, 4]))?;
            let echoed = read_frame(connection)?;
            if echoed.0 == CLOSE {
                return Err(format!("closed with {:?}", echoed.1));
            }
            if echoed != (BINARY, payload) {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(20 + random.below(200)));
            Ok(true)
        });
    }
}

/// Reads events.
pub(super) fn listening(run: &Run, random: &mut Random) {
    while !run.is_over() {
        let mut next = 0_u64;
        stream(run, random, "/v1/feed", &[], |connection, _| {
            let event = connection.chunk()?.ok_or("the events ended")?;
            let due = format!("data: {next:08}\n\n");
            next += 1;
            Ok(event == due.as_bytes())
        });
    }
}

fn read_frame(connection: &mut Connection) -> Result<(u8, Vec<u8>), String> {
    let head = connection.exactly(2)?;
    let mut length = usize::from(head.get(1).copied().unwrap_or_default());
    if length == 126 {
        let wide = connection.exactly(2)?;
        length = wide.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    Ok((head.first().copied().unwrap_or_default(), connection.exactly(length)?))
}

/// Opens a stream and goes through its steps for a while.
fn stream(
    run: &Run,
    random: &mut Random,
    target: &str,
    lines: &[&str],
    mut step: impl FnMut(&mut Connection, &mut Random) -> Result<bool, String>,
) {
    let authorization = format!("Authorization: Bearer {}", Token::default().next(run, random));
    let text = shop::request("GET", target, &[&[authorization.as_str()], lines].concat());
    let begun = Instant::now();
    let (connection, got) = match open(run, &text) {
        Ok((connection, got)) => (Some(connection), Got::Whole(got)),
        Err(why) => (None, Got::Broken(why)),
    };
    let opened = run.settle(target, begun, &Expect::Body(String::new()), &got);
    let Some(mut connection) = connection.filter(|_| opened) else {
        run.sleep(Duration::from_millis(200));
        return;
    };
    let enough = Duration::from_secs(1 + random.below(SECONDS_MAX));
    let begun = Instant::now();
    while !run.is_over() && begun.elapsed() < enough {
        let verdict = match step(&mut connection, random) {
            Ok(true) => Verdict::Right,
            Ok(false) => Verdict::Wrong("not what is due on a stream".to_owned()),
            Err(why) => {
                let under = run.weather.under(begun, Instant::now());
                let ends = [Fault::Takeover, Fault::Kill, Fault::KeysRotated];
                if ends.iter().any(|fault| under.has(*fault)) {
                    Verdict::Failed
                } else {
                    Verdict::Wrong(format!("a stream ended: {why}"))
                }
            }
        };
        let goes_on = verdict == Verdict::Right;
        let now = Instant::now();
        run.tally.judged(target, run.weather.under(now, now), &verdict);
        if !goes_on {
            return;
        }
    }
}

/// Sends an opening and reads its answer: of a stream only the head.
fn open(run: &Run, text: &str) -> Result<(Connection, Answer), String> {
    let mut connection = Connection::new(Wire::plain(run.addresses.plain)?);
    connection.send(text.as_bytes())?;
    let mut answer = connection.head()?;
    if answer.status >= 300 {
        connection.read_body(&mut answer)?;
    } else {
        // its outcome follows when the stream ends: nobody waits for it by its id
        answer.headers.clear();
    }
    Ok((connection, answer))
}

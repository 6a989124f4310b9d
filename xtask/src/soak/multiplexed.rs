//! How does a client of the soak speak HTTP/2? Several requests at once over one connection, whose
//! answers may come in any order; after GOAWAY (RFC 9113 section 6.8) the streams that were taken are
//! waited for, and the others are asked again over a new connection.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use portcullis_testkit::Answer;
use portcullis_testkit::h2raw::{
    DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, block,
    frame,
};

use super::asked::{Expect, Got, body, created, order};
use super::clients::Token;
use super::estate::HOST;
use super::random::Random;
use super::run::Run;
use super::wire::Wire;

/// Requests at once.
const AT_ONCE: u32 = 4;

/// Streams of one connection before a new one is opened.
const STREAMS_MAX: u32 = 400;

/// Longest frame that is taken.
const FRAME_MAX: usize = 1 << 20;

/// What became of a stream.
#[derive(Debug)]
enum Ended {
    /// Its body.
    Answered(Vec<u8>),
    /// It broke.
    Broken(String),
    /// It was not taken: it may be asked again.
    NotTaken,
}

/// One connection.
#[derive(Debug)]
struct Http2 {
    wire: Wire,
    next: u32,
    /// The last stream that will be answered, once the other side has said it.
    last: Option<u32>,
}

impl Http2 {
    fn open(wire: Wire) -> Result<Self, String> {
        let mut client = Self { wire, next: 1, last: None };
        client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat())?;
        Ok(client)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        let sent = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        sent.map_err(|error| format!("while sending: {error}"))
    }

    fn ask(&mut self, token: &str, post: bool, number: u32) -> Result<u32, String> {
        let stream = self.next;
        self.next += 2;
        let bearer = format!("Bearer {token}");
        let path = format!("/v1/tenants/acme/orders/o-{number:08}");
        let mut headers = vec![
            (":method", if post { "POST" } else { "GET" }),
            (":scheme", if matches!(self.wire, Wire::Secure(_)) { "https" } else { "http" }),
            (":authority", HOST),
            (":path", if post { "/v1/tenants/acme/orders" } else { &path }),
            ("authorization", &bearer),
        ];
        if post {
            headers.push(("content-type", "application/json"));
            let mut bytes = frame(HEADERS, END_HEADERS, stream, &block(&headers));
            bytes.extend(frame(DATA, END_STREAM, stream, body(number).as_bytes()));
            self.send(&bytes)?;
        } else {
            self.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(&headers)))?;
        }
        Ok(stream)
    }

    fn frame(&mut self) -> Result<(u8, u8, u32, Vec<u8>), String> {
        let mut head = [0; 9];
        let read = |error: std::io::Error| format!("while reading: {error}");
        self.wire.read_exact(&mut head).map_err(read)?;
        let [high, middle, low, kind, flags, id @ ..] = head;
        let length =
            usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap_or(FRAME_MAX);
        if length >= FRAME_MAX {
            return Err("a frame that is too long".to_owned());
        }
        let mut payload = vec![0; length];
        self.wire.read_exact(&mut payload).map_err(read)?;
        Ok((kind, flags, u32::from_be_bytes(id), payload))
    }

    /// Reads until every stream has ended.
    fn ends(&mut self, streams: &[u32]) -> BTreeMap<u32, Ended> {
        let mut open: BTreeMap<u32, Vec<u8>> =
            streams.iter().map(|stream| (*stream, Vec::new())).collect();
        let mut ended = BTreeMap::new();
        loop {
            let last = self.last.unwrap_or(u32::MAX);
            let refused = open.split_off(&last.saturating_add(1));
            ended.extend(refused.into_keys().map(|stream| (stream, Ended::NotTaken)));
            if open.is_empty() {
                return ended;
            }
            if let Err(why) = self.step(&mut open, &mut ended) {
                let broken = |stream| (stream, Ended::Broken(why.clone()));
                ended.extend(std::mem::take(&mut open).into_keys().map(broken));
            }
        }
    }

    /// Reads one frame.
    fn step(
        &mut self,
        open: &mut BTreeMap<u32, Vec<u8>>,
        ended: &mut BTreeMap<u32, Ended>,
    ) -> Result<(), String> {
        let (kind, flags, stream, payload) = self.frame()?;
        match kind {
            SETTINGS if flags & 1 == 0 => self.send(&frame(SETTINGS, 1, 0, &[]))?,
            PING if flags & 1 == 0 => self.send(&frame(PING, 1, 0, &payload))?,
            GOAWAY => {
                let last = payload.first_chunk().map(|last| u32::from_be_bytes(*last));
                self.last = Some(last.ok_or("GOAWAY without a stream")?);
            }
            RST_STREAM if open.remove(&stream).is_some() => {
                ended.insert(stream, Ended::Broken(format!("reset {payload:?}")));
            }
            DATA | HEADERS => {
                if let (DATA, Some(body)) = (kind, open.get_mut(&stream)) {
                    body.extend(payload);
                }
                if flags & END_STREAM != 0
                    && let Some(body) = open.remove(&stream)
                {
                    ended.insert(stream, Ended::Answered(body));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// What is asked, until it is answered.
#[derive(Clone, Debug)]
struct Asked {
    number: u32,
    post: bool,
    begun: Instant,
}

/// Reads and makes orders, several at once; over TLS where chance says so.
pub(super) fn multiplexed(run: &Run, random: &mut Random) {
    let mut token = Token::default();
    let mut again: Vec<Asked> = Vec::new();
    while !run.is_over() {
        let wire = if random.below(2) == 0 {
            Wire::plain(run.addresses.plain)
        } else {
            Wire::secure(run.addresses.web, &run.dialer_http2, HOST)
        };
        match wire.and_then(Http2::open) {
            Ok(mut client) => converse(run, random, &mut client, &mut token, &mut again),
            Err(why) => {
                let expect = Expect::Body(String::new());
                run.settle("multiplexed", Instant::now(), &expect, &Got::Broken(why));
                run.sleep(Duration::from_millis(50));
            }
        }
    }
}

/// Asks over one connection until it ends.
fn converse(
    run: &Run,
    random: &mut Random,
    client: &mut Http2,
    token: &mut Token,
    again: &mut Vec<Asked>,
) {
    while !run.is_over() && client.last.is_none() && client.next < 2 * STREAMS_MAX {
        let text = token.next(run, random);
        let mut asked = BTreeMap::new();
        for _ in 0..AT_ONCE {
            let one = again.pop().unwrap_or_else(|| Asked {
                number: run.numbers.good(),
                post: random.below(2) == 0,
                begun: Instant::now(),
            });
            match client.ask(&text, one.post, one.number) {
                Ok(stream) => drop(asked.insert(stream, one)),
                Err(why) => {
                    settle(run, &one, &Got::Broken(why));
                    client.last = Some(0);
                    break;
                }
            }
        }
        let streams: Vec<u32> = asked.keys().copied().collect();
        for (stream, ended) in client.ends(&streams) {
            let Some(one) = asked.remove(&stream) else { continue };
            match ended {
                Ended::NotTaken => again.push(one),
                Ended::Broken(why) => {
                    settle(run, &one, &Got::Broken(why));
                    client.last = client.last.or(Some(0));
                }
                Ended::Answered(body) => settle(run, &one, &whole(&body)),
            }
        }
        std::thread::sleep(Duration::from_millis(10 + random.below(40)));
    }
}

fn settle(run: &Run, asked: &Asked, got: &Got) {
    let body = if asked.post { created(asked.number) } else { order(asked.number) };
    run.settle("multiplexed", asked.begun, &Expect::Body(body), got);
}

/// The answer of a body: heads are compressed, and a refusal says so in its body.
fn whole(body: &[u8]) -> Got {
    let body = String::from_utf8_lossy(body).into_owned();
    let mut answer = Answer { status: 200, headers: Vec::new(), body };
    if !answer.code().is_empty() {
        answer.status = 500;
    }
    Got::Whole(answer)
}

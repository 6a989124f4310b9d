//! Who asks? Clients of several kinds at once, each in a loop: over kept and fresh connections, plain
//! and TLS, with tokens, an API key and a certificate; slow ones, and ones that leave.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use portcullis_testkit::shop;

use super::asked::{Expect, Got, body, created, item, large, order, sku};
use super::estate::HOST;
use super::random::Random;
use super::run::Run;
use super::tally::Verdict;
use super::wire::{Connection, Wire};

/// A token is used this often before the next is made.
const USES: u32 = 25;

/// Whoever was told nothing waits so long before trying again.
const AGAIN: Duration = Duration::from_millis(50);

/// A kind of client.
pub(super) type Client = fn(&Run, &mut Random);

/// All kinds, and how many there are of each.
pub(super) const CLIENTS: &[(Client, u64)] = &[
    (kept, 2),
    (fresh, 1),
    (posting, 2),
    (secure, 1),
    (secure_fresh, 1),
    (certified, 1),
    (partner, 1),
    (slow_reader, 1),
    (slow_sender, 1),
    (leaving, 1),
];

/// A token that is used several times.
#[derive(Debug, Default)]
pub(super) struct Token {
    text: String,
    generation: Option<u64>,
    uses: u32,
}

impl Token {
    /// The token for the next request.
    pub(super) fn next(&mut self, run: &Run, random: &mut Random) -> String {
        let vouching = run.vouching();
        if self.generation != Some(vouching.generation) || self.uses >= USES {
            self.text = vouching.issuer.token(&format!("u{}", random.below(1_000_000)));
            (self.generation, self.uses) = (Some(vouching.generation), 0);
        }
        self.uses += 1;
        self.text.clone()
    }
}

/// Requests over one connection, which is opened anew where it ended.
pub(super) struct Kept<'a> {
    run: &'a Run,
    client: &'static str,
    open: Box<dyn Fn() -> Result<Connection, String> + 'a>,
    connection: Option<Connection>,
}

impl<'a> Kept<'a> {
    /// Without TLS.
    pub(super) fn plain(run: &'a Run, client: &'static str, address: SocketAddr) -> Self {
        let open = Box::new(move || Wire::plain(address).map(Connection::new));
        Self { run, client, open, connection: None }
    }

    /// Without TLS; whatever comes is taken with pauses.
    fn slow(run: &'a Run, client: &'static str, pause: Duration) -> Self {
        let address = run.addresses.plain;
        let open =
            Box::new(move || Wire::plain(address).map(|wire| Connection::new(wire).slowly(pause)));
        Self { run, client, open, connection: None }
    }

    /// With TLS, and with the certificate of a workload.
    fn secure(run: &'a Run, client: &'static str, certified: bool) -> Self {
        let dialer = if certified { &run.billing } else { &run.dialer };
        let open =
            Box::new(move || Wire::secure(run.addresses.web, dialer, HOST).map(Connection::new));
        Self { run, client, open, connection: None }
    }

    /// Asks, and has the answer judged.
    pub(super) fn ask(&mut self, text: &str, expect: &Expect) {
        let begun = Instant::now();
        let text = text.replacen("Connection: close\r\n", "", 1);
        let got = match self.connection.take().map_or_else(|| (self.open)(), Ok) {
            Err(why) => Got::Broken(why),
            Ok(mut connection) => {
                let got = connection.ask(&text);
                if matches!(&got, Got::Whole(answer) if answer.header("connection") != Some("close"))
                {
                    self.connection = Some(connection);
                }
                got
            }
        };
        if !self.run.settle(self.client, begun, expect, &got) && self.connection.is_none() {
            self.run.sleep(AGAIN);
        }
    }

    /// Asks over a new connection.
    pub(super) fn ask_anew(&mut self, text: &str, expect: &Expect) {
        self.connection = None;
        self.ask(text, expect);
    }
}

fn breathe(random: &mut Random) {
    std::thread::sleep(Duration::from_millis(4 + random.below(20)));
}

fn target(number: u32) -> String {
    format!("/v1/tenants/acme/orders/o-{number:08}")
}

/// Reads orders over a kept connection.
fn kept(run: &Run, random: &mut Random) {
    let mut kept = Kept::plain(run, "kept", run.addresses.plain);
    let mut token = Token::default();
    while !run.is_over() {
        let number = run.numbers.good();
        let text = shop::get(&target(number), &token.next(run, random));
        kept.ask(&text, &Expect::Body(order(number)));
        breathe(random);
    }
}

/// Reads orders over a new connection each, with a token that no cache knows.
fn fresh(run: &Run, random: &mut Random) {
    let mut kept = Kept::plain(run, "fresh", run.addresses.plain);
    while !run.is_over() {
        let number = run.numbers.good();
        let text = shop::get(&target(number), &Token::default().next(run, random));
        kept.ask_anew(&text, &Expect::Fresh(order(number)));
        breathe(random);
    }
}

/// Makes orders.
fn posting(run: &Run, random: &mut Random) {
    let mut kept = Kept::plain(run, "posting", run.addresses.plain);
    let mut token = Token::default();
    while !run.is_over() {
        let number = run.numbers.good();
        let token = token.next(run, random);
        let text = shop::post("/v1/tenants/acme/orders", &token, &body(number));
        kept.ask(&text, &Expect::Body(created(number)));
        breathe(random);
    }
}

/// Reads and makes orders over TLS.
fn secure(run: &Run, random: &mut Random) {
    let mut kept = Kept::secure(run, "secure", false);
    let mut token = Token::default();
    while !run.is_over() {
        let number = run.numbers.good();
        let token = token.next(run, random);
        if random.below(2) == 0 {
            kept.ask(&shop::get(&target(number), &token), &Expect::Body(order(number)));
        } else {
            let text = shop::post("/v1/tenants/acme/orders", &token, &body(number));
            kept.ask(&text, &Expect::Body(created(number)));
        }
        breathe(random);
    }
}

/// Reads orders over TLS, a handshake each.
fn secure_fresh(run: &Run, random: &mut Random) {
    let mut kept = Kept::secure(run, "secure, fresh", false);
    let mut token = Token::default();
    while !run.is_over() {
        let number = run.numbers.good();
        let text = shop::get(&target(number), &token.next(run, random));
        kept.ask_anew(&text, &Expect::Body(order(number)));
        breathe(random);
    }
}

/// Lists orders with a certificate.
fn certified(run: &Run, random: &mut Random) {
    let mut kept = Kept::secure(run, "certified", true);
    while !run.is_over() {
        let limit = 1 + random.below(100);
        let text = shop::request("GET", &format!("/v1/tenants/acme/orders?limit={limit}"), &[]);
        let expect = Expect::Body(order(u32::try_from(limit).unwrap_or_default()));
        if random.below(4) == 0 {
            kept.ask_anew(&text, &expect);
        } else {
            kept.ask(&text, &expect);
        }
        breathe(random);
    }
}

/// Reads and writes stock with an API key.
fn partner(run: &Run, random: &mut Random) {
    let mut kept = Kept::plain(run, "partner", run.addresses.partner);
    while !run.is_over() {
        let sku = sku(run.numbers.good());
        let key = format!("x-api-key: {}", run.key);
        let target = format!("/stock/v1/items/{sku}");
        let text = if random.below(2) == 0 {
            shop::request("GET", &target, &[&key])
        } else {
            let lines = [&key, "Content-Type: application/json", "Content-Length: 12"];
            shop::request("PUT", &target, &lines) + "{\"amount\":7}"
        };
        let text = text.replace("Host: api.", "Host: stock.");
        kept.ask(&text, &Expect::Body(item(&sku)));
        breathe(random);
    }
}

/// Takes a large answer slowly.
fn slow_reader(run: &Run, random: &mut Random) {
    let mut kept = Kept::slow(run, "slow reader", Duration::from_millis(40));
    while !run.is_over() {
        let number = run.numbers.good();
        let text = shop::request("GET", &format!("/v1/products?search=n{number:08}"), &[]);
        kept.ask(&text, &Expect::Body(large(number)));
        run.sleep(Duration::from_millis(random.below(200)));
    }
}

/// Sends a body slowly.
fn slow_sender(run: &Run, random: &mut Random) {
    while !run.is_over() {
        let number = run.numbers.good();
        let token = Token::default().next(run, random);
        let text = shop::post("/v1/tenants/acme/orders", &token, &body(number));
        let begun = Instant::now();
        let send = || {
            let mut connection = Connection::new(Wire::plain(run.addresses.plain)?);
            for part in text.as_bytes().chunks(200) {
                connection.send(part)?;
                std::thread::sleep(Duration::from_millis(120));
            }
            connection.answer()
        };
        let got = send().map_or_else(Got::Broken, Got::Whole);
        run.settle("slow sender", begun, &Expect::Body(created(number)), &got);
        run.sleep(Duration::from_millis(random.below(300)));
    }
}

/// Leaves in the middle of a body, which then must not cross, or before the answer.
fn leaving(run: &Run, random: &mut Random) {
    while !run.is_over() {
        let begun = Instant::now();
        let token = Token::default().next(run, random);
        let whole = random.below(2) == 0;
        let (text, count) = if whole {
            let text = shop::get(&target(run.numbers.good()), &token);
            let count = text.len();
            (text, count)
        } else {
            let body = body(run.numbers.refused());
            let text = shop::post("/v1/tenants/acme/orders", &token, &body);
            let count = text.len() - body.len() / 3;
            (text, count)
        };
        if let Ok(mut connection) = Wire::plain(run.addresses.plain).map(Connection::new) {
            let part = text.as_bytes().get(..count).unwrap_or_default();
            // nobody waits for what becomes of it
            let _sent: Result<(), String> = connection.send(part);
            run.sleep(Duration::from_millis(random.below(30)));
        }
        let under = run.weather.under(begun, Instant::now());
        run.tally.judged("leaving", under, &Verdict::Failed);
        run.sleep(Duration::from_millis(40 + random.below(60)));
    }
}

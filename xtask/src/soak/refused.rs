//! What must be refused, whatever goes on? Requests without right, with forged or withdrawn
//! credentials, against the contract, and with bytes that have more than one reading; each is marked
//! with a number that no upstream may see.

use std::time::{Duration, Instant};

use portcullis_testkit::Issuer;
use portcullis_testkit::shop;
use serde_json::json;

use super::asked::{Expect, Got, body};
use super::clients::Token;
use super::random::Random;
use super::run::Run;
use super::wire::{Connection, Wire};

/// A withdrawn key may be believed for this long: until its set is asked for again.
const WITHDRAWN_AFTER: Duration = Duration::from_secs(15);

type Made = (String, &'static [&'static str]);

/// Every way to be refused.
const WAYS: &[fn(&Run, &mut Random) -> Made] = &[
    without_credential,
    expired,
    forged,
    withdrawn,
    of_another_tenant,
    without_scope,
    no_json,
    against_the_contract,
    unlisted,
    two_lengths,
    length_and_chunked,
    bare_line_feed,
    dot_segments,
    bad_parameter,
    too_large,
];

/// Asks what must be refused.
pub(super) fn refused(run: &Run, random: &mut Random) {
    while !run.is_over() {
        let Some(way) = random.one(WAYS) else { return };
        let (text, codes) = way(run, random);
        ask(run, run.addresses.plain, &text, codes);
        if random.below(8) == 0 {
            let text = shop::request("GET", "/stock/v1/items/ABC-0001", &["x-api-key: pk_wrong"]);
            let text = text.replace("Host: api.", "Host: stock.");
            ask(run, run.addresses.partner, &text, &["identify."]);
        }
        run.sleep(Duration::from_millis(5 + random.below(30)));
    }
}

fn ask(run: &Run, address: std::net::SocketAddr, text: &str, codes: &'static [&'static str]) {
    let begun = Instant::now();
    let got = match Wire::plain(address) {
        Ok(wire) => Connection::new(wire).ask(text),
        Err(why) => Got::Broken(why),
    };
    if !run.settle("refused", begun, &Expect::Refused(codes), &got) {
        run.sleep(Duration::from_millis(50));
    }
}

fn target(run: &Run) -> String {
    format!("/v1/tenants/acme/orders/o-{}", run.numbers.refused())
}

fn good(run: &Run, random: &mut Random) -> String {
    shop::get(&target(run), &Token::default().next(run, random))
}

fn without_credential(run: &Run, _: &mut Random) -> Made {
    (shop::request("GET", &target(run), &[]), &["identify.credential_missing"])
}

fn expired(run: &Run, _: &mut Random) -> Made {
    let issuer = run.vouching().issuer;
    let draft = issuer.draft("late").claim("iat", json!(1_000)).claim("exp", json!(2_000));
    (shop::get(&target(run), &issuer.sign(&draft)), &["identify.token_expired"])
}

fn forged(run: &Run, random: &mut Random) -> Made {
    let token = Token::default().next(run, random);
    let stranger = Issuer::new("stranger");
    let forged = stranger.sign_input(token.rsplit_once('.').map_or("", |(input, _)| input));
    (shop::get(&target(run), &forged), &["identify.signature_invalid"])
}

fn withdrawn(run: &Run, random: &mut Random) -> Made {
    let withdrawn = run.vouching().withdrawn;
    match withdrawn.filter(|(_, since)| since.elapsed() > WITHDRAWN_AFTER) {
        Some((issuer, _)) => {
            let token = issuer.token(&format!("w{}", random.below(1_000_000)));
            (shop::get(&target(run), &token), &["identify.key_unknown"])
        }
        None => forged(run, random),
    }
}

fn of_another_tenant(run: &Run, random: &mut Random) -> Made {
    let text = good(run, random).replace("tenants/acme", "tenants/other");
    (text, &["authorize.tenant_mismatch"])
}

fn without_scope(run: &Run, _: &mut Random) -> Made {
    let issuer = run.vouching().issuer;
    let token = issuer.sign(&issuer.draft("reader").claim("scope", json!("orders:read")));
    let text = shop::post("/v1/tenants/acme/orders", &token, &body(run.numbers.refused()));
    (text, &["authorize.scope_insufficient"])
}

fn posted(run: &Run, random: &mut Random, body: &str) -> String {
    shop::post("/v1/tenants/acme/orders", &Token::default().next(run, random), body)
}

fn no_json(run: &Run, random: &mut Random) -> Made {
    let body = body(run.numbers.refused()).replace("\"lines\":", "\"lines\"");
    (posted(run, random, &body), &["inspect.body_malformed"])
}

fn against_the_contract(run: &Run, random: &mut Random) -> Made {
    let body = body(run.numbers.refused()).replace("\"amount\":1", "\"amount\":0");
    (posted(run, random, &body), &["inspect.body_refused"])
}

fn unlisted(run: &Run, random: &mut Random) -> Made {
    let text = good(run, random).replace("/v1/tenants", "/v2/tenants");
    (text, &["receive."])
}

fn two_lengths(run: &Run, random: &mut Random) -> Made {
    let text = posted(run, random, &body(run.numbers.refused()));
    (text.replace("Content-Length: ", "Content-Length: 5\r\nContent-Length: "), &["receive."])
}

fn length_and_chunked(run: &Run, random: &mut Random) -> Made {
    let text = posted(run, random, &body(run.numbers.refused()));
    let both = "Transfer-Encoding: chunked\r\nContent-Length: ";
    (text.replace("Content-Length: ", both), &["receive."])
}

fn bare_line_feed(run: &Run, random: &mut Random) -> Made {
    (good(run, random).replace("\r\nAuth", "\nAuth"), &["receive."])
}

fn dot_segments(run: &Run, random: &mut Random) -> Made {
    let text = good(run, random).replace("/acme/", "/acme/../acme/");
    (text, &["receive.ambiguous_target"])
}

fn bad_parameter(run: &Run, random: &mut Random) -> Made {
    let token = Token::default().next(run, random);
    let text = shop::get("/v1/tenants/acme/orders?limit=90000000", &token);
    (text, &["inspect.parameter_refused"])
}

fn too_large(run: &Run, random: &mut Random) -> Made {
    let body = body(run.numbers.refused()) + &" ".repeat(20_000);
    (posted(run, random, &body), &["inspect.body_too_large"])
}

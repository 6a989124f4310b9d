//! What the tests of pools share: a target that is easy to change, a resolver that says what it is
//! told, and somebody who counts.

use std::io;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{Request, StatusCode};
use portcullis_transport::address::AddressClass;
use portcullis_transport::upstream::endpoint::Authority;
use portcullis_transport::upstream::observer::{Event, Observer};
use portcullis_transport::upstream::resolve::{Lookup, Resolver};
use portcullis_transport::upstream::target::Timeouts;
use portcullis_transport::upstream::tls::Protocol;
use portcullis_transport::upstream::{Balance, Outbound, Target, circuit, health, resolve, retry};

pub(crate) fn target(addresses: &[(&str, u16)]) -> Target {
    let authority =
        |(host, port): &(&str, u16)| Authority { host: (*host).to_owned(), port: *port };
    Target {
        authorities: addresses.iter().map(authority).collect(),
        class: AddressClass::Any,
        resolve: resolve::Rule {
            refresh: Duration::from_secs(30),
            keep_for: Duration::from_secs(60),
        },
        balance: Balance::LeastRequest,
        health: None,
        outlier: None,
        circuit: circuit::Rule { requests_max: 100, pending_max: 10, retries_max: 10 },
        retries: retry::Rule { attempts_max: 1, statuses: Vec::new(), budget_percent: 100 },
        timeouts: Timeouts {
            connect: Duration::from_secs(1),
            response: Duration::from_secs(3),
            idle: Duration::from_secs(3),
            each_try: None,
            overall: None,
        },
        connections_max: 8,
        protocol: Protocol::Http1,
        tls: None,
        trailers: Vec::new(),
    }
}

pub(crate) fn health() -> health::Rule {
    health::Rule {
        path: "/healthz".to_owned(),
        interval: Duration::from_millis(100),
        timeout: Duration::from_millis(100),
        unhealthy_after: 1,
        healthy_after: 1,
        statuses: vec![StatusCode::OK],
    }
}

pub(crate) fn get(target: &str) -> Request<Outbound> {
    let body = Outbound::whole(Bytes::new());
    Request::get(target).header(HOST, "orders.internal").body(body).unwrap()
}

/// Answers every name with what it was told.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<Vec<IpAddr>>);

impl Names {
    pub(crate) fn answer(&self, addresses: &[&str]) {
        *self.0.lock().unwrap() = addresses.iter().map(|text| text.parse().unwrap()).collect();
    }
}

impl Resolver for Names {
    fn lookup<'a>(&'a self, _name: &'a str) -> Lookup<'a> {
        Box::pin(async move { io::Result::Ok(self.0.lock().unwrap().clone()) })
    }
}

/// Remembers what it saw.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<Vec<Event>>);

impl Counts {
    pub(crate) fn saw(&self, event: Event) -> usize {
        self.0.lock().unwrap().iter().filter(|known| **known == event).count()
    }
}

impl Observer for Counts {
    fn saw(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

//! `portcullis ready`, `health` and `reload`: does the gateway serve, does it live, and will it read
//! its estate anew? At its admin socket, or at its admin address with a certificate.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use http::{Method, StatusCode};
use portcullis_runtime::estate::{self, Site};

use crate::admin_door::{self, Door};
use crate::verbs::{Exit, say};

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The admin socket; where it is not said, the one of the estate. A probe says it, so that an
    /// estate that is being edited does not look like a gateway that has died.
    #[arg(long, conflicts_with = "admin")]
    socket: Option<PathBuf>,
    /// The admin address instead, such as `https://gateway.example:9443`.
    #[arg(long, value_name = "URL", requires_all = ["cert", "key", "ca"])]
    admin: Option<String>,
    /// PEM file of the operator's certificate, with those that lead to its root.
    #[arg(long, value_name = "FILE", requires = "admin")]
    cert: Option<PathBuf>,
    /// PEM file of its key.
    #[arg(long, value_name = "FILE", requires = "admin")]
    key: Option<PathBuf>,
    /// PEM file of the authorities that may vouch for the gateway.
    #[arg(long, value_name = "FILE", requires = "admin")]
    ca: Option<PathBuf>,
}

/// Asks for `/ready` or `/health`.
pub(crate) fn run(site: &Site, arguments: &Arguments, path: &str) -> Result<Exit> {
    ask(site, arguments, &Method::GET, path, Exit::Unreachable)
}

/// Has the estate read anew.
pub(crate) fn reload(site: &Site, arguments: &Arguments) -> Result<Exit> {
    ask(site, arguments, &Method::POST, "/reload", Exit::Refused)
}

fn ask(
    site: &Site,
    arguments: &Arguments,
    method: &Method,
    path: &str,
    not_ok: Exit,
) -> Result<Exit> {
    let door = door(site, arguments)?;
    match admin_door::ask(&door, method, path) {
        Ok(answer) => {
            say(&answer.said)?;
            Ok(match answer.status {
                status if status.is_success() => Exit::Done,
                StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
                StatusCode::FORBIDDEN => Exit::Refused,
                _ => not_ok,
            })
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(Exit::Unreachable)
        }
    }
}

fn door(site: &Site, arguments: &Arguments) -> Result<Door> {
    let Arguments { socket, admin, cert, key, ca } = arguments;
    if let (Some(url), Some(cert), Some(key), Some(ca)) = (admin, cert, key, ca) {
        return Door::remote(url, &bytes(cert)?, &bytes(key)?, &bytes(ca)?);
    }
    if let Some(socket) = socket {
        return Ok(Door::Socket(socket.clone()));
    }
    // whether the estate holds is for the gateway to say
    Ok(Door::Socket(estate::admin_socket(site)))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("`{}`", path.display()))
}

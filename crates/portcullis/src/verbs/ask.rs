//! `portcullis ready` and `portcullis health`: does the gateway serve, does it live? For probes, which
//! have no other way to a socket that is a file.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use portcullis_runtime::estate::{self, Site};

use crate::admin_socket;
use crate::verbs::{Exit, say};

/// Whom to ask.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The admin socket; where it is not said, the one of the estate. A probe says it, so that an
    /// estate that is being edited does not look like a gateway that has died.
    #[arg(long)]
    socket: Option<PathBuf>,
}

/// Asks for `/ready` or `/health`.
pub(crate) fn run(site: &Site, arguments: &Arguments, path: &str) -> Result<Exit> {
    let socket = match &arguments.socket {
        Some(socket) => socket.clone(),
        None => {
            let estate = estate::read(site).value.with_context(|| {
                format!(
                    "`{}` has no valid estate; see `portcullis check`, or name the socket with `--socket`",
                    site.folder.display()
                )
            })?;
            site.path(&estate.declaration.admin.socket)
        }
    };
    match admin_socket::ask(&socket, path) {
        Ok(answer) => {
            say(&answer.said)?;
            Ok(if answer.ok { Exit::Done } else { Exit::Unreachable })
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            Ok(Exit::Unreachable)
        }
    }
}

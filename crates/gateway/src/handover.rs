//! How do listening sockets come from one process to the next? Over a connection to the admin socket
//! that both have left HTTP behind on, one socket a message, each answered before the next (unix(7),
//! `SCM_RIGHTS`). A connection that waits to be accepted waits in the socket, which both share: none
//! is lost while they change over, and if the new process fails, the old one serves on.
//!
//! The conversation, in lines: the new process says `give`; the old one sends `NAME ADDRESS` with a
//! socket, and the new one says `ok`, until the old one says `all`. When the new one serves, it says
//! `serving`, and the old one leaves.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use portcullis_model::ListenerId;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt,
};

/// Longest wait for the other side: a new process compiles nothing any more when it asks.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest line, in bytes.
const LINE_BYTES_MAX: usize = 512;

/// Most sockets that are taken over.
const SOCKETS_MAX: usize = 4096;

/// Name of the protocol in the upgrade (RFC 9110 section 7.8).
pub(crate) const PROTOCOL: &str = "portcullis-takeover";

/// A socket that listened in another process.
#[derive(Debug)]
pub struct Inherited {
    /// The listener.
    pub listener: ListenerId,
    /// The address that it was declared with, which may have port 0.
    pub declared: SocketAddr,
    /// The socket.
    pub socket: TcpListener,
}

/// Sockets of a running process, and the connection over which it learns that they are served.
#[derive(Debug)]
pub struct Takeover {
    stream: UnixStream,
    /// The sockets.
    pub sockets: Vec<Inherited>,
}

impl Takeover {
    /// Asks the process at an admin socket for its sockets. `None`: nobody is there.
    ///
    /// # Errors
    /// When somebody is there and does not hand over.
    pub fn ask(socket: &Path) -> io::Result<Option<Self>> {
        let Ok(mut stream) = UnixStream::connect(socket) else { return Ok(None) };
        patient(&stream)?;
        let request = format!(
            "POST /takeover HTTP/1.1\r\nhost: admin\r\nconnection: upgrade\r\nupgrade: {PROTOCOL}\r\ncontent-length: 0\r\n\r\n"
        );
        stream.write_all(request.as_bytes())?;
        let status = line(&mut stream)?;
        if !status.starts_with("HTTP/1.1 101") {
            return Err(other(format!("the running gateway does not hand over: `{status}`")));
        }
        while !line(&mut stream)?.is_empty() {}
        stream.write_all(b"give\n")?;
        let mut sockets = Vec::new();
        while let Some(inherited) = receive(&stream)? {
            sockets.push(inherited);
            if sockets.len() > SOCKETS_MAX {
                return Err(other("too many sockets".to_owned()));
            }
            stream.write_all(b"ok\n")?;
        }
        Ok(Some(Self { stream, sockets }))
    }

    /// Tells the old process that the sockets are served.
    ///
    /// # Errors
    /// When it is gone.
    pub fn serving(mut self) -> io::Result<()> {
        self.stream.write_all(b"serving\n")
    }
}

/// Hands sockets over; whether the other side serves them now.
///
/// # Errors
/// When the conversation breaks off; then nobody else serves.
pub fn give(mut stream: UnixStream, sockets: &[Inherited]) -> io::Result<bool> {
    stream.set_nonblocking(false)?;
    patient(&stream)?;
    if line(&mut stream)? != "give" {
        return Ok(false);
    }
    for one in sockets {
        send(&stream, one)?;
        if line(&mut stream)? != "ok" {
            return Ok(false);
        }
    }
    stream.write_all(b"all\n")?;
    Ok(line(&mut stream)? == "serving")
}

fn patient(stream: &UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))
}

fn send(stream: &UnixStream, one: &Inherited) -> io::Result<()> {
    let text = format!("{} {}\n", one.listener, one.declared);
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let sockets = [one.socket.as_fd()];
    if !control.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(other("no room for a socket".to_owned()));
    }
    let sent =
        sendmsg(stream, &[IoSlice::new(text.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
    if sent == text.len() { Ok(()) } else { Err(other("a line was cut".to_owned())) }
}

/// The next socket; `None` after the last.
fn receive(stream: &UnixStream) -> io::Result<Option<Inherited>> {
    let mut text = [0; LINE_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut into = [IoSliceMut::new(&mut text)];
    let count = recvmsg(stream, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC)?.bytes;
    let mut sockets: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            sockets.extend(rights);
        }
    }
    let text = text.get(..count).and_then(|bytes| std::str::from_utf8(bytes).ok());
    match (text, sockets.pop()) {
        (Some("all\n"), None) => Ok(None),
        (Some(text), Some(socket)) => understood(text, socket).map(Some),
        (_, _) => Err(other("the running gateway ended the conversation".to_owned())),
    }
}

fn understood(text: &str, socket: OwnedFd) -> io::Result<Inherited> {
    let broken = || other(format!("`{}` is no listener", text.trim()));
    let (name, address) = text.trim_end().split_once(' ').ok_or_else(broken)?;
    let declared = address.parse().map_err(|_| broken())?;
    if !sockopt::socket_acceptconn(&socket)? {
        return Err(broken());
    }
    let socket = TcpListener::from(socket);
    // TCP, and an address that can be said
    socket.local_addr()?;
    socket.set_nonblocking(true)?;
    Ok(Inherited { listener: ListenerId::new(name), declared, socket })
}

/// One line, without its end. Read byte for byte: what follows may come with a socket.
fn line(stream: &mut UnixStream) -> io::Result<String> {
    let mut text = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte)?;
        match byte {
            [b'\n'] => break,
            [byte] if text.len() < LINE_BYTES_MAX => text.push(byte),
            _ => return Err(other("a line is too long".to_owned())),
        }
    }
    let text = String::from_utf8(text).map_err(|_| other("a line is no text".to_owned()))?;
    Ok(text.trim_end_matches('\r').to_owned())
}

fn other(why: String) -> io::Error {
    io::Error::other(why)
}

#[cfg(test)]
mod tests {
    use super::{Inherited, Takeover, give, line, receive};
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    fn inherited(name: &str) -> Inherited {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let declared = "127.0.0.1:0".parse().unwrap();
        Inherited { listener: name.into(), declared, socket }
    }

    #[test]
    fn sockets_go_over_with_the_connections_that_wait_in_them() {
        let (old, mut new) = UnixStream::pair().unwrap();
        let sockets = vec![inherited("web"), inherited("partner")];
        let address = sockets[0].socket.local_addr().unwrap();
        let _waiting = TcpStream::connect(address).unwrap();
        let giving = std::thread::spawn(move || give(old, &sockets).unwrap());
        new.write_all(b"give\n").unwrap();
        let mut taken = Vec::new();
        while let Some(one) = receive(&new).unwrap() {
            taken.push(one);
            new.write_all(b"ok\n").unwrap();
        }
        let takeover = Takeover { stream: new, sockets: taken };
        let names: Vec<_> = takeover.sockets.iter().map(|one| one.listener.as_str()).collect();
        assert_eq!(names, ["web", "partner"]);
        let web = takeover.sockets[0].socket.try_clone().unwrap();
        web.set_nonblocking(false).unwrap();
        takeover.serving().unwrap();
        assert!(giving.join().unwrap());
        // the old process has let go, and the connection is still there
        assert!(web.accept().is_ok());
    }

    #[test]
    fn whoever_breaks_off_takes_nothing_over() {
        let (old, new) = UnixStream::pair().unwrap();
        drop(new);
        assert!(give(old, &[inherited("web")]).is_err());
        let (old, mut new) = UnixStream::pair().unwrap();
        new.write_all(b"give\n").unwrap();
        let giving = std::thread::spawn(move || give(old, &[inherited("web")]));
        assert!(receive(&new).unwrap().is_some());
        new.write_all(b"ok\n").unwrap();
        assert_eq!(line(&mut new).unwrap(), "all");
        drop(new);
        assert!(giving.join().unwrap().is_err());
    }
}

//! A proxy between a client and a server that simulates network faults.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::Outcome;

/// The fault that a proxy applies to its open and new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault: bytes are forwarded.
    None,
    /// Resets all connections.
    Reset,
    /// Closes all connections in an orderly way.
    End,
    /// Reads all bytes and forwards none.
    BlackHole,
    /// Forwards what the client sends, but drops the server's answers once the client has sent this text.
    ///
    /// The client cannot know whether its transaction was committed.
    NoAnswerTo(&'static str),
    /// Forwards one byte every 100 ms.
    Trickle,
}

/// Forwards connections to a server until it is dropped.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    swallowed: AtomicU64,
}

#[derive(Debug)]
struct State {
    fault: Fault,
    connections: Vec<TcpStream>,
    gone: bool,
}

impl Proxy {
    /// Starts a proxy for the server with this address and port.
    pub fn new(server: &str) -> Outcome<Self> {
        let server: SocketAddr = server.parse()?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let port = listener.local_addr()?.port();
        let state = State { fault: Fault::None, connections: Vec::new(), gone: false };
        let shared = Arc::new(Shared { state: Mutex::new(state), swallowed: AtomicU64::new(0) });
        let of = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                if of.lock().gone {
                    return;
                }
                // If the server cannot be reached, the client's connection is closed.
                let _ = client.and_then(|client| serve(&of, client, server));
            }
        });
        Ok(Self { port, shared })
    }

    /// Returns the local port on which the proxy listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the number of bytes of answers that [`Fault::NoAnswerTo`] has dropped.
    pub fn swallowed(&self) -> u64 {
        self.shared.swallowed.load(Relaxed)
    }

    /// Applies a fault from now on.
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.lock();
        state.fault = fault;
        if matches!(fault, Fault::Reset | Fault::End) {
            end(&mut state);
        }
    }

    /// Closes all connections, as at the end of an outage, and forwards new ones.
    pub fn heal(&self) {
        let mut state = self.shared.lock();
        state.fault = Fault::None;
        end(&mut state);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.gone = true;
        end(&mut state);
        drop(state);
        // The listening thread only notices `gone` when it accepts a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self) -> Fault {
        self.lock().fault
    }
}

fn end(state: &mut State) {
    let fault = state.fault;
    for connection in state.connections.drain(..) {
        if fault == Fault::Reset {
            // Closing a socket without lingering resets the connection. Shutting down the writing half would
            // close it in an orderly way before that.
            let _ = SockRef::from(&connection).set_linger(Some(Duration::ZERO));
            let _ = connection.shutdown(Shutdown::Read);
        } else {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn serve(shared: &Arc<Shared>, client: TcpStream, server: SocketAddr) -> io::Result<()> {
    match shared.fault() {
        Fault::Reset => {
            let _ = SockRef::from(&client).set_linger(Some(Duration::ZERO));
            return Ok(());
        }
        Fault::End => return Ok(()),
        Fault::None | Fault::BlackHole | Fault::NoAnswerTo(_) | Fault::Trickle => {}
    }
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        let copy = stream.try_clone()?;
        shared.lock().connections.push(copy);
    }
    let (to_server, to_client) = (server.try_clone()?, client.try_clone()?);
    let said = Arc::new(AtomicBool::new(false));
    for (from, to, way) in [
        (client, to_server, Way::Asking(Arc::clone(&said))),
        (server, to_client, Way::Answering(said)),
    ] {
        let of = Arc::clone(shared);
        thread::spawn(move || pump(&of, from, to, &way));
    }
    Ok(())
}

/// The direction of the bytes, with a flag that both directions of a connection share: whether the client
/// has sent the text of [`Fault::NoAnswerTo`].
enum Way {
    Asking(Arc<AtomicBool>),
    Answering(Arc<AtomicBool>),
}

impl Way {
    /// Returns `true` if these bytes are forwarded under [`Fault::NoAnswerTo`].
    fn lets_through(&self, bytes: &[u8], words: &str) -> bool {
        match self {
            Self::Asking(said) => {
                let mut parts = bytes.windows(words.len().max(1));
                if words.is_empty() || parts.any(|part| part == words.as_bytes()) {
                    said.store(true, Relaxed);
                }
                true
            }
            Self::Answering(said) => !said.load(Relaxed),
        }
    }
}

/// Forwards bytes until one of the two connections is closed.
fn pump(shared: &Shared, mut from: TcpStream, mut to: TcpStream, way: &Way) {
    let mut bytes = vec![0; 64 << 10];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        let given_on = match shared.fault() {
            Fault::BlackHole => Ok(()),
            Fault::NoAnswerTo(words) if !way.lets_through(&bytes[..length], words) => {
                shared.swallowed.fetch_add(length as u64, Relaxed);
                Ok(())
            }
            Fault::Trickle => trickle(shared, &mut to, &bytes[..length]),
            Fault::None | Fault::NoAnswerTo(_) | Fault::Reset | Fault::End => {
                to.write_all(&bytes[..length])
            }
        };
        if given_on.is_err() {
            break;
        }
    }
    if shared.fault() != Fault::Reset {
        let _ = to.shutdown(Shutdown::Both);
    }
}

fn trickle(shared: &Shared, to: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for (place, byte) in bytes.iter().enumerate() {
        if shared.fault() != Fault::Trickle {
            return to.write_all(&bytes[place..]);
        }
        to.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}

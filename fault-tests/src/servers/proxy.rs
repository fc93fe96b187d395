//! A proxy before a server, for what goes wrong between the two.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::Outcome;

/// What a proxy does to the connections through it, old and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Resets them, and every new one.
    Reset,
    /// Ends them in order, and every new one.
    End,
    /// Takes everything, and gives nothing on.
    BlackHole,
    /// Gives on what the application says, and swallows what the server answers from the moment on at
    /// which the application has said this: what was committed is not known to be.
    NoAnswerTo(&'static str),
    /// Gives on a byte every now and then.
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
    /// A proxy before the server that listens there.
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
                // A connection that cannot be made is one that the application sees fail.
                let _ = client.and_then(|client| serve(&of, client, server));
            }
        });
        Ok(Self { port, shared })
    }

    /// Where it listens.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// How many bytes of answers it has swallowed.
    pub fn swallowed(&self) -> u64 {
        self.shared.swallowed.load(Relaxed)
    }

    /// From now on does this.
    pub fn set(&self, fault: Fault) {
        let mut state = self.shared.lock();
        state.fault = fault;
        if matches!(fault, Fault::Reset | Fault::End) {
            end(&mut state);
        }
    }

    /// Ends all connections, as after an outage, and does nothing more to new ones.
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
        // It learns it by one more connection.
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
            // With that, to close is to reset; to shut it down for both would end it in order before.
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

/// Which way bytes go, and whether the words were said that get no answer.
enum Way {
    Asking(Arc<AtomicBool>),
    Answering(Arc<AtomicBool>),
}

impl Way {
    /// Whether these bytes get through to the other side.
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

/// Gives on what comes, until one of the two ends.
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

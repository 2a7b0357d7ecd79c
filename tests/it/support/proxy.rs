//! A proxy before an HTTP service that loses, refuses and cuts off on demand.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The service does it, and nobody hears of it.
    LoseAnswer,
    /// It does not reach the service.
    LoseRequest,
    /// The service does it, and its answer takes longer than anyone waits.
    Stall,
    /// It does not reach the service, which seems to say 409.
    Conflict,
}

#[derive(Default)]
struct State {
    /// For the next requests of this method whose target contains the text.
    faults: Mutex<Vec<(&'static str, String, Fault)>>,
    is_down: AtomicBool,
}

/// Serves until the process ends.
pub struct Proxy {
    pub address: SocketAddr,
    state: Arc<State>,
}

impl Proxy {
    /// Before the service at `upstream`, as `http://127.0.0.1:1`.
    pub fn before(upstream: &str) -> Self {
        let upstream = upstream.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, upstream, state) = (client.unwrap(), upstream.clone(), shared.clone());
                std::thread::spawn(move || {
                    // A broken connection is one that a test broke.
                    let _ = carry(client, &upstream, &state);
                });
            }
        });
        Self { address, state }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Once, in the order of the calls.
    pub fn next(&self, method: &'static str, target: &str, fault: Fault) {
        self.state.faults.lock().unwrap().push((method, target.to_owned(), fault));
    }

    /// Whether every fault has happened.
    pub fn is_done(&self) -> bool {
        self.state.faults.lock().unwrap().is_empty()
    }

    /// Cuts every connection until it is up again.
    pub fn set_down(&self, is_down: bool) {
        self.state.is_down.store(is_down, Ordering::SeqCst);
    }
}

/// One request; the connection ends with it.
fn carry(mut client: TcpStream, upstream: &str, state: &State) -> std::io::Result<()> {
    let Some(request) = read_request(&mut client)? else { return Ok(()) };
    if state.is_down.load(Ordering::SeqCst) {
        return Ok(());
    }
    let line = String::from_utf8_lossy(request.split(|&b| b == b'\n').next().unwrap()).into_owned();
    let fault = {
        let mut faults = state.faults.lock().unwrap();
        let at = faults.iter().position(|(method, target, _)| {
            line.starts_with(&format!("{method} ")) && line.contains(target.as_str())
        });
        at.map(|at| faults.remove(at).2)
    };
    match fault {
        Some(Fault::LoseRequest) => return Ok(()),
        Some(Fault::Conflict) => {
            let body = "<Error><Code>ConditionalRequestConflict</Code></Error>";
            let length = body.len();
            return write!(
                client,
                "HTTP/1.1 409 Conflict\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
            );
        }
        Some(Fault::LoseAnswer | Fault::Stall) | None => {}
    }
    let mut server = TcpStream::connect(upstream)?;
    let head = request.iter().position(|&b| b == b'\n').unwrap() + 1;
    server.write_all(&request[..head])?;
    server.write_all(b"Connection: close\r\n")?;
    server.write_all(&request[head..])?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    match fault {
        Some(Fault::LoseAnswer) => Ok(()),
        // Until the client is tired of it.
        Some(Fault::Stall) => client.read(&mut [0]).map(|_| ()),
        _ => client.write_all(&answer),
    }
}

/// A request with its body; `None` at the connection's end.
fn read_request(client: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    let mut piece = [0; 64 << 10];
    loop {
        let read = client.read(&mut piece)?;
        if read == 0 {
            return Ok(None);
        }
        request.extend_from_slice(&piece[..read]);
        let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
        while request.len() < end + 4 + length {
            let read = client.read(&mut piece)?;
            if read == 0 {
                return Ok(None);
            }
            request.extend_from_slice(&piece[..read]);
        }
        return Ok(Some(request));
    }
}

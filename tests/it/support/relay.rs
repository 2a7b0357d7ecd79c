//! A relay before a server that can be cut: connections end in the middle of whatever
//! they carry, and new ones are refused, until it is up again.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Serves until the process ends.
pub struct Relay {
    pub address: SocketAddr,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    is_down: bool,
    streams: Vec<TcpStream>,
}

impl Relay {
    /// Before the server at `upstream`, as `127.0.0.1:1`.
    pub fn before(upstream: &str) -> Self {
        let upstream: SocketAddr = upstream.parse().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let open: Arc<Mutex<Open>> = Arc::default();
        let shared = open.clone();
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { continue };
                let mut open = shared.lock().unwrap();
                if open.is_down {
                    continue;
                }
                let Ok(server) = TcpStream::connect(upstream) else { continue };
                for (from, to) in [(&client, &server), (&server, &client)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    std::thread::spawn(move || carry(from, to));
                }
                open.streams.extend([client, server]);
            }
        });
        Self { address, open }
    }

    /// Cuts every connection until it is up again.
    pub fn set_down(&self, is_down: bool) {
        let mut open = self.open.lock().unwrap();
        open.is_down = is_down;
        if is_down {
            for stream in open.streams.drain(..) {
                // One that has ended already is cut.
                let _ = stream.shutdown(Shutdown::Both);
            }
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut piece = vec![0; 64 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

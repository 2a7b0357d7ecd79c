//! Accepts connections, bounds how many there are, and stops them in order.

use std::collections::HashMap;
use std::future::pending;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::tls::Tls;
use super::{Settings, SmtpError, connection};
use crate::base::clock::Clock;
use crate::base::config::Config;
use crate::base::limits;
use crate::base::port::Unbound;
use crate::ingest::Ingest;

/// What every connection reads and none changes.
pub(super) struct Shared {
    pub(super) settings: Arc<Settings>,
    pub(super) ingest: Ingest,
    pub(super) clock: Clock,
    pub(super) tls: Option<Tls>,
}

/// The server with its ports taken.
pub struct Server {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    shared: Arc<Shared>,
    peers: Peers,
}

impl Server {
    /// Takes the ports, so that a busy one stops the start and not the feed.
    pub async fn bind(config: &Config, ingest: Ingest, clock: Clock) -> Result<Self, SmtpError> {
        let tls = Tls::load(config)?;
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for &address in &config.smtp.listen {
            let (protocol, setting) = ("SMTP", "smtp.listen");
            let failed = |error| Unbound { protocol, address, setting, error };
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            addresses.push(listener.local_addr().map_err(failed)?);
            listeners.push(listener);
        }
        let settings = Arc::new(Settings::of(&config.smtp));
        let shared = Arc::new(Shared { settings, ingest, clock, tls });
        let peers = Peers::new(config.smtp.connections_max, config.smtp.connections_per_peer_max);
        Ok(Self { listeners, addresses, shared, peers })
    }

    /// Where it listens; tells the port where the configuration said 0.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `stopping` turns true, then lets the transactions whose data
    /// is coming in finish, for a while, and answers 421 to the others.
    pub async fn run(self, stopping: watch::Receiver<bool>) {
        let mut listening = JoinSet::new();
        for listener in self.listeners {
            let (shared, peers) = (self.shared.clone(), self.peers.clone());
            listening.spawn(listen(listener, shared, peers, stopping.clone()));
        }
        while let Some(ended) = listening.join_next().await {
            // Nobody listens there any more, which whoever runs this must know.
            if let Err(error) = ended
                && error.is_panic()
            {
                std::panic::resume_unwind(error.into_panic());
            }
        }
    }
}

async fn listen(
    listener: TcpListener,
    shared: Arc<Shared>,
    peers: Peers,
    mut stopping: watch::Receiver<bool>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stopping) => break,
            Some(ended) = connections.join_next() => note(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let peer = peer.ip().to_canonical();
                    let is_known = shared.ingest.sources().is_peer(peer);
                    let Some(seat) = peers.seat(peer, is_known) else {
                        refuse(&shared.settings, &stream);
                        continue;
                    };
                    let serving = connection::serve(shared.clone(), stream, peer, stopping.clone());
                    connections.spawn(async move {
                        let _seat = seat;
                        serving.await;
                    });
                }
                Err(error) => {
                    // Out of descriptors, most likely: some will be free soon.
                    tracing::warn!(%error, "accept an SMTP connection");
                    sleep(Duration::from_millis(limits::ACCEPT_PAUSE_MS)).await;
                }
            },
        }
    }
    drop(listener);
    let finishing = async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    };
    // What is cut off here was not acknowledged; its sender sends it again.
    let _ = timeout(Duration::from_secs(limits::SMTP_SHUTDOWN_SECONDS), finishing).await;
    connections.shutdown().await;
}

/// Returns once the server is stopping; never where nothing can say so any more.
pub(super) async fn stopped(stopping: &mut watch::Receiver<bool>) {
    if stopping.wait_for(|is_stopping| *is_stopping).await.is_err() {
        pending::<()>().await;
    }
}

/// A panic ends its own connection and is told; the others go on.
fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        metrics::counter!("muniment_smtp_panics_total").increment(1);
        tracing::error!("an SMTP connection ended by a fault in this program; others go on");
    }
}

/// Says 421 to a connection that is one too many, without waiting for it.
fn refuse(settings: &Settings, stream: &TcpStream) {
    metrics::counter!("muniment_smtp_connections_refused_total").increment(1);
    let reply = format!("421 4.7.0 {} Too many connections\r\n", settings.hostname);
    // A fresh connection's buffer has room; if not, it is closed without a word.
    let _ = stream.try_write(reply.as_bytes());
}

/// How many connections each peer has.
#[derive(Clone)]
struct Peers {
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    total_max: usize,
    per_peer_max: usize,
}

impl Peers {
    fn new(total_max: usize, per_peer_max: usize) -> Self {
        Self { open: Arc::default(), total_max, per_peer_max }
    }

    /// A seat, if there is one. Who is of no source's network, and can only show a
    /// certificate later, finds none among the last quarter: strangers do not keep
    /// the sources out.
    fn seat(&self, peer: IpAddr, is_known: bool) -> Option<Seat> {
        let kept = if is_known { 0 } else { self.total_max / 4 };
        let peer = household(peer);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = open.values().sum();
        let own = open.get(&peer).copied().unwrap_or(0);
        if total + kept >= self.total_max || own >= self.per_peer_max {
            return None;
        }
        open.insert(peer, own + 1);
        metrics::counter!("muniment_smtp_connections_total").increment(1);
        metrics::gauge!("muniment_smtp_connections").increment(1.0);
        Some(Seat { peers: self.clone(), peer })
    }
}

/// A connection's place in the count, given back when it ends, also by a panic.
struct Seat {
    peers: Peers,
    peer: IpAddr,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
        metrics::gauge!("muniment_smtp_connections").decrement(1.0);
    }
}

/// The address that counts as one peer: one host may use a whole IPv6 /64.
fn household(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn seats_are_bounded_and_given_back() {
        let peers = Peers::new(3, 2);
        let first = peers.seat(address("192.0.2.1"), true);
        let second = peers.seat(address("192.0.2.1"), true);
        assert!(first.is_some() && second.is_some());
        assert!(peers.seat(address("192.0.2.1"), true).is_none());
        let other = peers.seat(address("192.0.2.2"), true);
        assert!(other.is_some());
        assert!(peers.seat(address("192.0.2.3"), true).is_none());
        drop(first);
        assert!(peers.seat(address("192.0.2.3"), true).is_some());
        drop((second, other));
        assert!(peers.open.lock().unwrap().is_empty());
    }

    #[test]
    fn strangers_do_not_keep_the_sources_out() {
        let peers = Peers::new(8, 4);
        let strangers: Vec<_> = (1..=8)
            .map_while(|host| peers.seat(address(&format!("192.0.2.{host}")), false))
            .collect();
        assert_eq!(strangers.len(), 6);
        let known = peers.seat(address("198.51.100.1"), true);
        assert!(known.is_some() && peers.seat(address("198.51.100.1"), true).is_some());
    }

    #[test]
    fn ipv6_hosts_of_one_network_share_their_seats() {
        let peers = Peers::new(9, 1);
        let _seat = peers.seat(address("2001:db8::1"), true);
        assert!(peers.seat(address("2001:db8::2"), true).is_none());
        assert!(peers.seat(address("2001:db8:0:1::2"), true).is_some());
    }

    #[tokio::test]
    async fn panic_gives_its_seat_back_and_spares_the_others() {
        let peers = Peers::new(1, 1);
        let seat = peers.seat(address("192.0.2.1"), true);
        let mut connections = JoinSet::new();
        connections.spawn(async move {
            let _seat = seat;
            panic!("poison");
        });
        note(connections.join_next().await.unwrap());
        assert!(peers.seat(address("192.0.2.1"), true).is_some());
    }
}

//! How long a sign-in must wait after failures.
//!
//! Failures are counted for a name from a peer, for a peer, and for a name from
//! anywhere. The last two do not bind a person at a peer from which that person
//! signed in before: strangers who guess at a name cannot lock its owner out.

use std::net::IpAddr;

use crate::base::clock::Timestamp;
use crate::catalog::session::Failures;

/// Failures older than this are forgotten.
pub const WINDOW_SECONDS: i64 = 900;

const PAIR_FREE: i64 = 5;
const PEER_FREE: i64 = 30;
const NAME_FREE: i64 = 30;
const FIRST_WAIT_SECONDS: i64 = 5;

/// Seconds until the next attempt is looked at; None if it is now.
pub fn wait_seconds(failures: &Failures, now: Timestamp) -> Option<u64> {
    let mut until = opens_at(failures.pair, PAIR_FREE, failures.pair_last);
    if !failures.is_peer_known {
        until = until.max(opens_at(failures.peer, PEER_FREE, failures.peer_last));
        until = until.max(opens_at(failures.name, NAME_FREE, failures.name_last));
    }
    let left = until.0.saturating_sub(now.0);
    (left > 0).then(|| (left as u64).div_ceil(Timestamp::MICROS_PER_SECOND as u64))
}

/// After the free ones, each failure doubles the wait, up to the window.
fn opens_at(count: i64, free: i64, last: Timestamp) -> Timestamp {
    if count < free {
        return Timestamp(0);
    }
    let doublings = (count - free).clamp(0, 20) as u32;
    last.plus_seconds((FIRST_WAIT_SECONDS << doublings).min(WINDOW_SECONDS))
}

/// The peer as it is counted: IPv6 hosts own a /64, so that is one peer.
pub fn peer_text(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(pair: i64, peer: i64, name: i64, is_peer_known: bool) -> Failures {
        let last = Timestamp::from_seconds(1000);
        Failures {
            pair,
            peer,
            name,
            pair_last: last,
            peer_last: last,
            name_last: last,
            is_peer_known,
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let at = |seconds| Timestamp::from_seconds(seconds);
        assert_eq!(wait_seconds(&failures(4, 4, 4, false), at(1000)), None);
        assert_eq!(wait_seconds(&failures(5, 5, 5, false), at(1000)), Some(5));
        assert_eq!(wait_seconds(&failures(6, 6, 6, false), at(1000)), Some(10));
        assert_eq!(wait_seconds(&failures(6, 6, 6, false), at(1010)), None);
        assert_eq!(wait_seconds(&failures(500, 500, 500, false), at(1000)), Some(900));
    }

    #[test]
    fn strangers_cannot_lock_the_owner_out() {
        let now = Timestamp::from_seconds(1000);
        assert!(wait_seconds(&failures(0, 0, 10_000, false), now).is_some());
        assert_eq!(wait_seconds(&failures(0, 10_000, 10_000, true), now), None);
        assert!(wait_seconds(&failures(9, 9, 9, true), now).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer() {
        assert_eq!(peer_text("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1:2::/64");
        assert_eq!(peer_text("::ffff:192.0.2.7".parse().unwrap()), "192.0.2.7");
    }
}

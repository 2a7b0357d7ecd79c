//! Who may deliver: configured sources, their addresses and peers.

use std::net::IpAddr;

use crate::base::config::{Class, Config, Sends, Source};
use crate::base::hash::Digest;
use crate::mail::delivery::Delivery;

/// Why an address was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    UnknownAddress,
    PeerNotAllowed,
}

#[derive(Clone, Debug)]
pub struct Sources {
    sources: Vec<Source>,
    classes: Vec<Class>,
}

impl Sources {
    pub fn new(config: &Config) -> Self {
        Self { sources: config.source.clone(), classes: config.class.clone() }
    }

    pub fn all(&self) -> &[Source] {
        &self.sources
    }

    /// The source of a recipient address, if the connection may use it.
    pub fn admit(
        &self,
        address: &str,
        peer: IpAddr,
        client_certificate: Option<&Digest>,
    ) -> Result<&Source, Refused> {
        let source = self
            .sources
            .iter()
            .find(|source| source.address.eq_ignore_ascii_case(address))
            .ok_or(Refused::UnknownAddress)?;
        // ::ffff:192.0.2.1 is the peer 192.0.2.1 of a dual-stack socket.
        let peer = peer.to_canonical();
        let by_network = source.peers.iter().any(|network| network.contains(&peer));
        let by_certificate = client_certificate
            .is_some_and(|certificate| source.client_certificates.contains(certificate));
        if by_network || by_certificate { Ok(source) } else { Err(Refused::PeerNotAllowed) }
    }

    /// Whether some source may send from this address, whatever it then says.
    pub fn is_peer(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.sources.iter().any(|source| source.peers.iter().any(|network| network.contains(&peer)))
    }

    /// Whether a delivery shows what its source must show. Microsoft 365's
    /// servers are every tenant's, so the address and the peer prove nothing;
    /// the outer X-OriginatorOrg, which the servers set, does.
    pub fn is_proven(&self, source: &str, delivery: &Delivery) -> bool {
        let Some(source) = self.named(source) else { return false };
        match &source.originator_org {
            None => true,
            Some(expected) => delivery
                .originator_org
                .as_ref()
                .is_some_and(|found| found.eq_ignore_ascii_case(expected)),
        }
    }

    /// What a source's deliveries are; of one that is gone, as by default.
    pub fn sends(&self, source: &str) -> Sends {
        self.named(source).map(|source| source.sends).unwrap_or_default()
    }

    /// The class of a source's deliveries; of a doubtful one, the longest.
    pub fn class(&self, source: &str, is_doubtful: bool) -> &Class {
        let longest = || self.classes.iter().max_by_key(|class| class.years);
        let named = || {
            let name = self.named(source)?.class.as_ref()?;
            self.classes.iter().find(|class| class.name == *name)
        };
        let chosen = if is_doubtful { longest() } else { named() };
        chosen.unwrap_or(&self.classes[0])
    }

    fn named(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::config::ClassMode;

    fn sources() -> Sources {
        let source = |name: &str, peers: &[&str], certificates: &[Digest]| Source {
            name: name.into(),
            address: format!("{name}@archive.example"),
            peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
            client_certificates: certificates.to_vec(),
            sends: Sends::Reports,
            originator_org: None,
            class: (name == "long").then(|| "ten".into()),
        };
        let class = |name: &str, years| Class { name: name.into(), years, mode: ClassMode::Strict };
        Sources {
            sources: vec![
                source("local", &["127.0.0.0/8"], &[]),
                source("long", &[], &[Digest::of(b"certificate")]),
            ],
            classes: vec![class("seven", 7), class("ten", 10)],
        }
    }

    #[test]
    fn an_address_admits_only_its_own_peers() {
        let sources = sources();
        let admit = |address: &str, peer: &str, certificate: Option<&[u8]>| {
            let certificate = certificate.map(Digest::of);
            sources
                .admit(address, peer.parse().unwrap(), certificate.as_ref())
                .map(|source| source.name.clone())
        };
        assert_eq!(admit("LOCAL@archive.example", "127.0.0.9", None), Ok("local".into()));
        assert_eq!(admit("local@archive.example", "::ffff:127.0.0.1", None), Ok("local".into()));
        assert_eq!(admit("local@archive.example", "192.0.2.1", None), Err(Refused::PeerNotAllowed));
        assert_eq!(admit("other@archive.example", "127.0.0.1", None), Err(Refused::UnknownAddress));
        assert_eq!(
            admit("long@archive.example", "192.0.2.1", Some(b"certificate")),
            Ok("long".into())
        );
        assert_eq!(
            admit("long@archive.example", "192.0.2.1", Some(b"another")),
            Err(Refused::PeerNotAllowed)
        );
    }

    #[test]
    fn doubt_means_the_longest_class() {
        let sources = sources();
        assert_eq!(sources.class("local", false).name, "seven");
        assert_eq!(sources.class("long", false).name, "ten");
        assert_eq!(sources.class("local", true).name, "ten");
    }
}

//! Who may deliver: configured sources, their addresses and peers; and which class
//! what they deliver gets.

use std::net::IpAddr;

use crate::base::config::{Class, Config, Sends, Source};
use crate::base::hash::Digest;
use crate::mail::delivery::Delivery;
use crate::mail::transaction::Transaction;
use crate::policy::rules::{Rules, Seen};

/// Why an address was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    UnknownAddress,
    PeerNotAllowed,
}

#[derive(Clone, Debug)]
pub struct Sources {
    sources: Vec<Source>,
    rules: Rules,
}

impl Sources {
    pub fn new(config: &Config) -> Self {
        Self { sources: config.source.clone(), rules: Rules::new(config) }
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

    /// The class of a delivery, by what is known of it before its 250.
    pub fn class(&self, from: &Transaction, delivery: &Delivery, is_proven: bool) -> &Class {
        let seen = Seen {
            source: &from.source,
            form: delivery.form,
            is_proven,
            is_doubtful: !delivery.defects.is_empty(),
            reverse_path: &from.reverse_path,
            envelope: delivery.envelope.as_ref(),
        };
        self.rules.decide(&seen).class
    }

    /// The class of a delivery that is too large to be looked through before it.
    pub fn class_of_large(&self) -> &Class {
        self.rules.of_large().class
    }

    fn named(&self, name: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::clock::Timestamp;
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
        Sources::new(&Config {
            source: vec![
                source("local", &["127.0.0.0/8"], &[]),
                source("long", &[], &[Digest::of(b"certificate")]),
            ],
            class: vec![class("seven", 7), class("ten", 10)],
            ..Config::default()
        })
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
        let class = |source: &str, content: &[u8]| {
            let transaction = Transaction {
                source: source.into(),
                peer: "127.0.0.1".parse().unwrap(),
                helo: String::new(),
                tls: None,
                reverse_path: String::new(),
                recipients: Vec::new(),
                received_at: Timestamp(0),
            };
            let delivery = crate::mail::delivery::read(content);
            sources.class(&transaction, &delivery, true).name.clone()
        };
        assert_eq!(class("local", b"Subject: a\r\n\r\nb\r\n"), "seven");
        assert_eq!(class("long", b"Subject: a\r\n\r\nb\r\n"), "ten");
        // The header never ends.
        assert_eq!(class("local", b"Subject: a"), "ten");
        assert_eq!(sources.class_of_large().name, "ten");
    }
}

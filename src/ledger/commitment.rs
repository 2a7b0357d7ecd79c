//! Salted commitments to a delivery, to each message in it and to each
//! attachment, in a small tree of their own, so that any one can be opened
//! without the others. Where salts come from is the vault's business: they
//! derive from the record key and die with it.

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::tree;
use crate::base::hash::Digest;

/// Separates these MACs from any other use of the same key.
const DOMAIN: &[u8] = b"muniment commitment v1\n";

/// What a commitment is to. The numbers are part of the format.
pub const ROLE_DELIVERY: u8 = 0;
pub const ROLE_MESSAGE: u8 = 1;
pub const ROLE_ATTACHMENT: u8 = 2;
pub const ROLE_STATEMENT: u8 = 3;

/// HMAC-SHA256 under `salt` of domain, role, size (big-endian) and the SHA-256
/// of the content. Without the salt it says nothing about the content, not
/// even to one who guesses it.
pub fn commit(salt: &[u8; 32], role: u8, content: &Digest, size: u64) -> Digest {
    // Of HMAC's two `new`s, this one takes the salt as it is: 32 bytes, less
    // than a block.
    let mut mac = Hmac::<Sha256>::new_from_slice(salt).expect("HMAC takes a key of any length");
    mac.update(DOMAIN);
    mac.update(&[role]);
    mac.update(&size.to_be_bytes());
    mac.update(content.as_bytes());
    Digest(mac.finalize().into_bytes().into())
}

/// The root of the RFC 6962 tree whose entries are the commitments.
pub fn root(commitments: &[Digest]) -> Digest {
    tree::root_of(&entries(commitments))
}

/// The path that opens commitment `index`; `None` where there is none.
pub fn path(commitments: &[Digest], index: usize) -> Option<Vec<Digest>> {
    tree::inclusion_proof_of(&entries(commitments), index as u64)
}

/// All that is needed to show what one commitment of a record is to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Its place among the record's commitments: 0 the delivery, then its
    /// entries in order.
    pub index: u32,
    /// How many there are; the leaf says so too.
    pub count: u32,
    pub role: u8,
    #[serde(with = "hex_salt")]
    pub salt: [u8; 32],
    pub path: Vec<Digest>,
}

impl Opening {
    /// Whether this opens, under `root`, a commitment to content of this hash
    /// and size.
    pub fn verify(&self, content: &Digest, size: u64, root: &Digest) -> bool {
        let commitment = commit(&self.salt, self.role, content, size);
        let leaf = tree::hash_leaf(commitment.as_bytes());
        tree::verify_inclusion(self.count.into(), self.index.into(), &leaf, &self.path, root)
    }
}

fn entries(commitments: &[Digest]) -> Vec<Digest> {
    commitments.iter().map(|commitment| tree::hash_leaf(commitment.as_bytes())).collect()
}

mod hex_salt {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(salt: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(salt))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<[u8; 32], D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut salt = [0; 32];
        hex::decode_to_slice(text, &mut salt)
            .map_err(|_| D::Error::custom("a salt is 64 hex digits"))?;
        Ok(salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(count: u32, index: u32) -> (Opening, Digest, u64, Digest) {
        let salt = |i: u32| Digest::of(&i.to_be_bytes()).0;
        let content = |i: u32| Digest::of(format!("content {i}").as_bytes());
        let role = |i: u32| if i == 0 { ROLE_DELIVERY } else { ROLE_ATTACHMENT };
        let commitments: Vec<_> =
            (0..count).map(|i| commit(&salt(i), role(i), &content(i), u64::from(i))).collect();
        let opening = Opening {
            index,
            count,
            role: role(index),
            salt: salt(index),
            path: path(&commitments, index as usize).unwrap(),
        };
        (opening, content(index), index.into(), root(&commitments))
    }

    #[test]
    fn a_commitment_is_the_hmac_that_its_comment_says() {
        // Computed with Python: hmac.new(bytes(range(32)), b"muniment commitment v1\n"
        // + b"\x01" + (5).to_bytes(8, "big") + sha256(b"hello").digest(), "sha256")
        let salt: [u8; 32] = std::array::from_fn(|i| i as u8);
        let commitment = commit(&salt, ROLE_MESSAGE, &Digest::of(b"hello"), 5);
        assert_eq!(commitment.to_string(), KNOWN);
    }
    const KNOWN: &str = "1e9d8be573d1495cc7bd458500791a14d4de00b9ed57bc4506a3eedf5609224a";

    #[test]
    fn every_one_opens_alone() {
        for count in 1..=20 {
            for index in 0..count {
                let (opening, content, size, root) = opened(count, index);
                assert!(opening.verify(&content, size, &root), "{index} of {count}");
            }
        }
    }

    #[test]
    fn nothing_else_opens() {
        let (opening, content, size, root) = opened(5, 2);
        let changed = |change: fn(&mut Opening)| {
            let mut opening = opening.clone();
            change(&mut opening);
            opening.verify(&content, size, &root)
        };
        assert!(changed(|_| ()));
        assert!(!changed(|o| o.index = 3));
        assert!(!changed(|o| o.index = 5));
        assert!(!changed(|o| o.count = 2));
        assert!(!changed(|o| o.role = ROLE_MESSAGE));
        assert!(!changed(|o| o.salt[0] ^= 1));
        assert!(!changed(|o| o.path[0].0[0] ^= 1));
        assert!(!changed(|o| o.path.clear()));
        assert!(!opening.verify(&Digest::of(b"other"), size, &root));
        assert!(!opening.verify(&content, size + 1, &root));
        assert!(!opening.verify(&content, size, &Digest::of(b"other")));
    }

    #[test]
    fn an_opening_survives_json() {
        let (opening, ..) = opened(3, 1);
        let text = serde_json::to_string(&opening).unwrap();
        assert_eq!(serde_json::from_str::<Opening>(&text).unwrap(), opening);
        assert!(
            serde_json::from_str::<Opening>(&text.replace("\"salt\":\"", "\"salt\":\"zz")).is_err()
        );
    }
}

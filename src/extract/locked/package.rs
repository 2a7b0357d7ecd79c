//! Office documents under a password (MS-OFFCRYPTO 2.3): a package, as a whole,
//! encrypted into a stream of a compound file. "Agile" is what Office writes since
//! 2010, "standard" what it wrote in 2007.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quick_xml::events::BytesStart;

use super::super::bytes::{slice_at, u16_at, u32_at, u64_at};
use super::super::xml::{self, Step};
use super::derive::{Aes, BLOCK, Hash};

/// More than any program asks for.
const SPIN_MAX: u32 = 1_000_000;

/// The package, if `password` opens it; `info` and `stored` are the two streams.
pub fn open(info: &[u8], stored: &[u8], password: &str) -> Option<Vec<u8>> {
    let (size, stored) = (u64_at(stored, 0)?, stored.get(8..)?);
    let package = match (u16_at(info, 0)?, u16_at(info, 2)?) {
        (4, 4) => Agile::read(info.get(8..)?)?.open(stored, password)?,
        (2..=4, 2) => standard(info, stored, password)?,
        _ => return None,
    };
    let size = usize::try_from(size).ok()?.min(package.len());
    Some(package[..size].to_vec())
}

/// 2.3.4.5 to 2.3.4.9.
fn standard(info: &[u8], stored: &[u8], password: &str) -> Option<Vec<u8>> {
    const SPINS: u32 = 50_000;
    let head_len = u32_at(info, 8)? as usize;
    let key_len = u32_at(info, 12 + 16)? as usize / 8;
    let verifier = info.get(12usize.checked_add(head_len)?..)?;
    let salt = slice_at(verifier, 4, 16)?;
    let hash = Hash::Sha1.spun(salt, password, SPINS);
    let hash = Hash::Sha1.of(&hash, &0u32.to_le_bytes());
    let half = |byte: u8| {
        let mut pad = [byte; 64];
        pad.iter_mut().zip(&hash).for_each(|(pad, byte)| *pad ^= byte);
        Hash::Sha1.of(&pad, &[])
    };
    let key = [half(0x36), half(0x5c)].concat();
    let aes = Aes::new(key.get(..key_len)?)?;
    let (said, hashed) = (aes.ecb(slice_at(verifier, 20, 16)?), slice_at(verifier, 40, 32)?);
    let is_right = aes.ecb(hashed).starts_with(&Hash::Sha1.of(&said, &[]));
    is_right.then(|| aes.ecb(stored))
}

/// What an element says of how something is encrypted.
#[derive(Default)]
struct Way {
    salt: Vec<u8>,
    key_bytes: usize,
    hash: Option<Hash>,
}

impl Way {
    fn read(element: &BytesStart<'_>) -> Self {
        let named = |name| xml::attribute(element, name).unwrap_or_default();
        Self {
            salt: STANDARD.decode(named("saltValue")).unwrap_or_default(),
            key_bytes: named("keyBits").parse::<usize>().unwrap_or(0) / 8,
            hash: Hash::named(&named("hashAlgorithm")),
        }
    }
}

/// 2.3.4.10 to 2.3.4.15.
struct Agile {
    data: Way,
    key: Way,
    spins: u32,
    /// Input, its hash, and the key, each under a key of its own.
    closed: [Vec<u8>; 3],
}

impl Agile {
    fn read(source: &[u8]) -> Option<Self> {
        let source = std::str::from_utf8(source).ok()?;
        let (mut data, mut key) = (None, None);
        xml::walk(source, |step| {
            match step {
                Step::Open("keyData", element) => data = Some(Way::read(element)),
                Step::Open("encryptedKey", element) if key.is_none() => {
                    let named = |name| xml::attribute(element, name).unwrap_or_default();
                    let closed = [
                        "encryptedVerifierHashInput",
                        "encryptedVerifierHashValue",
                        "encryptedKeyValue",
                    ];
                    let closed = closed.map(|it| STANDARD.decode(named(it)).unwrap_or_default());
                    key = Some((Way::read(element), named("spinCount"), closed));
                }
                _ => {}
            }
            true
        });
        let (key, spins, closed) = key?;
        let spins = spins.parse().ok().filter(|spins| *spins <= SPIN_MAX)?;
        Some(Self { data: data?, key, spins, closed })
    }

    fn open(&self, stored: &[u8], password: &str) -> Option<Vec<u8>> {
        const SEGMENT: usize = 4096;
        const PURPOSES: [[u8; 8]; 3] = [
            [0xfe, 0xa7, 0xd2, 0x76, 0x3b, 0x4b, 0x9e, 0x79],
            [0xd7, 0xaa, 0x0f, 0x6d, 0x30, 0x61, 0x34, 0x4e],
            [0x14, 0x6e, 0x0b, 0xe7, 0xab, 0xac, 0xd0, 0xd6],
        ];
        let hash = self.key.hash?;
        let spun = hash.spun(&self.key.salt, password, self.spins);
        let iv = block(&self.key.salt);
        let open = |at: usize| {
            let key = sized(hash.of(&spun, &PURPOSES[at]), self.key.key_bytes);
            Some(Aes::new(&key)?.cbc(&iv, &self.closed[at]))
        };
        let (input, hashed, key) = (open(0)?, open(1)?, open(2)?);
        let expected = hash.of(input.get(..self.key.salt.len())?, &[]);
        if !hashed.starts_with(&expected) {
            return None;
        }
        let aes = Aes::new(key.get(..self.data.key_bytes)?)?;
        let hash = self.data.hash?;
        let mut package = Vec::with_capacity(stored.len());
        for (segment, number) in stored.chunks(SEGMENT).zip(0u32..) {
            let iv = block(&hash.of(&self.data.salt, &number.to_le_bytes()));
            package.extend(aes.cbc(&iv, segment));
        }
        Some(package)
    }
}

/// Cut to its length, or filled up to it (2.3.4.11).
fn sized(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.resize(len.min(64), 0x36);
    bytes
}

fn block(bytes: &[u8]) -> [u8; BLOCK] {
    let mut block = [0x36; BLOCK];
    block.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    block
}

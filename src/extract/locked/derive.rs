//! Keys out of passwords, and AES in the ways that documents use it.

use aes_gcm::KeyInit;
use aes_gcm::aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use aes_gcm::aes::{Aes128, Aes192, Aes256};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

pub const BLOCK: usize = 16;

/// AES with a key of any of its lengths.
pub enum Aes {
    Bits128(Box<Aes128>),
    Bits192(Box<Aes192>),
    Bits256(Box<Aes256>),
}

impl Aes {
    pub fn new(key: &[u8]) -> Option<Self> {
        Some(match key.len() {
            16 => Self::Bits128(Box::new(Aes128::new_from_slice(key).ok()?)),
            24 => Self::Bits192(Box::new(Aes192::new_from_slice(key).ok()?)),
            32 => Self::Bits256(Box::new(Aes256::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    fn encrypt(&self, block: &mut [u8; BLOCK]) {
        let block = block.into();
        match self {
            Self::Bits128(aes) => aes.encrypt_block(block),
            Self::Bits192(aes) => aes.encrypt_block(block),
            Self::Bits256(aes) => aes.encrypt_block(block),
        }
    }

    fn decrypt(&self, block: &mut [u8; BLOCK]) {
        let block = block.into();
        match self {
            Self::Bits128(aes) => aes.decrypt_block(block),
            Self::Bits192(aes) => aes.decrypt_block(block),
            Self::Bits256(aes) => aes.decrypt_block(block),
        }
    }

    /// Each block by itself; what is no whole block at the end is left out.
    pub fn ecb(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for block in bytes.as_chunks::<BLOCK>().0 {
            let mut block = *block;
            self.decrypt(&mut block);
            out.extend_from_slice(&block);
        }
        out
    }

    /// Chained to the block before; the first to `iv`.
    pub fn cbc(&self, iv: &[u8; BLOCK], bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        let mut before = *iv;
        for stored in bytes.as_chunks::<BLOCK>().0 {
            let mut block = *stored;
            self.decrypt(&mut block);
            out.extend(block.iter().zip(before).map(|(byte, mask)| byte ^ mask));
            before = *stored;
        }
        out
    }

    /// Counted from 1 in little-endian order, as in zip archives.
    pub fn counted(&self, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(bytes.len());
        for (chunk, count) in bytes.chunks(BLOCK).zip(1u128..) {
            let mut mask = count.to_le_bytes();
            self.encrypt(&mut mask);
            out.extend(chunk.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
        }
        out
    }
}

/// Hash functions of office documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_uppercase().replace('-', "").as_str() {
            "SHA1" => Self::Sha1,
            "SHA256" => Self::Sha256,
            "SHA384" => Self::Sha384,
            "SHA512" => Self::Sha512,
            _ => return None,
        })
    }

    /// Of both, one after the other.
    pub fn of(self, first: &[u8], second: &[u8]) -> Vec<u8> {
        fn both<D: Digest>(first: &[u8], second: &[u8]) -> Vec<u8> {
            D::new().chain_update(first).chain_update(second).finalize().to_vec()
        }
        match self {
            Self::Sha1 => both::<Sha1>(first, second),
            Self::Sha256 => both::<Sha256>(first, second),
            Self::Sha384 => both::<Sha384>(first, second),
            Self::Sha512 => both::<Sha512>(first, second),
        }
    }

    /// MS-OFFCRYPTO 2.3.6.2 and 2.3.4.11: hashed again `count` times, each time
    /// behind its number.
    pub fn spun(self, salt: &[u8], password: &str, count: u32) -> Vec<u8> {
        let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut hash = self.of(salt, &wide);
        for number in 0..count {
            hash = self.of(&number.to_le_bytes(), &hash);
        }
        hash
    }
}

/// PBKDF2 (RFC 8018, 5.2) with HMAC-SHA1.
pub fn pbkdf2(password: &[u8], salt: &[u8], rounds: u32, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 20);
    for block in 1u32.. {
        if out.len() >= len {
            break;
        }
        let mut round = hmac(password, &[salt, &block.to_be_bytes()]);
        let mut sum = round.clone();
        for _ in 1..rounds {
            round = hmac(password, &[&round]);
            sum.iter_mut().zip(&round).for_each(|(sum, byte)| *sum ^= byte);
        }
        out.extend_from_slice(&sum);
    }
    out.truncate(len);
    out
}

pub fn hmac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes keys of any length");
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6070.
    #[test]
    fn keys_are_those_of_the_standard() {
        assert_eq!(
            hex::encode(pbkdf2(b"password", b"salt", 2, 20)),
            "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"
        );
        assert_eq!(
            hex::encode(pbkdf2(
                b"passwordPASSWORDpassword",
                b"saltSALTsaltSALTsaltSALTsaltSALTsalt",
                4096,
                25
            )),
            "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"
        );
    }

    /// FIPS 197, appendix C.1.
    #[test]
    fn a_block_opens_as_in_the_standard() {
        let key: Vec<u8> = (0..16).collect();
        let stored = hex::decode("69c4e0d86a7b0430d8cdb78070b4c55a").unwrap();
        let aes = Aes::new(&key).unwrap();
        let open = hex::encode(aes.ecb(&stored));
        assert_eq!(open, "00112233445566778899aabbccddeeff");
        assert_eq!(hex::encode(aes.cbc(&[0; 16], &stored)), open);
        assert!(Aes::new(&key[..15]).is_none());
    }
}

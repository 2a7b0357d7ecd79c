//! Entries of zip archives that are encrypted: the old way (APPNOTE 6.1) and AES
//! as WinZip has it (APPNOTE 7.2, "AE-1" and "AE-2").

use super::super::bytes::u16_at;
use super::derive::{Aes, hmac, pbkdf2};

/// How an entry is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// A byte of the entry's check sum or time, which the first bytes must give.
    Old {
        check: u8,
    },
    Aes {
        key_bytes: usize,
    },
}

/// Extra field of an entry that AES closed: the lock, and how it is packed.
pub fn aes(extra: &[u8]) -> Option<(Lock, u16)> {
    let mut rest = extra;
    while let (Some(id), Some(len)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let field = rest.get(4..4 + usize::from(len))?;
        if id == 0x9901 {
            let key_bytes = match field.get(4)? {
                1 => 16,
                2 => 24,
                3 => 32,
                _ => return None,
            };
            return Some((Lock::Aes { key_bytes }, u16_at(field, 5)?));
        }
        rest = &rest[4 + usize::from(len)..];
    }
    None
}

impl Lock {
    /// What was stored, if `password` may be the right one. Of the old lock one in
    /// 256 wrong ones passes; what is unpacked has a check sum.
    pub fn open(self, stored: &[u8], password: &str) -> Option<Vec<u8>> {
        match self {
            Self::Old { check } => old(stored, password.as_bytes(), check),
            Self::Aes { key_bytes } => with_aes(stored, password.as_bytes(), key_bytes),
        }
    }
}

fn with_aes(stored: &[u8], password: &[u8], key_bytes: usize) -> Option<Vec<u8>> {
    const ROUNDS: u32 = 1000;
    const CHECK: usize = 2;
    const CODE: usize = 10;
    let (salt, rest) = stored.split_at_checked(key_bytes / 2)?;
    let (check, rest) = rest.split_at_checked(CHECK)?;
    let (data, code) = rest.split_at_checked(rest.len().checked_sub(CODE)?)?;
    let keys = pbkdf2(password, salt, ROUNDS, 2 * key_bytes + CHECK);
    let (key, keys) = keys.split_at(key_bytes);
    let (code_key, own_check) = keys.split_at(key_bytes);
    if own_check != check || hmac(code_key, &[data])[..CODE] != *code {
        return None;
    }
    Some(Aes::new(key)?.counted(data))
}

fn old(stored: &[u8], password: &[u8], check: u8) -> Option<Vec<u8>> {
    const HEAD: usize = 12;
    let mut keys = Keys::new(password);
    let (head, data) = stored.split_at_checked(HEAD)?;
    let last = head.iter().map(|&byte| keys.next(byte)).last();
    (last == Some(check)).then(|| data.iter().map(|&byte| keys.next(byte)).collect())
}

/// APPNOTE 6.1.5.
struct Keys([u32; 3]);

impl Keys {
    fn new(password: &[u8]) -> Self {
        let mut keys = Self([0x1234_5678, 0x2345_6789, 0x3456_7890]);
        password.iter().for_each(|&byte| keys.update(byte));
        keys
    }

    fn update(&mut self, byte: u8) {
        let Self([first, second, third]) = self;
        *first = crc(*first, byte);
        *second = second.wrapping_add(*first & 0xff).wrapping_mul(134_775_813).wrapping_add(1);
        *third = crc(*third, (*second >> 24) as u8);
    }

    fn next(&mut self, stored: u8) -> u8 {
        let mask = self.0[2] | 2;
        let byte = stored ^ (mask.wrapping_mul(mask ^ 1) >> 8) as u8;
        self.update(byte);
        byte
    }
}

const CRC: [u32; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut value = at as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0xedb8_8320 } else { value >> 1 };
            bit += 1;
        }
        table[at] = value;
        at += 1;
    }
    table
};

fn crc(value: u32, byte: u8) -> u32 {
    (value >> 8) ^ CRC[((value ^ u32::from(byte)) & 0xff) as usize]
}

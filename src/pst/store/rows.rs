//! Rows of contents tables while their folders are open: gathered a folder at
//! a time in memory, then in one file on disk, so that neither memory nor the
//! number of open files grows with the export.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use crate::pst::ltp::{Property, Value};

/// Bytes of rows in memory, over all folders.
const MEMORY_BYTES_MAX: usize = 16 << 20;
/// A folder with this much goes to disk.
const CHUNK_BYTES: usize = 64 << 10;

pub struct Rows {
    file: File,
    written: u64,
    in_memory: usize,
    folders: Vec<Folder>,
}

#[derive(Default)]
struct Folder {
    chunks: Vec<(u64, usize)>,
    waiting: Vec<u8>,
}

impl Rows {
    pub fn create(directory: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(directory)?;
        Ok(Self { file, written: 0, in_memory: 0, folders: Vec::new() })
    }

    pub fn push(&mut self, folder: usize, id: u32, cells: &[Property]) -> io::Result<()> {
        if self.folders.len() <= folder {
            self.folders.resize_with(folder + 1, Folder::default);
        }
        let waiting = &mut self.folders[folder].waiting;
        let before = waiting.len();
        encode(waiting, id, cells);
        self.in_memory += waiting.len() - before;
        if waiting.len() >= CHUNK_BYTES {
            self.write(folder)?;
        }
        if self.in_memory >= MEMORY_BYTES_MAX {
            for folder in 0..self.folders.len() {
                self.write(folder)?;
            }
        }
        Ok(())
    }

    /// Hands each row of a folder to `each`, in the order of their writing.
    pub fn take(
        &mut self,
        folder: usize,
        each: &mut dyn FnMut(u32, &[Property]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Some(folder) = self.folders.get_mut(folder).map(std::mem::take) else {
            return Ok(());
        };
        self.in_memory -= folder.waiting.len();
        let mut bytes = Vec::new();
        for (offset, length) in folder.chunks {
            bytes.resize(length, 0);
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.read_exact(&mut bytes)?;
            decode(&bytes, each)?;
        }
        decode(&folder.waiting, each)
    }

    fn write(&mut self, folder: usize) -> io::Result<()> {
        let folder = &mut self.folders[folder];
        if folder.waiting.is_empty() {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.written))?;
        self.file.write_all(&folder.waiting)?;
        folder.chunks.push((self.written, folder.waiting.len()));
        self.written += folder.waiting.len() as u64;
        self.in_memory -= folder.waiting.len();
        folder.waiting = Vec::new();
        Ok(())
    }
}

fn encode(out: &mut Vec<u8>, id: u32, cells: &[Property]) {
    out.extend(id.to_le_bytes());
    out.push(cells.len() as u8);
    for cell in cells {
        out.extend(cell.tag.to_le_bytes());
        let fixed;
        let bytes: &[u8] = match &cell.value {
            Value::Integer(value) => {
                fixed = value.to_le_bytes();
                &fixed
            }
            Value::Boolean(value) => &[u8::from(*value)],
            Value::Time(value) => &value.to_le_bytes(),
            Value::Text(text) => text.as_bytes(),
            Value::Binary(bytes) => bytes,
            // Objects have no column.
            Value::Stored { .. } | Value::Object { .. } => &[],
        };
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    }
}

fn decode(
    mut bytes: &[u8],
    each: &mut dyn FnMut(u32, &[Property]) -> io::Result<()>,
) -> io::Result<()> {
    while !bytes.is_empty() {
        let id = u32::from_le_bytes(take(&mut bytes)?);
        let [count] = take(&mut bytes)?;
        let mut cells = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            let tag = u32::from_le_bytes(take(&mut bytes)?);
            let length = u32::from_le_bytes(take(&mut bytes)?) as usize;
            let (mut value, rest) = bytes.split_at_checked(length).ok_or_else(short)?;
            bytes = rest;
            let value = match tag as u16 {
                0x0003 => Value::Integer(i32::from_le_bytes(take(&mut value)?)),
                0x000B => Value::Boolean(value == [1]),
                0x0040 => Value::Time(u64::from_le_bytes(take(&mut value)?)),
                0x001F => Value::Text(String::from_utf8_lossy(value).into_owned()),
                _ => Value::Binary(value.to_vec()),
            };
            cells.push(Property { tag, value });
        }
        each(id, &cells)?;
    }
    Ok(())
}

fn take<const N: usize>(bytes: &mut &[u8]) -> io::Result<[u8; N]> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or_else(short)?;
    *bytes = rest;
    Ok(*head)
}

fn short() -> io::Error {
    io::Error::other("a spooled row is cut short")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_through_the_disk() {
        let directory = std::env::temp_dir();
        let mut rows = Rows::create(&directory).unwrap();
        let text = "x".repeat(5000);
        for id in 0..100 {
            let cells = [Property::text(0x0037, text.as_str()), Property::integer(0x0E07, id)];
            rows.push((id % 3) as usize, id as u32, &cells).unwrap();
        }
        let mut seen = Vec::new();
        rows.take(1, &mut |id, cells| {
            assert!(matches!(&cells[0].value, Value::Text(held) if *held == text));
            assert!(matches!(cells[1].value, Value::Integer(value) if value == id as i32));
            seen.push(id);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (0..100).filter(|id| id % 3 == 1).collect::<Vec<_>>());
    }
}

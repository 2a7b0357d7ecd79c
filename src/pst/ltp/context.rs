//! Property contexts (MS-PST 2.3.3).

use std::io::{self, Seek, Write};

use super::bth;
use super::heap::{HEAP_ALLOCATION_MAX, Heap};
use super::value::{Property, Value, text_bytes};
use crate::pst::ndb::{DataTree, Ndb, Nid, Stored, Subnode, kind, write_subnodes};

const CLIENT: u8 = 0xBC;
const RECORD_BYTES: usize = 8;

/// The properties of one object and the nodes inside it.
#[derive(Default)]
pub struct PropertyContext {
    pub properties: Vec<Property>,
    pub subnodes: Vec<Subnode>,
    /// A property that states the size of the whole object, itself included.
    pub size_id: Option<u16>,
}

/// A context without nodes of its own.
pub fn write_properties<W: Write + Seek>(
    ndb: &mut Ndb<W>,
    properties: Vec<Property>,
) -> io::Result<Stored> {
    PropertyContext { properties, ..PropertyContext::default() }.write(ndb)
}

impl PropertyContext {
    pub fn write<W: Write + Seek>(mut self, ndb: &mut Ndb<W>) -> io::Result<Stored> {
        self.properties.sort_by_key(Property::id);
        // Values of their own come after the highest node that is there.
        let mut next = self.subnodes.iter().map(|s| s.nid.index()).max().unwrap_or(0x400) + 1;
        let mut heap = Heap::new(CLIENT);
        let header = heap.allocate(&[0; bth::HEADER_BYTES])?;
        let mut records = Vec::with_capacity(self.properties.len() * RECORD_BYTES);
        for property in &self.properties {
            let bytes = match &property.value {
                Value::Integer(value) => Cell::Inline(*value as u32),
                Value::Boolean(value) => Cell::Inline(u32::from(*value)),
                Value::Stored { nid, .. } => Cell::Inline(nid.0),
                Value::Time(value) => Cell::Bytes(value.to_le_bytes().to_vec()),
                Value::Text(text) => Cell::Bytes(text_bytes(text)),
                Value::Binary(bytes) => Cell::Bytes(bytes.clone()),
                Value::Object { nid, size } => {
                    let size = u32::try_from(*size).unwrap_or(u32::MAX);
                    Cell::Bytes([nid.0.to_le_bytes(), size.to_le_bytes()].concat())
                }
            };
            let hnid = match bytes {
                Cell::Inline(value) => value,
                Cell::Bytes(bytes) if bytes.len() <= HEAP_ALLOCATION_MAX => {
                    heap.allocate(&bytes)?.0
                }
                Cell::Bytes(bytes) => {
                    let nid = Nid::new(kind::VALUE, next);
                    next += 1;
                    let size = bytes.len() as u64;
                    let stored = DataTree::copy(ndb, &mut bytes.as_slice(), size)?;
                    self.subnodes.push(Subnode { nid, stored });
                    nid.0
                }
            };
            records.extend((property.tag >> 16).to_le_bytes()[..2].iter());
            records.extend(property.tag.to_le_bytes()[..2].iter());
            records.extend(hnid.to_le_bytes());
        }
        let below: u64 = self.subnodes.iter().map(|subnode| subnode.stored.size).sum();
        let stated = self
            .size_id
            .and_then(|id| self.properties.iter().position(|property| property.id() == id));
        // The size is one of the records: they go in once to measure, then again.
        let mut measured = heap.clone();
        bth::write(&mut measured, header, (2, 6), &records)?;
        let size = below + measured.size();
        if let Some(at) = stated {
            let value = i32::try_from(size).unwrap_or(i32::MAX);
            records[at * RECORD_BYTES + 4..][..4].copy_from_slice(&value.to_le_bytes());
        }
        bth::write(&mut heap, header, (2, 6), &records)?;
        let data = heap.finish(ndb, header)?.data;
        let subnodes = write_subnodes(ndb, &mut self.subnodes)?;
        Ok(Stored { data, subnodes, size })
    }
}

enum Cell {
    Inline(u32),
    Bytes(Vec<u8>),
}

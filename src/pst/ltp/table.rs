//! Table contexts (MS-PST 2.3.4), row by row: rows and cells go to disk as
//! their blocks fill, only the row ids stay in memory.

use std::io::{self, Seek, Write};

use super::bth;
use super::heap::{HEAP_ALLOCATION_MAX, Heap, Hid};
use super::value::{Property, Value, kind as types, text_bytes};
use crate::pst::ndb::{BLOCK_PAYLOAD, DataTree, Ndb, Nid, Stored, Subnode, kind, write_subnodes};

const CLIENT: u8 = 0x7C;

const ROW_ID: u32 = 0x67F2_0003;
const ROW_VERSION: u32 = 0x67F3_0003;

/// A column's property tag.
pub type Column = u32;

pub struct Table {
    columns: Vec<Place>,
    ends: [usize; 4],
    heap: Heap,
    header: Hid,
    info: Hid,
    rows: Vec<u8>,
    matrix: DataTree,
    ids: Vec<u8>,
    count: u32,
    next: u32,
    subnodes: Vec<Subnode>,
}

struct Place {
    tag: u32,
    offset: usize,
    width: usize,
    bit: usize,
}

impl Table {
    /// A table of these columns after the two that every table begins with.
    pub fn new(columns: &[Column]) -> io::Result<Self> {
        let (columns, ends) = layout(columns);
        let mut heap = Heap::new(CLIENT);
        let header = heap.allocate(&[0; bth::HEADER_BYTES])?;
        let info = heap.allocate(&vec![0; 22 + 8 * columns.len()])?;
        Ok(Self {
            columns,
            ends,
            heap,
            header,
            info,
            rows: Vec::new(),
            matrix: DataTree::new(),
            ids: Vec::new(),
            count: 0,
            // The first index is that of the row matrix.
            next: 2,
            subnodes: Vec::new(),
        })
    }

    /// Adds a row; ids must rise. Cells without a column are left out.
    pub fn row<W: Write + Seek>(
        &mut self,
        ndb: &mut Ndb<W>,
        id: u32,
        cells: &[Property],
    ) -> io::Result<()> {
        let row_bytes = self.ends[3];
        let mut row = vec![0; row_bytes];
        for place in 0..self.columns.len() {
            let tag = self.columns[place].tag;
            let value = match tag {
                ROW_ID => u64::from(id),
                ROW_VERSION => u64::from(self.count) + 1,
                _ => match cells.iter().find(|cell| cell.tag == tag) {
                    Some(cell) => self.cell(ndb, &cell.value)?,
                    None => continue,
                },
            };
            let Place { offset, width, bit, .. } = self.columns[place];
            row[offset..offset + width].copy_from_slice(&value.to_le_bytes()[..width]);
            row[self.ends[2] + bit / 8] |= 0x80 >> (bit % 8);
        }
        if self.rows.len() + row_bytes > BLOCK_PAYLOAD {
            self.write_rows(ndb, true)?;
        }
        self.rows.extend_from_slice(&row);
        self.ids.extend(id.to_le_bytes());
        self.ids.extend(self.count.to_le_bytes());
        self.count += 1;
        self.heap.spill(ndb)
    }

    pub fn finish<W: Write + Seek>(mut self, ndb: &mut Ndb<W>) -> io::Result<Stored> {
        bth::write(&mut self.heap, self.header, (4, 4), &self.ids)?;
        let rows = if self.matrix.is_empty() && self.rows.len() <= HEAP_ALLOCATION_MAX {
            self.heap.allocate(&self.rows)?.0
        } else {
            self.write_rows(ndb, false)?;
            let nid = Nid::new(kind::VALUE, 1);
            let stored = self.matrix.finish(ndb)?;
            self.subnodes.push(Subnode { nid, stored });
            nid.0
        };
        let mut info = vec![CLIENT, self.columns.len() as u8];
        info.extend(self.ends.iter().flat_map(|end| (*end as u16).to_le_bytes()));
        info.extend(self.header.0.to_le_bytes());
        info.extend(rows.to_le_bytes());
        info.extend([0; 4]);
        self.columns.sort_by_key(|place| place.tag);
        for place in &self.columns {
            info.extend(place.tag.to_le_bytes());
            info.extend((place.offset as u16).to_le_bytes());
            info.extend([place.width as u8, place.bit as u8]);
        }
        self.heap.patch(self.info, 0, &info);
        let below: u64 = self.subnodes.iter().map(|subnode| subnode.stored.size).sum();
        let heap = self.heap.finish(ndb, self.info)?;
        let subnodes = write_subnodes(ndb, &mut self.subnodes)?;
        Ok(Stored { data: heap.data, subnodes, size: heap.size + below })
    }

    /// What the row itself holds: the value, or where it is.
    fn cell<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>, value: &Value) -> io::Result<u64> {
        let bytes = match value {
            Value::Integer(value) => return Ok(u64::from(*value as u32)),
            Value::Boolean(value) => return Ok(u64::from(*value)),
            Value::Time(value) => return Ok(*value),
            Value::Text(text) => text_bytes(text),
            Value::Binary(bytes) => bytes.clone(),
            Value::Stored { .. } | Value::Object { .. } => {
                return Err(io::Error::other("a table holds no objects"));
            }
        };
        if bytes.len() <= HEAP_ALLOCATION_MAX {
            return Ok(u64::from(self.heap.allocate(&bytes)?.0));
        }
        let nid = Nid::new(kind::VALUE, self.next);
        self.next += 1;
        let stored = DataTree::copy(ndb, &mut bytes.as_slice(), bytes.len() as u64)?;
        self.subnodes.push(Subnode { nid, stored });
        Ok(u64::from(nid.0))
    }

    /// A block of rows; rows never span blocks, so all but the last are padded.
    fn write_rows<W: Write + Seek>(&mut self, ndb: &mut Ndb<W>, pad: bool) -> io::Result<()> {
        if pad {
            self.rows.resize(BLOCK_PAYLOAD, 0);
        }
        self.matrix.write(ndb, &self.rows)?;
        self.rows.clear();
        Ok(())
    }
}

/// Columns in the order given: those of eight and four bytes, of two, of one,
/// then the bitmap of cells that exist (2.3.4.4.1).
fn layout(columns: &[Column]) -> (Vec<Place>, [usize; 4]) {
    let tags: Vec<u32> = [ROW_ID, ROW_VERSION].iter().chain(columns).copied().collect();
    let mut places: Vec<Place> = Vec::with_capacity(tags.len());
    let mut ends = [0; 4];
    let mut offset = 0;
    for (group, widths) in [&[8, 4][..], &[2], &[1]].into_iter().enumerate() {
        for (bit, tag) in tags.iter().enumerate() {
            let width = width(*tag);
            if widths.contains(&width) {
                places.push(Place { tag: *tag, offset, width, bit });
                offset += width;
            }
        }
        ends[group] = offset;
    }
    ends[3] = offset + tags.len().div_ceil(8);
    (places, ends)
}

fn width(tag: u32) -> usize {
    match tag as u16 {
        types::BOOLEAN => 1,
        types::LONG | types::TIME => 8,
        // Integers, and the ids of what lies in the heap or a subnode.
        _ => 4,
    }
}

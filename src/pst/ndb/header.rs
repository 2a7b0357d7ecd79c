//! The header (MS-PST 2.2.2.6), its root (2.2.2.5) and the density list
//! (2.2.2.7.4.2): what is written last.

use super::codec;

pub const DENSITY_LIST_OFFSET: u64 = 0x4200;

const BYTES: usize = 564;
const VERSION_UNICODE: u16 = 23;
const VERSION_CLIENT: u16 = 19;
const PERMUTED: u8 = 1;
const MAPS_VALID: u8 = 2;

pub struct Header {
    pub next_page: u64,
    pub next_block: u64,
    pub highest: [u32; 32],
    pub end: u64,
    pub last_map: u64,
    pub free_bytes: u64,
    pub nodes: (u64, u64),
    pub blocks: (u64, u64),
}

impl Header {
    pub fn encode(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        out[0..4].copy_from_slice(b"!BDN");
        out[8..10].copy_from_slice(b"SM");
        out[10..12].copy_from_slice(&VERSION_UNICODE.to_le_bytes());
        out[12..14].copy_from_slice(&VERSION_CLIENT.to_le_bytes());
        // bPlatformCreate and bPlatformAccess: 1 each.
        out[14] = 1;
        out[15] = 1;
        put(&mut out, 32, self.next_page);
        // dwUnique counts changes of the header: this is the first.
        out[40] = 1;
        for (kind, index) in self.highest.iter().enumerate() {
            out[44 + 4 * kind..48 + 4 * kind].copy_from_slice(&index.to_le_bytes());
        }
        put(&mut out, 184, self.end);
        put(&mut out, 192, self.last_map);
        put(&mut out, 200, self.free_bytes);
        // cbPMapFree stays zero: pages are taken from the allocation maps.
        put(&mut out, 216, self.nodes.0);
        put(&mut out, 224, self.nodes.1);
        put(&mut out, 232, self.blocks.0);
        put(&mut out, 240, self.blocks.1);
        out[248] = MAPS_VALID;
        // rgbFM and rgbFP: the maps of the first sections, unused.
        out[256..512].fill(0xFF);
        out[512] = 0x80;
        out[513] = PERMUTED;
        put(&mut out, 516, self.next_block);
        let partial = codec::crc(&out[8..8 + 471]);
        out[4..8].copy_from_slice(&partial.to_le_bytes());
        let full = codec::crc(&out[8..8 + 516]);
        out[524..528].copy_from_slice(&full.to_le_bytes());
        out
    }
}

/// An empty list: a hint that readers rebuild.
pub fn density_list(bid: u64) -> [u8; 512] {
    let mut page = [0; 512];
    page[496] = 0x86;
    page[497] = 0x86;
    page[498..500].copy_from_slice(&codec::signature(DENSITY_LIST_OFFSET, bid).to_le_bytes());
    let crc = codec::crc(&page[..496]);
    page[500..504].copy_from_slice(&crc.to_le_bytes());
    page[504..512].copy_from_slice(&bid.to_le_bytes());
    page
}

fn put(out: &mut [u8], at: usize, value: u64) {
    out[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

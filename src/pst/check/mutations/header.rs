//! Wounds of the header, the maps, and what they say is in use.

use super::super::image::{self, u64_at};
use super::super::rule::Rule;
use super::{MESSAGE, Wounds};

pub fn wounds(w: &mut Wounds) {
    w.add(Rule::HeaderLength, "", |p| p.bytes.truncate(500));
    w.add(Rule::HeaderMagic, "", |p| p.put(0, b"?"));
    w.add(Rule::HeaderClientMagic, "", |p| p.put(8, b"?"));
    w.add(Rule::HeaderVersion, "", |p| p.put(10, &[14]));
    w.add(Rule::HeaderPartialChecksum, "", |p| p.bytes[4] ^= 1);
    w.add(Rule::HeaderFullChecksum, "", |p| p.bytes[524] ^= 1);
    for (rule, at) in [
        (Rule::HeaderSentinel, 512),
        (Rule::HeaderEncoding, 513),
        (Rule::HeaderClientVersion, 12),
        (Rule::HeaderClientVersion, 13),
        (Rule::HeaderPlatform, 14),
        (Rule::HeaderPlatform, 15),
        (Rule::HeaderFreeMap, 256),
        (Rule::HeaderFreeMap, 383),
        (Rule::HeaderFreePageMap, 384),
        (Rule::HeaderFreePageMap, 511),
        (Rule::MapsValid, 248),
        (Rule::FileEnd, 184),
        (Rule::LastMap, 192),
        (Rule::FreeBytes, 200),
    ] {
        w.add(rule, "", move |p| p.header(at, &[7]));
    }
    w.add(Rule::FileEnd, "", |p| p.bytes.truncate(p.bytes.len() - 64));
    w.add(Rule::FileWhole, "", |p| {
        // The size that is stated, and no whole number of sections.
        let size = p.bytes.len() + 64;
        p.bytes.resize(size, 0);
        p.header(184, &(size as u64).to_le_bytes());
    });
    maps(w);
    w.add(Rule::UsedMarkedFree, "", |p| p.page(0x4400, |map| map[20] = 0));
    w.add(Rule::FreeMarkedUsed, "", |p| {
        let last = u64_at(&p.bytes, 192) as usize;
        p.page(last, |map| map[495] |= 1);
    });
    // Bytes that are counted as free in pages, and are not marked.
    w.add(Rule::FreeMarkedUsed, "", |p| p.header(208, &[64]));
    let at = |place: u64| {
        move |p: &mut super::Patient| p.block_entry(p.large().1, 8, &place.to_le_bytes())
    };
    w.add(Rule::InHeader, "block", at(0x200));
    w.add(Rule::CrossesMap, "block", at(0x4400 + 0x3E000 - 64));
    w.add(Rule::Overlap, "block", |p| {
        let other = p.place(p.data(MESSAGE)).0 as u64;
        p.block_entry(p.large().1, 8, &other.to_le_bytes());
    });
}

fn maps(w: &mut Wounds) {
    for (map, rule) in [(0x4400, Rule::AllocationMap), (0x4600, Rule::PageMap)] {
        for (rule, field) in [
            (rule, 496),
            (rule, 497),
            (Rule::MapSignature, 498),
            (Rule::MapChecksum, 500),
            (Rule::MapId, 504),
        ] {
            w.add(rule, &format!("page at {map:#x}"), move |p| p.bytes[map + field] ^= 1);
        }
    }
    for at in [0, 495] {
        w.add(Rule::MapUnused, "page at 0x4600", move |p| p.page(0x4600, |map| map[at] ^= 1));
    }
    for (rule, field) in [
        (Rule::DensityListType, 496),
        (Rule::DensityListType, 497),
        (Rule::DensityListSignature, 498),
        (Rule::DensityListChecksum, 500),
    ] {
        w.add(rule, "", move |p| p.bytes[0x4200 + field] ^= 1);
    }
    w.add(Rule::DensityListId, "page at 0x4200", |p| {
        let id = u64_at(&p.bytes, 32) + 1;
        p.put(0x4200 + 504, &id.to_le_bytes());
        let signature = image::signature(0x4200, id);
        p.put(0x4200 + 498, &signature.to_le_bytes());
    });
}

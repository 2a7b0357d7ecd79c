//! Wounds of the pages of both trees, of blocks, and of the trees of blocks.

use super::super::image::{self, u64_at};
use super::super::rule::Rule;
use super::patient::{BLOCKS, Patient, Which};
use super::{ATTACHMENT, MESSAGE, Wounds};

pub fn wounds(w: &mut Wounds) {
    pages(w);
    blocks(w);
    data(w);
    subnodes(w);
    for at in [8, 16] {
        // Data, then subnodes.
        w.add(Rule::DanglingBlock, "", move |p| p.node(MESSAGE, at, &NOWHERE));
    }
    w.add(Rule::DanglingBlock, "", |p| {
        p.block(p.large().0, |tree| tree[8..16].copy_from_slice(&NOWHERE))
    });
    w.add(Rule::DanglingBlock, "", |p| {
        p.block(p.subnodes(MESSAGE), |tree| tree[16..24].copy_from_slice(&NOWHERE));
    });
}

const NOWHERE: [u8; 8] = 0xFFFF_FF00_u64.to_le_bytes();

fn pages(w: &mut Wounds) {
    let mut page = |rule, cut: fn(&mut Patient, usize)| {
        w.add(rule, "page", move |p| cut(p, p.entry(BLOCKS, p.large().1).0));
    };
    page(Rule::PageType, |p, at| p.bytes[at + 496] ^= 1);
    page(Rule::PageType, |p, at| p.bytes[at + 497] ^= 1);
    page(Rule::PageChecksum, |p, at| p.bytes[at + 500] ^= 1);
    page(Rule::PageSignature, |p, at| p.bytes[at + 498] ^= 1);
    page(Rule::PageId, |p, at| {
        let id = u64_at(&p.bytes, at + 504) - 1;
        p.put(at + 504, &id.to_le_bytes());
        let signature = image::signature(at as u64, id);
        p.put(at + 498, &signature.to_le_bytes());
    });
    page(Rule::PageIdAgain, |p, at| {
        let id = u64_at(&p.bytes, p.root(BLOCKS) + 504);
        p.put(at + 504, &id.to_le_bytes());
    });
    page(Rule::PageIdNext, |p, _| p.header(32, &[1, 0, 0, 0]));
    page(Rule::TreeEmpty, |p, at| p.page(at, |page| page[488] = 0));
    page(Rule::TreeEntries, |p, at| p.page(at, |page| page[488] = 0xFF));
    page(Rule::TreeEntriesMax, |p, at| p.page(at, |page| page[489] -= 1));
    page(Rule::TreeEntrySize, |p, at| p.page(at, |page| page[490] = 25));
    page(Rule::TreeLevel, |p, at| p.page(at, |page| page[491] = 1));
    page(Rule::TreeOrder, |p, at| p.page(at, |page| page[24..72].rotate_left(24)));
    page(Rule::TreeOrder, |p, at| p.page(at, |page| page.copy_within(0..24, 24)));
    page(Rule::TreeDepth, |p, _| p.page(p.root(BLOCKS), |page| page[491] = 16));
    page(Rule::TreeFirstKey, |p, _| p.page(p.root(BLOCKS), |page| page[24] += 4));
    page(Rule::PagePlace, |p, _| {
        let root = p.root(BLOCKS) as u64 + 64;
        p.header(BLOCKS + 8, &root.to_le_bytes());
    });
    page(Rule::PageBeyondEnd, |p, _| p.header(BLOCKS + 8, &(1_u64 << 40).to_le_bytes()));
}

fn blocks(w: &mut Wounds) {
    let mut block = |rule, cut: fn(&mut Patient, u64)| {
        w.add(rule, "block", move |p| cut(p, p.large().1));
    };
    block(Rule::BlockPlace, |p, id| p.block_entry(id, 8, &[8]));
    block(Rule::BlockSize, |p, id| p.block_entry(id, 16, &8177_u16.to_le_bytes()));
    block(Rule::BlockEmpty, |p, id| p.block_entry(id, 16, &[0, 0]));
    block(Rule::BlockBeyondEnd, |p, id| p.block_entry(id, 8, &(1_u64 << 40).to_le_bytes()));
    block(Rule::BlockLength, |p, id| *p.in_trailer(id, 0) ^= 1);
    block(Rule::BlockSignature, |p, id| *p.in_trailer(id, 2) ^= 1);
    block(Rule::BlockChecksum, |p, id| *p.in_trailer(id, 4) ^= 1);
    block(Rule::BlockId, |p, id| {
        let (at, own) = (p.trailer(id), id + 4);
        let signature = image::signature(p.place(id).0 as u64, own);
        p.put(at + 8, &own.to_le_bytes());
        p.put(at + 2, &signature.to_le_bytes());
    });
    block(Rule::BlockIdNext, |p, _| p.header(516, &8_u64.to_le_bytes()));
    block(Rule::ReferenceCount, |p, id| p.block_entry(id, 18, &[1]));
    block(Rule::ReferenceCount, |p, id| p.block_entry(id, 18, &[3]));
    // The data of a node that lets go of it, counted down.
    block(Rule::BlockUnused, |p, _| {
        let id = p.data(0xC01);
        p.node(0xC01, 8, &[0; 8]);
        p.block_entry(id, 18, &[1]);
    });
}

fn data(w: &mut Wounds) {
    let mut tree = |rule, cut: fn(&mut [u8])| {
        w.add(rule, "block", move |p| p.block(p.large().0, cut));
    };
    tree(Rule::DataTreeType, |bytes| bytes[0] = 3);
    tree(Rule::DataTreeLevel, |bytes| bytes[1] = 0);
    tree(Rule::DataTreeLevel, |bytes| bytes[1] = 3);
    tree(Rule::DataTreeEntries, |bytes| bytes[2] += 1);
    tree(Rule::DataTreeEntries, |bytes| bytes[2] -= 1);
    tree(Rule::DataTreeNull, |bytes| bytes[8..16].fill(0));
    tree(Rule::DataTreeChild, |bytes| bytes[1] = 2);
    tree(Rule::DataTreeTotal, |bytes| bytes[4] ^= 1);
    w.add(Rule::DataTreeEmpty, "block", |p| {
        p.block(p.large().0, |bytes| bytes[2..4].fill(0));
        p.shorten(p.large().0, 8);
    });
    w.add(Rule::DataTreeType, "block", |p| p.shorten(p.large().0, 0));
    w.add(Rule::ShortLeaf, "child", |p| p.shorten(p.large().1, 8175));
    w.on(Which::Long);
    // Below the one that has XBLOCKs.
    w.add(Rule::DataTreeChild, "child", |p| p.block(p.large().0, |bytes| bytes[1] = 1));
    w.add(Rule::DataTreeLevel, "block", |p| {
        let branch = u64_at(&p.payload(p.large().0), 8);
        p.block(branch, |bytes| bytes[1] = 2);
    });
    w.add(Rule::ShortBranch, "child", |p| {
        let branch = u64_at(&p.payload(p.large().0), 8);
        p.block(branch, |bytes| bytes[2..4].copy_from_slice(&1020_u16.to_le_bytes()));
        p.shorten(branch, 8 + 8 * 1020);
    });
    w.on(Which::Sound);
}

fn subnodes(w: &mut Wounds) {
    let mut tree = |rule, cut: fn(&mut [u8])| {
        w.add(rule, "block", move |p| p.block(p.subnodes(MESSAGE), cut));
    };
    tree(Rule::SubnodeType, |bytes| bytes[0] = 1);
    tree(Rule::SubnodeLevel, |bytes| bytes[1] = 2);
    tree(Rule::SubnodeEntries, |bytes| bytes[2] += 1);
    tree(Rule::SubnodeEntries, |bytes| bytes[2] -= 1);
    tree(Rule::SubnodePadding, |bytes| bytes[4] = 1);
    tree(Rule::SubnodeOrder, |bytes| bytes.copy_within(8..32, 32));
    tree(Rule::SubnodeOrder, |bytes| bytes[8..56].rotate_left(24));
    w.add(Rule::SubnodeInternal, "block", |p| {
        p.node(MESSAGE, 16, &p.data(MESSAGE).to_le_bytes());
    });
    w.add(Rule::SubnodeEmpty, "block", |p| {
        let inside = p.below(p.subnodes(MESSAGE), ATTACHMENT).1;
        p.block(inside, |bytes| bytes[2..4].fill(0));
        p.shorten(inside, 8);
    });
    w.add(Rule::SubnodeLoop, "block", |p| {
        let below = p.below(p.subnodes(MESSAGE), ATTACHMENT).1;
        p.block(below, |bytes| bytes[24..32].copy_from_slice(&below.to_le_bytes()));
    });
    w.on(Which::Deep);
    w.add(Rule::SubnodeFirstKey, "block", |p| {
        p.block(p.subnodes(MESSAGE), |bytes| bytes[24 + 1] ^= 1);
    });
    w.add(Rule::SubnodeLevel, "block", |p| {
        let child = u64_at(&p.payload(p.subnodes(MESSAGE)), 16);
        p.block(child, |bytes| bytes[1] = 1);
    });
    w.on(Which::Sound);
}

//! PowerPoint presentations of 97 to 2003 (MS-PPT): every text of slides, notes,
//! comments and headers, and of masters what is no prompt.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::super::Reason;
use super::super::bytes::{slice_at, u16_at, u32_at, utf16};
use super::super::container::unpack;
use super::super::family::{Named, Place, Walk};
use super::super::sink::Sink;
use super::Compound;
use super::art::Pictures;

const MASTER: u16 = 0x03f8;
const SHAPE: u16 = 0xf004;
const PLACEHOLDER: u16 = 0x0bc3;
const WIDE_TEXT: u16 = 0x0fa0;
const NARROW_TEXT: u16 = 0x0fa8;
const STRING: u16 = 0x0fba;
const OBJECT: u16 = 0x1011;
const CRYPT: u16 = 0x2f14;
const ENCRYPTED_USER: u32 = 0xf3d1_c4df;

pub(super) fn read(
    walk: &mut Walk<'_>,
    file: &Compound<'_>,
    prefix: &str,
    inside: Place,
    sink: &mut Sink,
) {
    let user = file.stream(&format!("{prefix}/Current User")).unwrap_or_default();
    if u32_at(&user, 12) == Some(ENCRYPTED_USER) {
        return sink.gap(Reason::Encrypted, "it opens with a password");
    }
    let path = match file.has(&format!("{prefix}/PP97_DUALSTORAGE/PowerPoint Document")) {
        true => format!("{prefix}/PP97_DUALSTORAGE/PowerPoint Document"),
        false => format!("{prefix}/PowerPoint Document"),
    };
    let Some(stream) = file.stream(&path) else {
        return sink.gap(Reason::Damaged, "its main stream is gone");
    };
    let pictures = file.stream(&format!("{prefix}/Pictures")).unwrap_or_default();
    Pictures::default().of(&pictures, sink);
    let (mut at, mut master_until, mut is_prompt) = (0, 0, false);
    while let (Some(head), Some(kind), Some(len)) =
        (u16_at(&stream, at), u16_at(&stream, at + 2), u32_at(&stream, at + 4))
    {
        let start = at + 8;
        let len = len as usize;
        match kind {
            MASTER => master_until = start.saturating_add(len),
            SHAPE => is_prompt = false,
            CRYPT => return sink.gap(Reason::Encrypted, "it opens with a password"),
            _ => {}
        }
        // A container's content follows its head.
        if head & 0xf == 0xf {
            at = start;
            continue;
        }
        let Some(atom) = slice_at(&stream, start, len) else {
            return sink.gap(Reason::Damaged, "it is cut off");
        };
        at = start + len;
        let is_hidden = is_prompt && at <= master_until;
        match kind {
            // Dates, numbers, footers and headers of a master are shown.
            PLACEHOLDER => is_prompt = !matches!(atom.get(4), Some(7..=10)),
            WIDE_TEXT if !is_hidden => line(&utf16(atom), sink),
            NARROW_TEXT if !is_hidden => {
                line(&atom.iter().map(|byte| char::from(*byte)).collect::<String>(), sink);
            }
            STRING => {
                let text = utf16(atom);
                if !text.starts_with("___PPT") {
                    line(&text, sink);
                }
            }
            OBJECT => object(walk, head >> 4 == 1, atom, inside),
            _ => {}
        }
        if sink.is_full() {
            return;
        }
    }
}

fn line(text: &str, sink: &mut Sink) {
    sink.push_line(&text.replace(['\r', '\u{b}'], "\n"));
}

/// An embedded document: a compound file, packed as a rule.
fn object(walk: &mut Walk<'_>, is_packed: bool, atom: &[u8], inside: Place) {
    if !walk.has_room() {
        return;
    }
    let named = Named { name: "object", ..Named::default() };
    if !is_packed {
        walk.expanded(atom.len());
        walk.document(atom, named, inside);
        return;
    }
    let packed = atom.get(4..).unwrap_or_default();
    let unpacked = unpack(walk, ZlibDecoder::new(packed).by_ref());
    if !unpacked.bytes.is_empty() {
        walk.document(&unpacked.bytes, named, inside);
    }
}

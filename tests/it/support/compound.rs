//! Compound files (MS-CFB) and what Word, Excel and PowerPoint of before 2007 keep in
//! them: as little of each as a reader takes, with a picture in it.

const SECTOR: usize = 512;
const END: u32 = 0xffff_fffe;
const NONE: u32 = 0xffff_ffff;
const FAT: u32 = 0xffff_fffd;
/// What is shorter has no sectors of its own; so nothing is.
const STREAM_MIN: usize = 4096;

/// A compound file with these streams.
pub fn compound(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut body, mut fat) = (Vec::new(), Vec::<u32>::new());
    let mut directory = entry("Root Entry", 5, 1, END, 0);
    for ((name, content), number) in streams.iter().zip(1..) {
        let next = if number == streams.len() as u32 { NONE } else { number + 1 };
        let mut content = content.to_vec();
        content.resize(content.len().max(STREAM_MIN), 0);
        let mut named = entry(name, 2, NONE, fat.len() as u32, content.len() as u64);
        named[72..76].copy_from_slice(&next.to_le_bytes());
        directory.extend(named);
        put(&mut body, &mut fat, &content);
    }
    let first = fat.len() as u32;
    put(&mut body, &mut fat, &directory);
    let tables = (fat.len() + 1).div_ceil(SECTOR / 4 - 1);
    let places: Vec<u32> = (0..tables).map(|at| (fat.len() + at) as u32).collect();
    fat.extend(std::iter::repeat_n(FAT, tables));
    fat.resize(tables * SECTOR / 4, NONE);
    body.extend(fat.iter().flat_map(|next| next.to_le_bytes()));

    let mut head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    head.resize(SECTOR, 0);
    let mut at =
        |place: usize, bytes: &[u8]| head[place..place + bytes.len()].copy_from_slice(bytes);
    at(24, &[0x3e, 0, 3, 0, 0xfe, 0xff, 9, 0, 6, 0]);
    at(44, &(tables as u32).to_le_bytes());
    at(48, &first.to_le_bytes());
    at(56, &(STREAM_MIN as u32).to_le_bytes());
    at(60, &END.to_le_bytes());
    at(68, &END.to_le_bytes());
    at(76, &[0xff; 436]);
    for (place, number) in places.iter().zip(0..109) {
        at(76 + number * 4, &place.to_le_bytes());
    }
    [head, body].concat()
}

fn put(body: &mut Vec<u8>, fat: &mut Vec<u32>, content: &[u8]) {
    let sectors = content.len().div_ceil(SECTOR);
    for sector in 1..=sectors {
        let next = fat.len() as u32 + 1;
        fat.push(if sector == sectors { END } else { next });
    }
    body.extend_from_slice(content);
    body.resize(body.len().next_multiple_of(SECTOR), 0);
}

fn entry(name: &str, kind: u8, child: u32, start: u32, size: u64) -> Vec<u8> {
    let mut entry: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let len = entry.len() as u16 + 2;
    entry.resize(64, 0);
    entry.extend(len.to_le_bytes());
    entry.extend([kind, 1]);
    for link in [NONE, NONE, child] {
        entry.extend(link.to_le_bytes());
    }
    entry.resize(116, 0);
    entry.extend(start.to_le_bytes());
    entry.extend(size.to_le_bytes());
    entry
}

/// MS-ODRAW 2.2.28: a PNG in its record.
fn blip(png: &[u8]) -> Vec<u8> {
    let content = [&[7; 16][..], &[0xff], png].concat();
    art(0x6e0 << 4, 0xf01e, &content)
}

fn art(version: u16, kind: u16, content: &[u8]) -> Vec<u8> {
    let head = [&version.to_le_bytes()[..], &kind.to_le_bytes()].concat();
    [&head[..], &(content.len() as u32).to_le_bytes(), content].concat()
}

/// A Word document with one picture in its text and one that floats over it.
pub fn doc(text: &str, inline: &[u8], floating: &[u8]) -> Vec<u8> {
    const TEXT_AT: usize = 0x800;
    let mut main = vec![0xec, 0xa5, 0xc1, 0];
    main.resize(TEXT_AT, 0);
    main[11] = 0x02;
    main[0x1a6] = 21;
    main.extend(text.as_bytes());
    main.extend(blip(floating));
    let place = 0x4000_0000 | (TEXT_AT as u32 * 2);
    let piece = [&[0, 0][..], &place.to_le_bytes(), &[0, 0]].concat();
    let ends = [0, text.len() as u32].map(u32::to_le_bytes).concat();
    let table = [&[2, 16, 0, 0, 0][..], &ends, &piece].concat();
    let mut data = vec![0; 0x44];
    data.extend(blip(inline));
    compound(&[("WordDocument", &main), ("1Table", &table), ("Data", &data)])
}

/// A workbook with one cell and one picture.
pub fn xls(text: &str, picture: &[u8]) -> Vec<u8> {
    const RECORD_MAX: usize = 8224;
    let record = |kind: u16, content: &[u8]| {
        let head = [kind.to_le_bytes(), (content.len() as u16).to_le_bytes()].concat();
        [&head, content].concat()
    };
    let about = [&[6; 36][..], &blip(picture)].concat();
    let store = art(0x1f, 0xf001, &art(0x62, 0xf007, &about));
    let drawn = art(0xf, 0xf000, &store);
    let mut book = record(0x809, &[0, 6, 5, 0, 0, 0, 0, 0]);
    for (at, piece) in drawn.chunks(RECORD_MAX).enumerate() {
        book.extend(record(if at == 0 { 0xeb } else { 0x3c }, piece));
    }
    let len = (text.len() as u16).to_le_bytes();
    book.extend(record(0x204, &[&[0; 6], &len[..], &[0], text.as_bytes()].concat()));
    book.extend(record(0x0a, &[]));
    compound(&[("Workbook", &book)])
}

/// A presentation with one text and one picture.
pub fn ppt(text: &str, picture: &[u8]) -> Vec<u8> {
    let slide = art(0xf, 0x03ee, &art(0, 0x0fa8, text.as_bytes()));
    compound(&[
        ("PowerPoint Document", &slide),
        ("Current User", &[0; 20]),
        ("Pictures", &blip(picture)),
    ])
}

/// A text in RTF with one picture.
pub fn rtf(text: &str, picture: &[u8]) -> Vec<u8> {
    let picture = hex::encode(picture);
    let shown = format!("{{\\*\\shppict{{\\pict\\pngblip{{\\*\\blipuid 07ff}}\n{picture}}}}}");
    format!("{{\\rtf1\\ansi {text}\\par {shown}}}").into_bytes()
}

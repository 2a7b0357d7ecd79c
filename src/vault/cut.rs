//! What of a delivery is not kept as it came: base64, which is kept decoded, and
//! what is large enough to lie for itself, as a part.

use super::recipe::Coding;
use super::recode;
use crate::base::hash::Digest;
use crate::base::limits::{
    DECODED_BYTES_MIN, PART_BYTES_MIN, PART_LITERAL_BYTES_MIN, PARTS_MAX, PIECES_MAX,
};
use crate::mail::delivery::{Delivery, Encoding};

/// A stretch of a delivery that is kept in another way.
#[derive(Clone, Debug)]
pub struct Cut {
    pub start: usize,
    pub end: usize,
    pub coding: Coding,
    /// What it says; none where that is how it stands.
    pub decoded: Option<Vec<u8>>,
    /// Of what it says, where it is to be a part.
    pub part: Option<Digest>,
}

impl Cut {
    /// What it says.
    pub fn bytes<'a>(&'a self, delivery: &'a [u8]) -> &'a [u8] {
        self.decoded.as_deref().unwrap_or(&delivery[self.start..self.end])
    }
}

/// The cuts of a delivery that is at hand as a whole, in order and apart. Parts are
/// among them where records of its class may share.
pub fn cuts(bytes: &[u8], delivery: &Delivery, may_share: bool) -> Vec<Cut> {
    let runs = recode::runs(bytes, DECODED_BYTES_MIN, PIECES_MAX);
    let mut cuts: Vec<Cut> = runs
        .into_iter()
        .map(|run| Cut {
            start: run.start,
            end: run.end,
            coding: Coding::Base64(run.shape),
            decoded: Some(run.decoded),
            part: None,
        })
        .collect();
    if !may_share {
        return cuts;
    }
    let mut parts = 0;
    for cut in &mut cuts {
        if parts < PARTS_MAX && cut.bytes(bytes).len() >= PART_BYTES_MIN {
            cut.part = Some(Digest::of(cut.bytes(bytes)));
            parts += 1;
        }
    }
    for (index, entry) in delivery.entries.iter().enumerate() {
        if parts == PARTS_MAX || entry.place.len < PART_LITERAL_BYTES_MIN {
            continue;
        }
        let Some((start, end)) = literal_place(delivery, index, bytes.len()) else { continue };
        // Each entry comes before what is in it, so the largest are taken.
        let at = cuts.partition_point(|cut| cut.end <= start);
        if cuts.get(at).is_some_and(|next| next.start < end) {
            continue;
        }
        let part = Some(Digest::of(&bytes[start..end]));
        cuts.insert(at, Cut { start, end, coding: Coding::AsIs, decoded: None, part });
        parts += 1;
    }
    cuts
}

/// Where an entry's own bytes stand in the delivery as they are.
fn literal_place(delivery: &Delivery, index: usize, size: usize) -> Option<(usize, usize)> {
    // Its own encoding does not matter: what is shared is how it stands.
    let mut place = delivery.entries.get(index)?.place;
    let (mut start, mut outermost) = (place.offset, index);
    while let Some(within) = place.within {
        let outer = delivery.entries.get(within as usize)?;
        // An entry lies only within one before it, so this ends.
        if outer.place.encoding != Encoding::Identity || within as usize >= outermost {
            return None;
        }
        outermost = within as usize;
        start = start.checked_add(outer.place.offset)?;
        place = outer.place;
    }
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(delivery.entries.get(index)?.place.len).ok()?)?;
    (end <= size).then_some((start, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::delivery;

    fn mail(attachment: &[u8], text: &str) -> Vec<u8> {
        let encoded = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, attachment);
        let lines: Vec<_> =
            encoded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line)).collect();
        format!(
            "Subject: s\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhello\r\n\
             --b\r\nContent-Type: application/x; name=a\r\nContent-Transfer-Encoding: base64\r\n\
             \r\n{}\r\n--b\r\nContent-Type: text/plain; name=t\r\n\r\n{text}\r\n--b--\r\n",
            lines.join("\r\n")
        )
        .into_bytes()
    }

    #[test]
    fn attachments_are_cut_by_their_size_and_only_where_they_may_be_shared() {
        let big = vec![7; PART_BYTES_MIN];
        let text = "word ".repeat(PART_LITERAL_BYTES_MIN as usize / 5 + 1);
        for (attachment, text, parts) in
            [(&big[..], "short", 1), (&big[..600], "short", 0), (&big[..], text.as_str(), 2)]
        {
            let mail = mail(attachment, text);
            let found = delivery::read(&mail);
            let shared = cuts(&mail, &found, true);
            assert_eq!(shared.iter().filter(|cut| cut.part.is_some()).count(), parts);
            let base64 = shared.iter().find(|cut| cut.coding != Coding::AsIs).unwrap();
            assert_eq!(base64.bytes(&mail), attachment);
            let alone = cuts(&mail, &found, false);
            assert_eq!(alone.len(), 1);
            assert_eq!((alone[0].bytes(&mail), alone[0].part), (attachment, None));
        }
        assert!(cuts(&mail(&big[..100], "t"), &delivery::read(b""), true).is_empty());
    }

    #[test]
    fn a_message_without_attachments_is_one_part_within_its_report() {
        let words = "all of these words\r\n".repeat(1000);
        let report = format!(
            "X-MS-Journal-Report:\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\
             Sender: a@example.com\r\nSubject: s\r\nMessage-Id: <1@a>\r\nTo: b@example.com\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\n{words}\r\n--b--\r\n"
        );
        let found = delivery::read(report.as_bytes());
        let cuts = cuts(report.as_bytes(), &found, true);
        let of = |cut: &Cut| report[cut.start..cut.end].to_owned();
        assert_eq!(cuts.iter().map(of).collect::<Vec<_>>(), [format!("Subject: s\r\n\r\n{words}")]);
    }
}

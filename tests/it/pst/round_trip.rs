//! Real mail through the writer and back through four readers.

use std::path::Path;

use super::fields::{Attached, Mail, More, Seen, assert_search_keys, assert_short_names, compare};
use super::{assert_sound, outlook_pst, pffexport, pst_extractor, readpst, samples};

fn round_trip(parts: &[&str]) {
    let mail = samples::mail(parts);
    if mail.is_empty() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("mail.pst");
    let written = samples::write(&mail, &file);
    eprintln!("{} messages of {parts:?}", mail.len());
    assert_sound(&file);
    compare_all(&file, &written);
}

/// What each reader sees in the file, beside what was written.
pub fn compare_all(file: &Path, written: &Seen) {
    compare_with(file, written, &readpst_view);
}

/// With a view of one's own of what `readpst` does not show.
pub fn compare_with(file: &Path, written: &Seen, readpst_view: &dyn Fn(&mut Mail)) {
    let seen = outlook_pst::read(file);
    assert_search_keys(&seen);
    assert_short_names(&seen);
    compare("outlook-pst", written, &seen, &outlook_pst_view);
    if let Some(seen) = pst_extractor::read(file) {
        compare("pst-extractor", written, &seen, &pst_extractor_view);
    }
    if let Some(seen) = pffexport::read(file) {
        compare("pffexport", written, &seen, &pffexport_view);
    }
    if let Some(seen) = readpst::read(file) {
        compare("readpst", written, &seen, readpst_view);
    }
}

#[test]
fn hard_cases_come_out_of_every_reader() {
    round_trip(&["mime", "crypto", "journal", "reports"]);
}

#[test]
fn bulk_comes_out_of_every_reader() {
    round_trip(&["bulk"]);
}

/// It fails on embedded messages, in Outlook's own files too, and takes an empty
/// value for none: both are seen through the other readers.
fn outlook_pst_view(mail: &mut Mail) {
    without_time_of_writing(mail);
    mail.more.search_key.clear();
    let unseen = |one: &&mut Attached| one.nested.is_some() || one.size == 0;
    for one in mail.attachments.iter_mut().filter(unseen) {
        *one = Attached::default();
    }
    mail.attachments.iter_mut().for_each(|one| one.short_name.clear());
}

/// Which stands in where a message has no date.
fn without_time_of_writing(mail: &mut Mail) {
    if mail.received.is_none() {
        mail.more.made = [None; 2];
    }
}

/// It sees no cell of a recipient that is too large for the heap of its table,
/// which only stress tests have. Named properties are not asked of it.
fn pst_extractor_view(mail: &mut Mail) {
    without_time_of_writing(mail);
    mail.structure.clear();
    mail.more.content_type.clear();
    // Neither are other binary values than the entries of senders.
    mail.more.reply_to.clear();
    mail.more.thread_index.clear();
    mail.more.address_keys.clear();
    mail.more.recipient_entries.clear();
    mail.more.ascii_names.clear();
    mail.attachments.iter_mut().for_each(|one| one.short_name.clear());
    for nested in mail.attachments.iter_mut().filter_map(|one| one.nested.as_deref_mut()) {
        pst_extractor_view(nested);
    }
    const HEAP_BYTES_MAX: usize = 3580;
    for one in &mut mail.recipients {
        let bytes = 2 * one.encode_utf16().count();
        if bytes > HEAP_BYTES_MAX {
            one.truncate(one.find(' ').unwrap_or(0));
            one.push_str("  <>");
        }
    }
}

/// It prints names of folders and files with characters replaced, subjects and
/// names in one line, times as text, and no named properties.
fn pffexport_view(mail: &mut Mail) {
    mail.structure.clear();
    mail.more = More::default();
    // Version 20180714 misreads surrogate pairs, and drops a byte order mark.
    for text in [&mut mail.subject, &mut mail.text, &mut mail.headers, &mut mail.from_name] {
        *text = text.replace('\u{FEFF}', "").replace(|c| c > '\u{FFFF}', "*");
    }
    for one in &mut mail.recipients {
        *one = one.replace(|c| c > '\u{FFFF}', "*");
    }
    // What is read from a line has no ends.
    let blank = |c: char| c.is_whitespace() || c.is_control();
    mail.subject = mail.subject.trim_matches(blank).to_owned();
    mail.from_name = mail.from_name.trim_matches(blank).to_owned();
    mail.sent = None;
    mail.received = None;
    mail.message_id.clear();
    for one in &mut mail.attachments {
        one.media_type.clear();
        one.extension.clear();
        one.name = match &mut one.nested {
            Some(nested) => {
                pffexport_view(nested);
                String::new()
            }
            None => one.name.chars().filter(char::is_ascii_alphanumeric).collect(),
        };
    }
}

/// It writes mail anew, so headers, bodies and times are as it makes them.
pub fn readpst_view(mail: &mut Mail) {
    mail.headers.clear();
    mail.structure.clear();
    mail.more = More::default();
    // It takes headers over only where the first is one that it knows; else it
    // writes its own, and they have no `Received:`.
    mail.received = None;
    // It invents a sender where there is none.
    if mail.from_address == "MAILER-DAEMON" || mail.from_address.is_empty() {
        mail.from_name.clear();
        mail.from_address.clear();
    }
    // Where the header is out of form it has the names alone.
    for one in &mut mail.recipients {
        one.truncate(one.find(" <").unwrap_or(one.len()));
    }
    // It takes the charset of HTML from a META tag, not from the code page, and
    // without one from elsewhere.
    if !mail.html.to_lowercase().contains("charset=") && !mail.html.is_ascii() {
        mail.html.clear();
    }
    for nested in mail.attachments.iter_mut().filter_map(|one| one.nested.as_deref_mut()) {
        readpst_view(nested);
    }
    // It leaves brackets and quotes in a name uncoded, where a comment begins and a
    // language ends (RFC 2231 sections 4 and 7), and blanks at its end.
    for one in &mut mail.attachments {
        one.media_type.clear();
        one.extension.clear();
        let coded = one.name.rsplit('\'').next().unwrap_or_default();
        one.name = coded[..coded.find('(').unwrap_or(coded.len())].trim_end().to_owned();
    }
    // It writes no attachment without bytes.
    mail.attachments.retain(|one| one.size > 0 || one.nested.is_some());
    // Attachments come in an order of its own; those that are messages without name.
    for one in mail.attachments.iter_mut().filter(|one| one.nested.is_some()) {
        one.name.clear();
    }
    let key = |one: &Attached| {
        let inner = one.nested.as_ref().map(|nested| (&nested.subject, &nested.text));
        format!("{} {} {inner:?}", one.sha256, one.name)
    };
    mail.attachments.sort_by_key(key);
    // Line ends are its own, where a carriage return is alone it is gone, and an empty text runs into its boundary.
    for text in [&mut mail.text, &mut mail.html] {
        let own = text.split("----boundary-LibPST").next().unwrap_or_default();
        *text = own.replace('\r', "").trim_end().to_owned();
    }
}

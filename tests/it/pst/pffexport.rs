//! libpff's `pffexport`: folders and files.

use std::fs;
use std::path::Path;
use std::process::Command;

use muniment::base::hash::Digest;

use super::fields::{Attached, Mail, Seen};
use super::has;

pub fn read(file: &Path) -> Option<Seen> {
    if !has("pffexport") {
        return None;
    }
    let target = file.with_extension("pff");
    let mut command = Command::new("pffexport");
    let output = command.args(["-q", "-f", "all", "-t"]).arg(&target).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let mut seen = Seen::new();
    let top = target.with_extension("pff.export").join("Top of Outlook data file");
    for folder in fs::read_dir(&top).unwrap().map(Result::unwrap) {
        let mut messages: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        messages.sort();
        let name = folder.file_name().into_string().unwrap();
        let mails: Vec<Mail> = messages.iter().map(|path| mail(path)).collect();
        if !mails.is_empty() {
            seen.insert(name, mails);
        }
    }
    Some(seen)
}

fn mail(path: &Path) -> Mail {
    let text = |name: &str| {
        fs::read(path.join(name))
            .map(|b| String::from_utf8_lossy(&b).into_owned())
            .unwrap_or_default()
    };
    let outlook = text("OutlookHeaders.txt");
    let field = |name: &str| {
        let line = outlook.lines().find_map(|line| line.strip_prefix(name));
        line.map(|rest| rest.trim().to_owned()).unwrap_or_default()
    };
    let mut mail = Mail {
        subject: field("Subject:"),
        from_name: field("Sent representing name:"),
        from_address: field("Sent representing email address:"),
        recipients: recipients(&text("Recipients.txt")),
        text: text("Message.txt"),
        html: text("Message.html"),
        headers: text("InternetHeaders.txt"),
        ..Mail::default()
    };
    let Ok(entries) = fs::read_dir(path.join("Attachments")) else { return mail };
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort_by_key(|path| number(path));
    for entry in entries {
        let name = entry.file_name().unwrap().to_string_lossy().into_owned();
        let name = name.split_once('_').map_or(name.as_str(), |(_, name)| name).to_owned();
        mail.attachments.push(if entry.is_dir() {
            let inner = fs::read_dir(&entry).unwrap().next().unwrap().unwrap().path();
            Attached { name, nested: Some(Box::new(self::mail(&inner))), ..Attached::default() }
        } else {
            let bytes = fs::read(&entry).unwrap();
            let sha256 = Digest::of(&bytes).to_string();
            Attached { name, size: bytes.len() as u64, sha256, ..Attached::default() }
        });
    }
    mail
}

/// `3_name.bin` or `Attachment00003`.
fn number(path: &Path) -> u32 {
    let name = path.file_name().unwrap().to_string_lossy();
    let digits = name.strip_prefix("Attachment").unwrap_or(&name);
    digits.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

fn recipients(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let (mut name, mut address) = (String::new(), String::new());
    for line in text.lines() {
        let value = line.split_once(':').map_or("", |(_, value)| value).trim().to_owned();
        if line.starts_with("Display name:") {
            name = value;
        } else if line.starts_with("Email address:") {
            address = value;
        } else if line.starts_with("Recipient type:") {
            let kind = value.to_lowercase();
            out.push(format!("{kind} {name} <{address}>"));
            (name, address) = (String::new(), String::new());
        }
    }
    out
}

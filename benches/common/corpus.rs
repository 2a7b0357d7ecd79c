//! The corpus's documents as mail, and what format each is of.

use std::path::{Path, PathBuf};

use base64::Engine;
use bytes::Bytes;

/// All files below a folder, in order.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("read the corpus") {
            let path = entry.expect("read the corpus").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// A message that has the file attached and says nothing else.
pub fn attached(path: &Path, content: &[u8]) -> Bytes {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let encoded = base64::engine::general_purpose::STANDARD.encode(content);
    Bytes::from(format!(
        "Content-Type: multipart/mixed; boundary=x\r\n\r\n\
         --x\r\nContent-Type: application/octet-stream; name=\"{name}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{encoded}\r\n--x--\r\n"
    ))
}

/// What a file is counted as: its name's extension, those that are one format together.
pub fn format(path: &Path) -> String {
    let extension = path.extension().map(|it| it.to_string_lossy().to_lowercase());
    match extension.as_deref().unwrap_or_default() {
        "docm" => "docx".into(),
        "xlsm" => "xlsx".into(),
        "pptm" => "pptx".into(),
        "gz" | "bz2" | "tar" | "7z" | "zip" => "archives".into(),
        "jpg" | "png" | "gif" | "tif" | "tiff" | "webp" => "pictures".into(),
        "one" | "pages" | "hwp" | "rar" | "chm" | "epub" | "xps" | "vsdx" => "others".into(),
        known => known.to_owned(),
    }
}

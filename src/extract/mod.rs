//! What a message says: headers, text, attachments. Runs inside a worker child.

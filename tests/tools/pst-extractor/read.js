// Prints each message of a PST as a line of JSON: [folder, fields]. A message
// within another is a line of its own before it, [null, fields].
const { PSTFile } = require('pst-extractor');
const { createHash } = require('node:crypto');
const { readFileSync, statSync, writeSync } = require('node:fs');
const Long = require('long');

const KINDS = { 1: 'to', 2: 'cc', 3: 'bcc' };
const seconds = (date) => (date ? Math.floor(date.getTime() / 1000) : null);

function fields(message) {
  const recipients = [];
  keepRows(message);
  for (let at = 0; at < message.numberOfRecipients; at++) {
    const one = message.getRecipient(at);
    recipients.push(`${KINDS[one.recipientType]} ${one.displayName} <${one.emailAddress}>`);
  }
  const attachments = [];
  for (let at = 0; at < message.numberOfAttachments; at++) {
    const one = message.getAttachment(at);
    // Version 1.12.0 forgets to say which node the attachment is of, and then
    // finds no embedded message, in Outlook's own files too.
    one.descriptorIndexNode ??= message.descriptorIndexNode;
    attachments.push(attached(one));
  }
  return {
    subject: message.subject,
    from_name: message.sentRepresentingName,
    from_address: message.sentRepresentingEmailAddress,
    recipients,
    sent: seconds(message.clientSubmitTime),
    received: seconds(message.messageDeliveryTime),
    text: message.body,
    html: message.bodyHTML,
    headers: message.transportMessageHeaders,
    message_id: message.internetMessageId,
    attachments,
    more: {
      class: message.messageClass,
      importance: message.importance,
      priority: message.priority | 0,
      sensitivity: message.sensitivity,
      has_attachments: message.getBooleanItem(0x0e1b),
      sender: [message.senderName, message.senderEmailAddress],
      reply_names: message.replyRecipientNames,
      references: message.getStringItem(0x1039),
      in_reply_to: message.inReplyToId,
      topic: message.conversationTopic,
      native_body: message.getIntItem(0x1016),
      code_page: message.getIntItem(0x3fde),
      made: [0x3007, 0x3008].map((id) => seconds(message.getDateItem(id))),
      smtp_addresses: [0x5d01, 0x5d02].map((id) => message.getStringItem(id)),
      sender_entries: [0x0c19, 0x0041]
        .map((id) => message.getBinaryItem(id))
        .filter((bytes) => bytes)
        .map((bytes) => [...bytes]),
    },
  };
}

// Version 1.12.0 reads the whole table again, twice, for each recipient.
function keepRows(message) {
  if (message.numberOfRecipients === 0) return;
  const rows = message.recipientTable.getItems();
  message.recipientTable.getItems = () => rows;
}

function attached(one) {
  const found = content(one);
  return { ...found, extension: one.getStringItem(0x3703), name: one.longFilename, media_type: one.mimeTag };
}

function content(one) {
  const nested = one.embeddedPSTMessage;
  if (nested) {
    print(null, nested);
    return { nested: {} };
  }
  const stream = one.fileInputStream;
  const bytes = Buffer.alloc(stream ? stream.length.toNumber() : 0);
  if (bytes.length > 0) stream.readCompletely(bytes);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { size: bytes.length, sha256 };
}

function print(folder, message) {
  writeSync(1, JSON.stringify([folder, fields(message)]) + '\n');
}

function walk(folder, path) {
  if (folder.contentCount > 0) {
    for (let child = folder.getNextChild(); child; child = folder.getNextChild()) {
      print(path, child);
    }
  }
  let children = [];
  try {
    children = folder.getSubFolders();
  } catch {
    // It throws on the search folder that every store has.
  }
  for (const child of children) {
    walk(child, path === null ? '' : path === '' ? child.displayName : `${path}/${child.displayName}`);
  }
}

// The top that Outlook shows, 0x8022: the root holds the search folder on which
// it throws.
//
// It reads in pieces of a few bytes: out of memory, where the file fits there.
const path = process.argv[2];
const BUFFER_BYTES_MAX = 1 << 30;
const file = new PSTFile(statSync(path).size > BUFFER_BYTES_MAX ? path : readFileSync(path));
const { PSTFolder } = require('pst-extractor');
walk(new PSTFolder(file, file.getDescriptorIndexNode(Long.fromNumber(0x8022))), '');

"""Prints what Python's email package reads of each message, a line of JSON each.
Messages come on the standard input, each after a line with its length in bytes.
"""
import email, email.policy, email.utils, hashlib, json, re, sys
from email.header import decode_header

POLICY = email.policy.compat32


def decoded(value):
    """A field's text with its encoded words read; none where it is not ASCII."""
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isascii():
        return None
    out = []
    for text, charset in decode_header(str(value)):
        if isinstance(text, bytes):
            text = text.decode(charset or "latin-1", "replace")
        out.append(text)
    return "".join(out)


# A date as RFC 5322 has it: of others it makes what it can.
DATE = re.compile(r"\s*(\w+,)?\s*\d+\s+\w+\s+[12]\d{3}\s+\d\d?:\d\d(:\d\d)?\s+[+-]\d{4}\b")


def seconds(value):
    date = email.utils.parsedate_tz(value) if DATE.match(str(value)) else None
    return email.utils.mktime_tz(date) if date else None


def leaf(part):
    """A part that is no container: its bytes, and its text where it is one."""
    # It knows no encoding that blanks follow.
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding:
        part.replace_header("Content-Transfer-Encoding", encoding)
    content = part.get_payload(decode=True)
    # It takes a delivery status apart, and has no bytes of it; it decodes what was
    # never an encoding of MIME.
    is_apart = content is None or "uue" in encoding or "yenc" in encoding
    content = content or b""
    kind = part.get_content_type()
    found = {
        "kind": kind,
        "name": part.get_filename(),
        "is_attached": part.get_content_disposition() == "attachment",
        "sha256": None if is_apart else hashlib.sha256(content).hexdigest(),
        "defects": [type(defect).__name__ for defect in part.defects],
    }
    if kind in ("text/plain", "text/html"):
        try:
            found["text"] = content.decode(part.get_content_charset() or "utf-8")
        except (LookupError, UnicodeError):
            found["text"] = None
        # Browsers and we take Latin-1 as Windows-1252.
        if re.search("[\x80-\x9f]", found["text"] or ""):
            found["text"] = None
    return found


def content(raw):
    """What follows the header of an entity."""
    if raw is None or raw.startswith((b"\n", b"\r\n")):
        return raw and raw.split(b"\n", 1)[1]
    end = re.search(rb"\n\r?\n", raw)
    return raw[end.end():] if end else None


def pieces(part, raw):
    """The source of each part of a multipart (RFC 2046 section 5.1.1); it keeps
    none itself."""
    count = len(part.get_payload())
    body, boundary = content(raw), part.get_boundary()
    if body is None or not boundary:
        return [None] * count
    line = rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(?:--)?[ \t]*(?=\r?\n|\Z)"
    ends = list(re.finditer(line, body))
    found = [body[a.end():b.start()].split(b"\n", 1)[-1] for a, b in zip(ends, ends[1:])]
    return found if len(found) == count else [None] * count


def parts(part, raw, is_within=False, is_root=False):
    """Leaves in their order, a signed part before what is in it; what is in a
    message within is the message's own."""
    if part.get_content_type() in ("message/rfc822", "message/global"):
        inner = part.get_payload()
        if isinstance(inner, list) and len(inner) == 1:
            nested = fields(inner[0], content(raw))
            return [{"kind": "message", "nested": nested, "defects": []}]
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        is_signed = part.get_content_type() == "multipart/signed"
        sources = pieces(part, raw)
        is_inside = is_within or is_signed
        below = [parts(one, raw, is_inside) for one, raw in zip(part.get_payload(), sources)]
        defects = [type(defect).__name__ for defect in part.defects]
        found = [one for some in below for one in some]
        if is_signed and not (is_within or is_root):
            whole = raw is not None and hashlib.sha256(raw).hexdigest()
            entry = {"kind": "multipart/signed", "name": "signed", "defects": []}
            found.insert(0, entry | {"sha256": whole or None})
        for one in found:
            one["defects"] = one["defects"] + defects
        return found
    return [leaf(part)]


def people(message, name):
    """Addresses; none where one is none."""
    written = message.get_all(name, [])
    if not all(isinstance(one, str) and one.isascii() for one in written):
        return None
    all_of_them = [address for _, address in email.utils.getaddresses(written)]
    is_whole = all(one.count("@") == 1 and "=?" not in one for one in all_of_them)
    return all_of_them if is_whole else None


def fields(message, raw):
    body = content(raw) if message.get_content_type() == "multipart/signed" else None
    return {
        "subject": decoded(message["Subject"]),
        "message_id": decoded(message["Message-ID"]),
        "sent": seconds(message["Date"]),
        "from": people(message, "From"),
        "to": people(message, "To"),
        "cc": people(message, "Cc"),
        "class": message.get_content_type(),
        "parts": parts(message, raw, is_root=True),
        "signed_size": body and len(body),
        "signed_sha256": body and hashlib.sha256(body).hexdigest(),
        "defects": [type(defect).__name__ for defect in message.defects],
    }


source = sys.stdin.buffer
while line := source.readline():
    raw = source.read(int(line))
    try:
        read = fields(email.message_from_bytes(raw, policy=POLICY), raw)
    except Exception as error:
        read = {"failed": repr(error)}
    sys.stdout.write(json.dumps(read) + "\n")

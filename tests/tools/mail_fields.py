"""Prints what Python's email package reads of each message, a line of JSON each.
Messages come on the standard input, each after a line with its length in bytes.
"""
import base64, binascii, email, email.message, email.policy, email.utils, hashlib, json, re, sys
from email.header import decode_header

class Mail(email.message.EmailMessage):
    """Which part is the text is asked of this class, and all else of the older one."""

    def is_attachment(self):
        return self.get_content_disposition() == "attachment"


POLICY = email.policy.compat32.clone(message_factory=Mail)


def decoded(value):
    """A field's text with its encoded words read; none where it is not ASCII."""
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isascii():
        return None
    out = []
    # Of folds it makes what it likes; only their line ends are no text (RFC 5322 2.2.3).
    for text, charset in decode_header(re.sub(r"\r?\n", "", str(value))):
        if isinstance(text, bytes):
            text = text.decode(charset or "latin-1", "replace")
        out.append(text)
    return "".join(out)


# A date as RFC 5322 has it: of others it makes what it can.
DATE = re.compile(r"\s*(\w+,)?\s*\d+\s+\w+\s+[12]\d{3}\s+\d\d?:\d\d(:\d\d)?\s+[+-]\d{4}\b")


def seconds(value):
    date = email.utils.parsedate_tz(value) if DATE.match(str(value)) else None
    return email.utils.mktime_tz(date) if date else None


def texts(message):
    """The first part that its rule has for the text, and its other forms."""
    kinds = ("plain", "html", "enriched")
    of = lambda part: [one for one in (part.get_body((kind,)) for kind in kinds) if one is not None]
    found = {id(one) for one in of(message)}
    first = next((part for part in message.walk() if id(part) in found), None)
    for part in message.walk():
        if part.get_content_type() == "multipart/alternative" and part.is_multipart():
            forms = of(part)
            if any(one is first for one in forms):
                return forms
    return [first]


def leaf(part, texts):
    """A part that is no container: its bytes, and its text where it is one."""
    # It knows no encoding that blanks follow.
    encoding = str(part.get("Content-Transfer-Encoding", "")).strip().lower()
    if encoding:
        part.replace_header("Content-Transfer-Encoding", encoding)
    content = part.get_payload(decode=True)
    # It takes a delivery status apart, and has no bytes of it.
    is_apart = content is None or "yenc" in encoding
    content = content or b""
    kind, name = part.get_content_type(), part.get_filename()
    found = {
        "kind": kind,
        "name": name and decoded(re.sub(r"\r?\n\s*", " ", name)),
        "is_attached": part.get_content_disposition() == "attachment",
        "is_text": any(part is one for one in texts),
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


def related_root(part):
    """The part that the others are there for (RFC 2387 sections 3.2 and 3.4)."""
    bare = lambda value: str(value or "").strip().strip("<>")
    start, of = bare(part.get_param("start")), part.get_payload()
    return next((one for one in of if start and bare(one.get("Content-ID")) == start), of[0])


def parts(part, raw, texts, is_within=False, is_root=False):
    """Leaves in their order, a signed part before what is in it; what is in a
    message within is the message's own."""
    if part.get_content_type() in ("message/rfc822", "message/global"):
        inner = part.get_payload()
        if isinstance(inner, list) and len(inner) == 1:
            nested = fields(inner[0], content(raw))
            return [{"kind": part.get_content_type(), "nested": nested, "defects": []}]
    if part.is_multipart() and part.get_content_maintype() == "multipart":
        is_signed = part.get_content_type() == "multipart/signed"
        sources = pieces(part, raw)
        is_inside = is_within or is_signed
        pairs = zip(part.get_payload(), sources)
        below = [parts(one, raw, texts, is_inside) for one, raw in pairs]
        if part.get_content_subtype() == "related" and part.get_payload():
            shown = related_root(part)
            for one, leaves in zip(part.get_payload(), below):
                if one is not shown:
                    for leaf_within in leaves:
                        leaf_within["is_beside"] = True
        defects = [type(defect).__name__ for defect in part.defects]
        found = [one for some in below for one in some]
        if is_signed and not (is_within or is_root):
            whole = raw is not None and hashlib.sha256(raw).hexdigest()
            entry = {"kind": "multipart/signed", "name": "signed", "defects": []}
            found.insert(0, entry | {"sha256": whole or None})
        for one in found:
            one["defects"] = one["defects"] + defects
        return found
    return [leaf(part, texts)]


def importance(message):
    """As PidTagImportance counts (MS-OXCMAIL 2.2.3.2.5)."""
    for name, high, low in (
        ("Importance", ("high",), ("low",)),
        ("Priority", ("urgent",), ("non-urgent",)),
        ("X-Priority", ("1", "2"), ("4", "5")),
        ("X-MSMail-Priority", ("high",), ("low",)),
    ):
        value = str(message.get(name, "")).strip().lower()
        if value:
            value = value[0] if name == "X-Priority" else value
            return 2 if value in high else 0 if value in low else 1
    return 1


def sensitivity(message):
    """As PidTagSensitivity counts (RFC 2156 section 5.3.4)."""
    known = ["", "personal", "private", "company-confidential"]
    value = str(message.get("Sensitivity", "")).strip().lower()
    return known.index(value) if value in known else 0


def message_class(message):
    """MS-OXOSMIME 2.1: what is signed or encrypted."""
    kind, name = message.get_content_type(), message.get_filename() or ""
    if kind == "multipart/signed":
        return "IPM.Note.SMIME.MultipartSigned"
    is_named = kind == "application/octet-stream" and name.lower().endswith(".p7m")
    is_typed = kind in ("application/pkcs7-mime", "application/x-pkcs7-mime")
    return "IPM.Note.SMIME" if is_named or is_typed else ""


def thread_index(message):
    """What a header of 22 bytes and blocks of five are; none where it is no base64."""
    try:
        index = base64.b64decode(str(message.get("Thread-Index", "")))
    except binascii.Error:
        return None
    return index.hex() if len(index) >= 22 and len(index) % 5 == 2 else ""


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
        "bcc": people(message, "Bcc"),
        "sender": people(message, "Sender"),
        "reply_to": people(message, "Reply-To"),
        "references": decoded(message["References"]),
        "in_reply_to": decoded(message["In-Reply-To"]),
        "topic": decoded(message["Thread-Topic"]),
        "thread_index": thread_index(message),
        "importance": importance(message),
        "sensitivity": sensitivity(message),
        "message_class": message_class(message),
        "class": message.get_content_type(),
        "parts": parts(message, raw, texts(message), is_root=True),
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

"""The messages and attachments of a delivery: where they lie, and how they decode."""

import base64
import re

from wire import Fault, same, sha256

SPACE_RUN_MAX = 1024
ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
FOREIGN = bytes(set(range(256)) - set(ALPHABET) - {ord("=")})
QUOTED = re.compile(
    rb"=([0-9A-Fa-f]{2})|=[ \t]{0,%d}(?:\r?\n|\Z)|([ \t]+)" % SPACE_RUN_MAX
)
LINE_END = re.compile(rb"\r?\n|\Z")


def from_base64(data):
    out = []
    for run in data.translate(None, FOREIGN).split(b"="):
        left = len(run) % 4
        whole = run[: len(run) - left]
        out.append(base64.b64decode(whole))
        if left > 1:
            last = base64.b64decode(run[len(whole) :] + b"A" * (4 - left))
            out.append(last[: left - 1])
    return b"".join(out)


def from_quoted_printable(data):
    def one(match):
        if match[1]:
            return bytes([int(match[1], 16)])
        if match[2]:
            is_dropped = len(match[2]) <= SPACE_RUN_MAX and LINE_END.match(data, match.end())
            return b"" if is_dropped else match[2]
        return b""

    return QUOTED.sub(one, data)


DECODERS = {
    "identity": bytes,
    "base64": from_base64,
    "quoted-printable": from_quoted_printable,
}


def check_entries(delivery, entries):
    """Each entry's content, decoded from its place, has the size and hash that it says."""
    decoded = []
    for index, entry in enumerate(entries):
        place = entry["place"]
        if place["within"] is None:
            held = delivery
        elif place["within"] < index:
            held = decoded[place["within"]]
        else:
            raise Fault(f"entry {index} is within one that does not come before it")
        end = place["offset"] + place["len"]
        if place["offset"] < 0 or place["len"] < 0 or end > len(held):
            raise Fault(f"entry {index} is outside of what holds it")
        content = DECODERS[place["encoding"]](held[place["offset"] : end])
        same(f"the size of entry {index}", len(content), entry["size"])
        same(f"the hash of entry {index}", sha256(content).hex(), entry["sha256"])
        decoded.append(content)

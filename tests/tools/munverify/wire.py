"""Bytes as src/vault/FORMAT.md writes them: big-endian integers, texts with a length."""

import hashlib
import struct


class Fault(Exception):
    """Something is not as the format says it is."""


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


class Blocked(Exception):
    """It cannot be checked, since something else is faulty that was named already."""


class Cut:
    """Takes fields off the front of an object; every field is checked to be there."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, count):
        end = self.at + count
        if count < 0 or end > len(self.data):
            raise Fault(f"{self.what} ends early")
        taken, self.at = bytes(self.data[self.at : end]), end
        return taken

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def u8(self):
        return self.number(">B")

    def u16(self):
        return self.number(">H")

    def u32(self):
        return self.number(">I")

    def u64(self):
        return self.number(">Q")

    def i64(self):
        return self.number(">q")

    def text(self):
        try:
            return self.take(self.u8()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise Fault(f"{self.what} has a text that is not UTF-8") from error

    def magic(self, word, version=1):
        found = self.take(8)
        if found[:6] != word:
            raise Fault(f"{self.what} does not begin with {word.decode()}")
        if found[6:] != struct.pack(">H", version):
            raise Fault(f"{self.what} is of version {found[6:].hex()}, which is not known here")

    def rest(self):
        return self.take(len(self.data) - self.at)

    def before(self):
        """All that was taken so far: mostly what a seal is bound to."""
        return bytes(self.data[: self.at])

    def end(self):
        if self.at != len(self.data):
            raise Fault(f"{self.what} has {len(self.data) - self.at} bytes too many")


def same(what, found, expected):
    if found != expected:
        show = lambda it: it.hex() if isinstance(it, bytes) else repr(it)
        raise Fault(f"{what} is {show(found)}, and should be {show(expected)}")

"""The master key file and what it opens: the log's seed and the epochs' keys."""

import re

from crypto import hkdf, unwrap
from wire import Cut, Fault, same, sha256

KEY = 32
WRAPPED = 60
WRAPPED_AGAIN = 88


class MasterKey:
    def __init__(self, path):
        self.path = path
        lines = [line for line in path.read_text().splitlines() if line[:1] not in ("", "#")]
        match = re.fullmatch("muniment-master-key-v1 ([0-9a-f]{64}) ([0-9a-f]{8})", lines[0].strip())
        if len(lines) != 1 or not match:
            raise Fault(f"{path} is no master key file")
        self.key = bytes.fromhex(match[1])
        check = sha256(b"muniment master key check v1", self.key)[:4]
        same(f"the check of {path}", match[2], check.hex())
        self.id = hkdf(self.key, None, b"muniment master key id v1")[:8]


class ArchiveKeys:
    """One object of `keyring/archive`."""

    def __init__(self, data, number):
        cut = Cut(data, "the archive's keys")
        cut.magic(b"MUNARC")
        self.archive, self.created = cut.take(16), cut.i64()
        self.bound, self.master = cut.before(), cut.take(8)
        self.wrapped = cut.take(WRAPPED)
        self.number, self.all_before = number, cut.before()
        self.handover = None if number == 1 else cut.take(WRAPPED)
        cut.end()

    def seed(self, master):
        return unwrap(master.key, self.wrapped, self.bound, "the log's seed")

    def handed_over(self, before):
        """The seed as the master before gave it on."""
        bound = self.number.to_bytes(4, "big") + self.all_before
        return unwrap(before.key, self.handover, bound, "the handover")


class EpochKey:
    """One object of `keyring/epoch`."""

    def __init__(self, data, label, epoch, number):
        cut = Cut(data, "the epoch's key")
        cut.magic(b"MUNEPO")
        self.archive = cut.take(16)
        same("the class of the epoch's key", cut.text(), label)
        same("the epoch of the epoch's key", cut.text(), epoch)
        self.bound, self.master = cut.before(), cut.take(8)
        self.number, self.data = number, data
        self.wrapped = cut.take(WRAPPED if number == 1 else WRAPPED_AGAIN)
        cut.end()

    def open(self, master, first):
        """`first` is the bytes of number 1, without which no later one opens."""
        wrapped = self.wrapped
        if self.number > 1:
            again = hkdf(sha256(first), None, b"muniment epoch key again v1")
            wrapped = unwrap(again, wrapped, self.bound, "the epoch's key, wrapped again,")
        return unwrap(master.key, wrapped, self.bound, "the epoch's key")

"""Entries of the log, and the salted commitments that they bind."""

import re

import merkle
from crypto import mac
from wire import Cut, Fault

DELIVERY, EVENT, SEAL = 1, 2, 3
ROLES = {"delivery": 0, "message": 1, "attachment": 2, "statement": 3}
NAME = re.compile(r"[a-z0-9.-]{1,32}")


class Leaf:
    """What an entry says. A new kind is a branch of `__init__`."""

    def __init__(self, data):
        self.data, self.hash = bytes(data), merkle.leaf_hash(data)
        cut = Cut(data, "the leaf")
        if cut.u8() != 1:
            raise Fault(f"the leaf is of format {data[0]}, which is not known here")
        self.kind = cut.u8()
        if self.kind == DELIVERY:
            self.record, self.at, self.label = cut.take(16), cut.i64(), name(cut)
            self.ciphertext, self.count, self.root = cut.take(32), cut.u32(), cut.take(32)
            if self.count == 0:
                raise Fault("the leaf has no commitment")
        elif self.kind == EVENT:
            self.at, self.label = cut.i64(), name(cut)
            self.object, self.commitment = cut.take(32), cut.take(32)
        elif self.kind == SEAL:
            self.at, self.rows, self.label = cut.i64(), cut.u32(), "seal"
            self.object, self.commitment = cut.take(32), cut.take(32)
        else:
            raise Fault(f"the leaf is of kind {self.kind}, which is not known here")
        cut.end()


def name(cut):
    text = cut.text()
    if not NAME.fullmatch(text):
        raise Fault(f"{cut.what} has {text!r} for a name")
    return text


def commitment(salt, role, size, sha256):
    return mac(salt, b"muniment commitment v1\n", bytes([role]), size.to_bytes(8, "big"), sha256)


def commitment_root(commitments):
    return merkle.root([merkle.leaf_hash(each) for each in commitments])

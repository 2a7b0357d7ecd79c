"""Signed notes and checkpoints (c2sp.org/signed-note, c2sp.org/tlog-checkpoint)."""

import base64
import binascii
import re

from crypto import ed25519_public, ed25519_verify
from wire import Fault, sha256

ED25519 = b"\1"


class LogKey:
    """The log's public key, with the name that it signs under."""

    def __init__(self, name, public):
        self.name, self.public = name, public
        self.id = sha256(name.encode(), b"\n", ED25519, public)[:4]

    @classmethod
    def of_seed(cls, name, seed):
        return cls(name, ed25519_public(seed))

    @classmethod
    def parse(cls, text):
        """`name+id+base64(type and key)`."""
        fields = text.strip().split("+", 2)
        if len(fields) != 3:
            raise Fault("the log's public key does not read name+id+base64")
        key = unbase64(fields[2], "the log's public key")
        if key[:1] != ED25519 or len(key) != 33:
            raise Fault("the log's public key is not one of Ed25519")
        parsed = cls(fields[0], key[1:])
        if parsed.id.hex() != fields[1]:
            raise Fault("the id of the log's public key does not fit its name and key")
        return parsed

    def __str__(self):
        return f"{self.name}+{self.id.hex()}+{base64.b64encode(ED25519 + self.public).decode()}"


def unbase64(text, what):
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(f"{what} is not base64") from error


def open_note(data, key, what):
    """The text of a note that `key` signed; a signature by it that fails is a fault."""
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"{what} is not UTF-8") from error
    text, found, signatures = whole.rpartition("\n\n")
    if not found or not signatures.endswith("\n"):
        raise Fault(f"{what} is no signed note")
    text += "\n"
    if any(ord(c) < 32 and c != "\n" for c in text):
        raise Fault(f"{what} has control characters")
    signed = False
    for line in signatures[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)", line)
        if not match:
            raise Fault(f"{what} has a line that is no signature")
        signature = unbase64(match[2], f"a signature of {what}")
        if match[1] == key.name and signature[:4] == key.id:
            if not ed25519_verify(key.public, signature[4:], text.encode()):
                raise Fault(f"the log's signature of {what} does not fit")
            signed = True
    if not signed:
        raise Fault(f"{what} is not signed by the log's key {key.name}+{key.id.hex()}")
    return text


class Checkpoint:
    """The head of the log at one size."""

    def __init__(self, data, key, what):
        lines = open_note(data, key, what).split("\n")
        if len(lines) < 4 or "" in lines[:-1]:
            raise Fault(f"{what} has too few lines, or an empty one")
        if lines[0] != key.name:
            raise Fault(f"{what} is of the log {lines[0]}, not of {key.name}")
        if not re.fullmatch("0|[1-9][0-9]{0,19}", lines[1]):
            raise Fault(f"{what} has no size")
        self.size, self.root = int(lines[1]), unbase64(lines[2], f"the root of {what}")
        if len(self.root) != 32:
            raise Fault(f"the root of {what} is no hash")

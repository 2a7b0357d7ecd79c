"""Segments with their records and parts, key pages, and what they open together."""

import json

import zstandard

from content import check_entries
from crypto import TAG, ZERO_NONCE, gcm_open, hkdf
from leaf import ROLES, Leaf, commitment, commitment_root
from recipe import LARGE, Recipe
from wire import Blocked, Cut, Fault, same, sha256

CHUNK = (1 << 20) + TAG
TRAILER = 4 + 32 + 8
BODY, METADATA, RECIPE = 1, 2, 3
RECORD, WITH_RECIPE, PART = 1, 2, 3
# More than any delivery has that a program takes: nobody's word is enough to make more.
SIZE_MAX = 1 << 30
# One byte of a frame can stand for 32768: so many are unpacked at once.
SLICE = 1 << 11


class Header:
    def __init__(self, cut):
        start = cut.at
        cut.magic(b"MUNSEG")
        self.archive, self.segment = cut.take(16), cut.take(16)
        self.label, self.epoch = cut.text(), cut.text()
        self.data = bytes(cut.data[start : cut.at])


class Entry:
    """A record in a footer."""

    def __init__(self, cut, kind):
        self.record, self.offset = cut.take(16), cut.u64()
        self.body, self.metadata = cut.u64(), cut.u64()
        self.delivery_size, self.metadata_size = cut.u64(), cut.u64()
        self.recipe = cut.u64() if kind == WITH_RECIPE else None
        self.leaf = Leaf(cut.take(cut.u16()))
        self.end = self.offset + self.body + self.metadata + (self.recipe or 0)


class PartEntry:
    """A part in a footer."""

    def __init__(self, cut, _kind):
        self.offset, self.length = cut.u64(), cut.u64()
        self.end = self.offset + self.length


# By their kind: what else may stand in a footer is read here.
ENTRIES = {RECORD: Entry, WITH_RECIPE: Entry, PART: PartEntry}


class Segment:
    def __init__(self, data):
        cut = Cut(data, "the segment")
        self.data, self.header = data, Header(cut)
        trailer = Cut(data[-TRAILER:], "the trailer")
        length, digest = trailer.u32(), trailer.take(32)
        same("the end of the segment", trailer.take(8), b"MUNSEGEN")
        records_end = len(data) - TRAILER - length
        if records_end < cut.at:
            raise Fault("the footer is longer than the segment")
        footer = data[records_end : len(data) - TRAILER]
        same("the trailer's hash", digest, sha256(self.header.data, footer))
        # Records, and the parts' lengths by offset.
        self.entries, self.parts, at = [], {}, cut.at
        cut = Cut(footer, "the footer")
        count = cut.u32()
        for _ in range(count):
            kind = cut.u8()
            if kind not in ENTRIES:
                raise Fault(f"the footer has an entry of kind {kind}, which is not known here")
            entry = ENTRIES[kind](cut, kind)
            same("the offset of a record or part", entry.offset, at)
            at = entry.end
            if at > records_end:
                raise Fault("a record or part reaches into the footer")
            if kind == PART:
                if entry.length == 0:
                    raise Fault("a part has no bytes")
                self.parts[entry.offset] = entry.length
            else:
                self.entries.append(entry)
        cut.end()
        same("the end of the last record or part", at, records_end)
        if count > 1 and any(it.delivery_size > LARGE for it in self.entries):
            raise Fault("a large delivery is not alone in it")
        if len({it.record for it in self.entries}) != len(self.entries):
            raise Fault("a record is in it twice")

    def check_leaf(self, entry):
        """What can be checked of a record without any key."""
        leaf, header = entry.leaf, self.header
        same("the record id of the leaf", leaf.record, entry.record)
        same("the class of the leaf", leaf.label, header.label)
        streams = self.data[entry.offset : entry.end]
        same("the ciphertext's hash in the leaf", leaf.ciphertext, sha256(streams))

    def open(self, entry, key, dictionaries, fetch):
        """The record's delivery, hashed, and its metadata, all compared with its leaf.
        `fetch` gives what a part says."""
        at, streams = entry.offset, []
        for length in (entry.body, entry.metadata, entry.recipe or 0):
            streams.append(self.data[at : at + length])
            at += length
        for size in (entry.delivery_size, entry.metadata_size):
            if size > SIZE_MAX:
                raise Fault(f"it says that it has {size} bytes, which nothing has")
        bound = b"muniment record v1\n" + self.header.archive + entry.record
        bound += self.header.label.encode()
        body = Stream(BODY, streams[0], key, bound, dictionaries)
        if entry.recipe is None:
            delivery = b"".join(body.pieces(entry.delivery_size))
        else:
            plain = b"".join(Stream(RECIPE, streams[2], key, bound, dictionaries).chunks())
            recipe = Recipe(plain, entry.delivery_size)
            delivery = recipe.delivery(body.pieces(recipe.body_size), fetch)
        pieces = Stream(METADATA, streams[1], key, bound, dictionaries)
        metadata = json.loads(b"".join(pieces.pieces(entry.metadata_size)))
        return Record(entry, key, delivery, metadata)


def open_part(part, sealed, header, dictionaries):
    """What a part says, by the recipe that names it."""
    what = f"the part at {part.offset}"
    same(f"the ciphertext's hash of {what}", sha256(sealed), part.ciphertext)
    bound = b"muniment part v1\n" + header.archive + header.label.encode()
    stream = Stream(BODY, sealed, part.key, bound, dictionaries)
    content = b"".join(stream.pieces(part.size))
    same(f"the hash of what {what} says", sha256(content), part.sha256)
    return content


class Record:
    """A delivery with its metadata; whatever they say of each other is compared."""

    def __init__(self, entry, key, content, metadata):
        self.sha256, self.size, self.metadata = sha256(content), len(content), metadata
        delivery = metadata["delivery"]
        same("the delivery's size in the metadata", delivery["size"], self.size)
        same("the delivery's hash in the metadata", delivery["sha256"], self.sha256.hex())
        check_entries(content, delivery["entries"])
        received = metadata["transaction"]["received_at"]
        same("the time of receipt in the leaf", entry.leaf.at, received)
        committed = [("delivery", self.size, self.sha256)]
        for each in delivery["entries"]:
            committed.append((each["role"], each["size"], bytes.fromhex(each["sha256"])))
        made = []
        for index, (role, size, digest) in enumerate(committed):
            info = b"muniment salt v1\n" + index.to_bytes(4, "big")
            made.append(commitment(hkdf(key, None, info), ROLES[role], size, digest))
        same("the number of commitments in the leaf", entry.leaf.count, len(made))
        same("the root of commitments in the leaf", entry.leaf.root, commitment_root(made))


class Stream:
    """Chunks of AES-256-GCM that hold one zstd frame."""

    def __init__(self, number, data, key, bound, dictionaries):
        self.number, self.data, self.key, self.bound = number, data, key, bound
        self.dictionaries = dictionaries

    def chunks(self):
        count = max(1, -(-len(self.data) // CHUNK))
        for index in range(count):
            is_last = index == count - 1
            nonce = bytes([self.number, is_last, 0, 0]) + index.to_bytes(8, "big")
            sealed = self.data[index * CHUNK : (index + 1) * CHUNK]
            what = f"chunk {index} of stream {self.number}"
            yield gcm_open(self.key, nonce, sealed, self.bound, what)

    def pieces(self, size):
        """What the frame holds, which must be `size` bytes."""
        frame, left = None, size
        try:
            for chunk in self.chunks():
                if frame is None:
                    frame = self.decompressor(chunk).decompressobj()
                for at in range(0, len(chunk), SLICE):
                    if frame.eof:
                        raise Fault("something follows the frame")
                    piece = frame.decompress(chunk[at : at + SLICE])
                    left -= len(piece)
                    if left < 0:
                        raise Fault(f"the frame of stream {self.number} holds more than {size} bytes")
                    if piece:
                        yield piece
        except zstandard.ZstdError as error:
            raise Fault(f"stream {self.number} is no zstd frame: {error}") from error
        if left != 0 or not frame.eof or frame.unused_data:
            raise Fault(f"the frame of stream {self.number} does not hold {size} bytes exactly")

    def decompressor(self, start):
        id = zstandard.get_frame_parameters(start).dict_id
        if id == 0:
            return zstandard.ZstdDecompressor()
        if id not in self.dictionaries:
            raise Blocked(f"format/{id}.dict is missing or damaged")
        return zstandard.ZstdDecompressor(dict_data=self.dictionaries[id])


class Page:
    """A key page, of an epoch or of held records."""

    def __init__(self, data, is_held):
        cut = Cut(data, "the key page")
        cut.magic(b"MUNHPG" if is_held else b"MUNPAG")
        self.header, self.version, self.salt = Header(cut), cut.u32(), cut.take(32)
        same("the key's version of the page", self.version, 1)
        self.bound, self.sealed = cut.before(), cut.rest()

    def keys(self, epoch_key):
        key = hkdf(epoch_key, self.salt, b"muniment key page v1")
        opened = gcm_open(key, ZERO_NONCE, self.sealed, self.bound, "the key page")
        cut, keys = Cut(opened, "the key page"), {}
        while cut.at < len(opened):
            record = cut.take(16)
            if record in keys:
                raise Fault(f"the key page has the record {record.hex()} twice")
            keys[record] = cut.take(32)
        return keys


def many_pages(data):
    """The pages in one object."""
    cut = Cut(data, "the object of pages")
    cut.magic(b"MUNPGS")
    pages = [Page(cut.take(cut.u32()), False) for _ in range(cut.u32())]
    cut.end()
    return pages

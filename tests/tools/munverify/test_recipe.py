"""Recipes, good and hostile, and segments made by hand.

    cd tests/tools/munverify && python3 -m unittest test_recipe
"""

import struct
import unittest

import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto import TAG
from recipe import LARGE, Recipe
from segment import CHUNK, Header, Segment, Stream, open_part
from wire import Cut, Fault, sha256

KEY, ARCHIVE, SEGMENT = bytes(range(32)), b"a" * 16, b"s" * 16
HEADER = b"MUNSEG\0\1" + ARCHIVE + SEGMENT + b"\x08standard" + b"\x072026-11"


def piece(before, form, size, where=0, width=None, part=b""):
    of_lines = b"" if width is None else struct.pack(">H", width)
    return struct.pack(">QB", before, form) + of_lines + struct.pack(">QB", size, where) + part


def recipe(*pieces, count=None):
    return struct.pack(">I", len(pieces) if count is None else count) + b"".join(pieces)


def sealed(plain, bound, number=1):
    """A stream's chunks, of 1 MiB of the plain text."""
    step, out = CHUNK - TAG, b""
    chunks = [plain[at : at + step] for at in range(0, len(plain), step)] or [b""]
    for index, chunk in enumerate(chunks):
        nonce = bytes([number, index == len(chunks) - 1, 0, 0]) + index.to_bytes(8, "big")
        out += AESGCM(KEY).encrypt(nonce, chunk, bound)
    return out


def segment(body, *entries):
    footer = struct.pack(">I", len(entries)) + b"".join(entries)
    trailer = struct.pack(">I", len(footer)) + sha256(HEADER, footer) + b"MUNSEGEN"
    return HEADER + body + footer + trailer


def part_entry(offset, length):
    return struct.pack(">BQQ", 3, offset, length)


class Recipes(unittest.TestCase):
    def made(self, data, body, size):
        return bytes(Recipe(data, size).delivery(iter([body]), None))

    def refuses(self, words, data, size=1000):
        with self.assertRaisesRegex(Fault, words):
            Recipe(data, size)

    def test_puts_together(self):
        self.assertEqual(self.made(recipe(), b"whole", 5), b"whole")
        data = recipe(piece(2, 2, 6, width=4), piece(1, 1, 4, width=76))
        expected = b"<<AAAA\r\nAAAA>AAAAAA==!"
        self.assertEqual(self.made(data, b"<<" + bytes(6) + b">" + bytes(4) + b"!", 22), expected)
        # Nothing has no lines, and lines may end within four characters.
        self.assertEqual(self.made(recipe(piece(0, 2, 0, width=76)), b"", 0), b"")
        self.assertEqual(self.made(recipe(piece(0, 1, 3, width=3)), bytes(3), 5), b"AAA\nA")
        # Over the number of lines that are made at once.
        made = self.made(recipe(piece(0, 1, 3 * 5000, width=1)), bytes(15000), 39999)
        self.assertEqual(made, b"\n".join([b"A"] * 20000))

    def test_hostile_numbers_are_refused_before_anything_is_made(self):
        self.refuses("pieces", recipe(count=0xFFFFFFFF))
        self.refuses("ends early|no room", recipe(piece(0, 0, 1), count=2))
        self.refuses("too many", recipe() + b"x")
        self.refuses("no characters", recipe(piece(0, 1, 1, width=0)))
        self.refuses("stands as 3", recipe(piece(0, 3, 1)))
        self.refuses("lies in 3", recipe(piece(0, 0, 1, where=3)))
        for huge in (1001, 1 << 63, (1 << 64) - 1):
            self.refuses("of a delivery of 1000", recipe(piece(0, 0, huge)))
            self.refuses("of a delivery of 1000", recipe(piece(huge, 0, 0)))
        self.refuses("of a delivery of 1000", recipe(piece(0, 1, 700, width=1)))
        many = [piece(0, 0, 10)] * 101
        self.refuses("of a delivery of 1000", recipe(*many))
        part = piece(0, 0, 1, where=1, part=bytes(8 + 8 + 32 * 3))
        self.refuses("large", recipe(part), LARGE + 1)
        Recipe(recipe(part), LARGE)

    def test_a_body_that_is_too_short_or_too_long_is_refused(self):
        data = recipe(piece(1, 0, 2))
        self.assertEqual(self.made(data, b"abcd", 4), b"abcd")
        for body in (b"abc", b"", b"abcde"):
            with self.assertRaises(Fault):
                self.made(data, body, 4)


class Segments(unittest.TestCase):
    def test_entries_have_no_gaps(self):
        at = len(HEADER)
        good = Segment(segment(b"12345", part_entry(at, 2), part_entry(at + 2, 3)))
        self.assertEqual(good.parts, {at: 2, at + 2: 3})
        for entries in (
            [part_entry(at, 2), part_entry(at + 3, 2)],
            [part_entry(at, 3), part_entry(at + 2, 3)],
            [part_entry(at, 4)],
            [part_entry(at, 6)],
            [part_entry(at + 1, 4)],
            [part_entry(at, 5), part_entry(at + 5, 0)],
            [part_entry(at, (1 << 64) - 1)],
        ):
            with self.assertRaises(Fault):
                Segment(segment(b"12345", *entries))

    def part(self, content, size=None):
        bound = b"muniment part v1\n" + ARCHIVE + b"standard"
        data = sealed(zstandard.compress(content), bound)
        named = piece(0, 0, len(content) if size is None else size, where=1, part=(
            struct.pack(">QQ", 70, len(data)) + KEY + sha256(data) + sha256(content)))
        return Recipe(recipe(named), LARGE).pieces[0].part, data

    def test_parts_open(self):
        header = Header(Cut(HEADER, "the header"))
        for content in (b"", b"some words", bytes(3 << 20)):
            part, data = self.part(content)
            self.assertEqual(open_part(part, data, header, {}), content)
            with self.assertRaisesRegex(Fault, "ciphertext"):
                open_part(part, data[:-1] + bytes([data[-1] ^ 1]), header, {})
        for size in (9, 11):
            part, data = self.part(b"some words", size)
            with self.assertRaises(Fault):
                open_part(part, data, header, {})
        part, data = self.part(b"some words")
        part.sha256 = bytes(32)
        with self.assertRaisesRegex(Fault, "what the part"):
            open_part(part, data, header, {})

    def test_a_frame_of_more_than_is_said_is_cut_off(self):
        # 256 MiB of zeros in a few kB.
        packer = zstandard.ZstdCompressor().compressobj()
        frame = b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
        taken = 0
        stream = Stream(1, sealed(frame, b""), KEY, b"", {})
        with self.assertRaisesRegex(Fault, "more than 1000 bytes"):
            for each in stream.pieces(1000):
                taken += len(each)
        self.assertLessEqual(taken, 1000)


if __name__ == "__main__":
    unittest.main()

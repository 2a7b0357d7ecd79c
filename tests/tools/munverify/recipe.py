"""Recipes: how a delivery is put together of its body stream and of parts.

A recipe is content that someone else wrote: whatever it says of sizes is added up
before anything is made of it.
"""

import base64

from wire import Cut, Fault, same

# Of a larger delivery nothing is a part, and it is alone in its segment.
LARGE = 8 << 20
AS_IT_IS, BASE64_LF, BASE64_CRLF = 0, 1, 2
ENDINGS = {BASE64_LF: b"\n", BASE64_CRLF: b"\r\n"}
IN_BODY, HERE, ELSEWHERE = 0, 1, 2
PIECE_MIN = 8 + 1 + 8 + 1
LINES_AT_ONCE = 4096


class Part:
    """A part as a recipe names it."""

    def __init__(self, cut, where, size):
        self.object = (cut.take(16), cut.take(32)) if where == ELSEWHERE else None
        self.offset, self.length, self.key = cut.u64(), cut.u64(), cut.take(32)
        self.ciphertext, self.sha256, self.size = cut.take(32), cut.take(32), size

    def name(self, header):
        """Of the segment's object that it is in; none is that which the recipe is in."""
        if self.object is None:
            return None
        segment, digest = self.object
        return f"seg/{header.label}/{header.epoch}/{segment.hex()}-{digest.hex()}.seg"


class Piece:
    def __init__(self, cut):
        self.before, self.form, self.width = cut.u64(), cut.u8(), 0
        if self.form in ENDINGS:
            self.width = cut.u16()
            if self.width == 0:
                raise Fault("a piece of the recipe is base64 in lines of no characters")
        elif self.form != AS_IT_IS:
            raise Fault(f"a piece of the recipe stands as {self.form}, which is not known here")
        self.size, where = cut.u64(), cut.u8()
        if where not in (IN_BODY, HERE, ELSEWHERE):
            raise Fault(f"a piece of the recipe lies in {where}, which is not known here")
        self.part = None if where == IN_BODY else Part(cut, where, self.size)

    @property
    def in_delivery(self):
        """How many bytes of the delivery it makes."""
        if self.form == AS_IT_IS:
            return self.size
        characters = -(-self.size // 3) * 4
        lines = -(-characters // self.width)
        return characters + max(0, lines - 1) * len(ENDINGS[self.form])

    def made_of(self, content):
        if self.form == AS_IT_IS:
            yield content
            return
        text, ending = base64.b64encode(content), ENDINGS[self.form]
        step = self.width * LINES_AT_ONCE
        for start in range(0, len(text), step):
            block = text[start : start + step]
            lines = (block[at : at + self.width] for at in range(0, len(block), self.width))
            yield (ending if start else b"") + ending.join(lines)


class Recipe:
    def __init__(self, data, delivery_size):
        cut = Cut(data, "the recipe")
        count = cut.u32()
        if count * PIECE_MIN > len(data):
            raise Fault(f"the recipe says that it has {count} pieces, and has no room for them")
        self.pieces = [Piece(cut) for _ in range(count)]
        cut.end()
        made = sum(it.before + it.in_delivery for it in self.pieces)
        if made > delivery_size:
            raise Fault(f"the recipe makes {made} bytes of a delivery of {delivery_size}")
        self.rest = delivery_size - made
        if delivery_size > LARGE and any(it.part for it in self.pieces):
            raise Fault("the recipe of a large delivery has a part")

    @property
    def body_size(self):
        """How many bytes the body stream has to hold, so that all of it fills the delivery."""
        taken = sum(it.before + (0 if it.part else it.size) for it in self.pieces)
        return taken + self.rest

    def delivery(self, body, fetch):
        """`body` gives pieces of the body stream, `fetch` what a part says."""
        reader, out = Reader(body), bytearray()
        for piece in self.pieces:
            out += reader.take(piece.before)
            content = fetch(piece.part) if piece.part else reader.take(piece.size)
            same("the size of a piece", len(content), piece.size)
            for each in piece.made_of(content):
                out += each
        out += reader.take(self.rest)
        reader.end()
        return out


class Reader:
    """Bytes in pieces, taken in other pieces."""

    def __init__(self, pieces):
        self.pieces, self.held, self.at = iter(pieces), b"", 0

    def take(self, count):
        out = bytearray()
        while len(out) < count:
            if self.at == len(self.held):
                self.held, self.at = next(self.pieces, None), 0
                if self.held is None:
                    raise Fault("the body stream ends early")
            taken = self.held[self.at : self.at + count - len(out)]
            self.at += len(taken)
            out += taken
        return bytes(out)

    def end(self):
        # What follows is a fault of the stream's own, which the last step raises.
        if self.at != len(self.held) or any(self.pieces):
            raise Fault("the recipe leaves something of the body stream")

"""Parts of records, wherever in a class and month they lie."""

import collections

from segment import Segment, open_part
from wire import Blocked, Fault, same

# What parts say, kept for the next record that needs the same: bytes.
KEPT_MAX = 64 << 20
LAYOUTS_MAX = 1024


class Missing(Exception):
    """The object that a part is in is not there: what became of the record says whether
    that is a fault."""

    def __init__(self, name):
        super().__init__(f"{name}, which has a part of it, is missing")
        self.name = name


class Parts:
    def __init__(self, bucket, report, dictionaries):
        self.bucket, self.report, self.dictionaries = bucket, report, dictionaries
        # Where parts are by the footers of segments; None of a segment without one.
        self.layouts = collections.OrderedDict()
        self.kept, self.kept_size = collections.OrderedDict(), 0
        self.there, self.checked = 0, set()

    def of(self, name, segment, record):
        """What gives the record of this segment its parts."""

        def fetch(part):
            other = part.name(segment.header)
            with self.report.naming(other or name, record):
                return self.fetch(part, other or name, segment if other is None else None)
            raise Blocked(f"its part at {part.offset} of {other or 'its segment'} cannot be read")

        return fetch

    def fetch(self, part, name, own):
        known = (name, part.offset)
        told = (part.length, part.size, part.key, part.ciphertext, part.sha256)
        if kept := self.kept.get(known):
            if kept[0] == told:
                self.kept.move_to_end(known)
                return kept[1]
        header, parts = (own.header, own.parts) if own else self.layout(name)
        if parts.get(part.offset) != part.length:
            raise Fault(f"it has no part of {part.length} bytes at {part.offset}")
        if own:
            sealed = own.data[part.offset : part.offset + part.length]
        else:
            sealed = self.bucket.read_part(name, part.offset, part.length)
        same(f"the length of the part at {part.offset}", len(sealed), part.length)
        content = open_part(part, sealed, header, self.dictionaries)
        self.checked.add(known)
        self.keep(known, told, content)
        return content

    def layout(self, name):
        if name not in self.layouts:
            if name not in self.bucket.names:
                raise Missing(name)
            if len(self.layouts) >= LAYOUTS_MAX:
                self.layouts.popitem(last=False)
            self.layouts[name] = None
            segment = Segment(self.bucket.read(name))
            self.layouts[name] = segment.header, segment.parts
        if self.layouts[name] is None:
            raise Fault("its footer cannot be read")
        return self.layouts[name]

    def keep(self, known, told, content):
        if before := self.kept.pop(known, None):
            self.kept_size -= len(before[1])
        self.kept[known] = told, content
        self.kept_size += len(content)
        while self.kept_size > KEPT_MAX:
            _, (_, oldest) = self.kept.popitem(last=False)
            self.kept_size -= len(oldest)

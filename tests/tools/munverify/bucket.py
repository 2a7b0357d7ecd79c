"""A bucket's directory: what is in it, by kind of object."""

import re

SHA256 = "(?P<sha256>[0-9a-f]{64})"
SEGMENT = "(?P<segment>[0-9a-f]{32})"
CLASS = "(?P<label>[a-z0-9.-]{1,32})"
MONTH = r"(?P<epoch>\d{4}-\d{2})"
NUMBER = r"(?P<number>\d{8})"

# Every object is of exactly one of these kinds. A new kind of object is a line here
# and a step in archive.py.
KINDS = {
    "archive key": f"keyring/archive/{NUMBER}",
    "epoch key": rf"keyring/epoch/{CLASS}/(?P<epoch>\d{{4}}-\d{{2}}|held)/{NUMBER}",
    "segment": f"seg/{CLASS}/{MONTH}/{SEGMENT}-{SHA256}[.]seg",
    "page": f"key/{CLASS}/{MONTH}/{SEGMENT}[.]page",
    "held page": f"key/{CLASS}/{MONTH}/{SEGMENT}-{SHA256}[.]held",
    "left page": f"key/{CLASS}/{MONTH}/{SEGMENT}-{SHA256}[.]left",
    "many pages": f"key/{CLASS}/{MONTH}/many-{SHA256}[.]pages",
    "statement": f"policy/{MONTH}/{SHA256}[.]policy",
    "entries": r"log/tile/entries/(?P<place>[x\d/]+([.]p/\d+)?)",
    "tile": r"log/tile/(?P<level>[0-7])/(?P<place>[x\d/]+([.]p/\d+)?)",
    "checkpoint": r"log/checkpoint/(?P<size>\d{20})",
    "stamp": r"log/stamp/(?P<size>\d{20})[.]tsr",
    "dictionary": r"format/(?P<id>\d+)[.]dict",
    "probe": f"probe/{SHA256}",
    "canary": r"canary/[^/]+",
}
# In a directory, on its way to being an object.
ON_ITS_WAY = re.compile(r".*#\d+")


class Bucket:
    def __init__(self, root, report):
        self.root, self.kinds, self.names = root, {kind: [] for kind in KINDS}, set()
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if not path.is_file() or ON_ITS_WAY.fullmatch(name):
                continue
            self.names.add(name)
            for kind, pattern in KINDS.items():
                if match := re.fullmatch(pattern, name):
                    self.kinds[kind].append((name, match))
                    break
            else:
                report.fault(name, "no object of an archive is called so")

    def of(self, kind):
        return self.kinds[kind]

    def read(self, name):
        return (self.root / name).read_bytes()

    def read_part(self, name, offset, length):
        """Some bytes of an object; fewer where it ends before."""
        with (self.root / name).open("rb") as file:
            file.seek(offset)
            return file.read(length)

"""The log in the bucket: entries, tiles and checkpoints (C2SP tlog-tiles).

From the hashes of the entries every tile and every root is made again, and each object
in the bucket is compared with what was made.
"""

import collections
import itertools
import re

import merkle
from note import Checkpoint
from stamp import check_stamp
from wire import Blocked, Cut, Fault, same

WIDTH = 256
LEVELS = 8
TRIES_MAX = 256


def place(index, width):
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    return path if width == WIDTH else f"{path}.p/{width}"


def read_place(path):
    """Number and width of a tile; each has one name only."""
    number, is_partial, width = path.partition(".p/")
    if not re.fullmatch(r"(x\d{3}/)*\d{3}", number):
        raise Fault("it is not called as a tile is")
    index = int(number.replace("x", "").replace("/", ""))
    width = int(width) if re.fullmatch("[1-9][0-9]{0,2}", width) else WIDTH if not is_partial else 0
    if not 1 <= width <= WIDTH or place(index, width) != path:
        raise Fault("it is not called as a tile is")
    return index, width


def tiles_of(size):
    """Level, index and width of each tile of a tree of this size."""
    for level in range(LEVELS):
        hashes = size >> (8 * level)
        for index in range(-(-hashes // WIDTH)):
            yield level, index, min(WIDTH, hashes - index * WIDTH)


def read_entries(data, width):
    cut, entries = Cut(data, "the bundle of entries"), []
    while cut.at < len(data):
        entries.append(cut.take(cut.u16()))
    same("the number of entries", len(entries), width)
    return entries


def read_hashes(data, width):
    same("the tile's length", len(data), 32 * width)
    return [data[at : at + 32] for at in range(0, len(data), 32)]


class Log:
    """All of `log/`. Faults go to `report`, by the object's name."""

    def __init__(self, bucket, key, report, authorities=None):
        self.bucket, self.report = bucket, report
        self.checkpoints, self.bundles, self.tiles = {}, {}, {}
        for name, match in bucket.of("checkpoint"):
            with report.naming(name):
                size = int(match["size"])
                checkpoint = Checkpoint(bucket.read(name), key, "the checkpoint")
                same("the size in the checkpoint's name", size, checkpoint.size)
                self.checkpoints[size] = checkpoint
        for name, match in bucket.of("entries"):
            with report.naming(name):
                index, width = read_place(match["place"])
                self.bundles[index, width] = read_entries(bucket.read(name), width)
        for name, match in bucket.of("tile"):
            with report.naming(name):
                index, width = read_place(match["place"])
                level = int(match["level"])
                self.tiles[level, index, width] = read_hashes(bucket.read(name), width)
        for name, match in bucket.of("stamp"):
            with report.naming(name):
                checkpoint = checkpoint_name(int(match["size"]))
                if checkpoint not in bucket.names:
                    raise Fault(f"{checkpoint}, which it is of, is missing")
                if report.is_faulty(checkpoint):
                    raise Blocked(f"{checkpoint} is damaged")
                check_stamp(bucket, name, checkpoint, authorities)
        self.hashes = self.settle()
        self.entries = self.read_each()
        self.compare()

    @property
    def size(self):
        """Of the largest checkpoint that is sound."""
        return max(self.checkpoints, default=0)

    def claims(self):
        """By position, what bundles and tiles say is the hash of its entry."""
        claims = collections.defaultdict(collections.Counter)
        sources = [(index, [merkle.leaf_hash(it) for it in entries])
                   for (index, _), entries in self.bundles.items()]
        sources += [(index, hashes) for (level, index, _), hashes in self.tiles.items() if level == 0]
        for index, hashes in sources:
            for at, each in enumerate(hashes):
                claims[index * WIDTH + at][each] += 1
        return claims

    def settle(self):
        """The entries' hashes: what most say of each position. Where as many say one
        thing as another, the signed root says which is right."""
        claims, choices = self.claims(), []
        while claims.get(len(choices)):
            ranked = claims[len(choices)].most_common()
            choices.append([it for it, count in ranked if count == ranked[0][1]])
        wanted = self.checkpoints.get(self.size)
        if wanted and wanted.size <= len(choices):
            for chosen in itertools.islice(itertools.product(*choices), TRIES_MAX):
                if merkle.root(chosen[: wanted.size]) == wanted.root:
                    return list(chosen)
        return [choice[0] for choice in choices]

    def read_each(self):
        """The entries, by those hashes; None where no bundle has one."""
        entries = [None] * len(self.hashes)
        for (index, _), found in self.bundles.items():
            for at, entry in enumerate(found, index * WIDTH):
                if at < len(entries) and merkle.leaf_hash(entry) == self.hashes[at]:
                    entries[at] = entry
        return entries

    def compare(self):
        """Every object against what the entries make of it."""
        self.positions = {it: at for at, it in enumerate(self.hashes)}
        made, level, hashes = {}, 0, self.hashes
        while hashes and level < LEVELS:
            made[level] = hashes
            full = len(hashes) // WIDTH
            hashes = [merkle.root(hashes[i * WIDTH : (i + 1) * WIDTH]) for i in range(full)]
            level += 1
        for (level, index, width), found in self.tiles.items():
            with self.report.naming(f"log/tile/{level}/{place(index, width)}"):
                same("the tile", found, made.get(level, [])[index * WIDTH : index * WIDTH + width])
        for (index, width), found in self.bundles.items():
            with self.report.naming(f"log/tile/entries/{place(index, width)}"):
                hashes = [merkle.leaf_hash(entry) for entry in found]
                same("the bundle", hashes, self.hashes[index * WIDTH : index * WIDTH + width])
        for size, checkpoint in self.checkpoints.items():
            with self.report.naming(checkpoint_name(size)):
                self.extends(checkpoint)
            for level, index, width in tiles_of(size):
                names = [f"log/tile/{level}/{place(index, width)}"]
                if level == 0:
                    names.append(f"log/tile/entries/{place(index, width)}")
                for name in names:
                    if name not in self.bucket.names:
                        self.report.fault(name, f"it is missing, and the tree of {size} has it")

    def extends(self, checkpoint):
        """Whether the log begins with the tree of this checkpoint."""
        if checkpoint.size > len(self.hashes):
            raise Fault(f"it is of {checkpoint.size} entries, and {len(self.hashes)} are here")
        same("the root", checkpoint.root, merkle.root(self.hashes[: checkpoint.size]))


def checkpoint_name(size):
    return f"log/checkpoint/{size:020}"

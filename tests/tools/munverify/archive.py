"""A whole archive: each kind of object in the order in which one needs another."""

import datetime
import functools
import itertools
import json

import zstandard

from keyring import ArchiveKeys, EpochKey, MasterKey
from leaf import DELIVERY, Leaf
from log import Log
from note import Checkpoint, LogKey
from parts import Missing, Parts
from segment import Page, Segment, many_pages
from statement import Statement, Tables
from wire import Blocked, Fault, same, sha256

# "Made for mail" and "for the metadata": as FORMAT.md names them.
DICTIONARIES = {
    33001: "11e8d4985e091ee5ce30ef54070d5d48d58a14652b76ce4ada76aa1ddfac2c09",
    33002: "7efb98ff182bd58dae79aea94e81247c2b88572b98c311e9199e9f6f69648290",
}


def month_of(micros):
    epoch = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return epoch.strftime("%Y-%m")


class Archive:
    """What is known of it so far; `check` fills it in."""

    def __init__(self, bucket, report, masters=(), log_key=None, authorities=None):
        self.bucket, self.report, self.log_key = bucket, report, log_key
        self.authorities = authorities
        self.masters = {master.id: master for master in masters}
        self.id, self.seed, self.log = None, None, None
        self.epochs, self.dictionaries, self.segments, self.pages = {}, {}, {}, {}
        self.records, self.statements, self.positions = [], [], {}
        # Statements that could not be read.
        self.unread = 0
        # Leaves of records in what is damaged: nobody has to look for them too.
        self.excused, self.leaves, self.tables = set(), [], None
        # Records that statements say were erased; records whose part's object is gone.
        self.erased, self.lost, self.parts = set(), [], None
        # Class and month of objects of many pages that did not open.
        self.unopened = {}

    @property
    def has_master(self):
        return bool(self.masters)

    def check(self):
        self.read_archive_keys()
        self.read_epoch_keys()
        self.read_dictionaries()
        self.read_probes()
        self.read_log()
        self.read_statements()
        self.read_erasures()
        self.read_pages()
        self.read_segments()
        self.account_for_leaves()
        self.note_undead()

    def read_archive_keys(self):
        before = None
        for name, match in self.bucket.of("archive key"):
            with self.report.naming(name):
                keys = ArchiveKeys(self.bucket.read(name), int(match["number"]))
                self.id = self.id or keys.archive
                same("the archive", keys.archive, self.id)
                if not self.has_master:
                    continue
                master = self.masters.get(keys.master)
                seeds = []
                if master:
                    seeds.append(keys.seed(master))
                if before and keys.handover:
                    seeds.append(keys.handed_over(before))
                if not seeds:
                    self.report.note(name, "no master key at hand opens it")
                for seed in seeds:
                    self.seed = self.seed or seed
                    same("the log's seed", seed, self.seed)
                before = master
        if self.has_master and not self.seed:
            raise Fault("no object of keyring/archive opens with the master key")
        if self.seed:
            of_seed = LogKey.of_seed(f"muniment/{self.id.hex()}", self.seed)
            if self.log_key:
                same("the log's public key", str(self.log_key), str(of_seed))
            self.log_key = of_seed

    def read_epoch_keys(self):
        place = lambda found: (found[1]["label"], found[1]["epoch"])
        for (label, epoch), found in itertools.groupby(self.bucket.of("epoch key"), place):
            first = None
            for name, match in found:
                with self.report.naming(name):
                    number, data = int(match["number"]), self.bucket.read(name)
                    key = EpochKey(data, label, epoch, number)
                    same("the archive", key.archive, self.id)
                    if number == 1:
                        first = name, data
                    if first is None:
                        self.report.note(name, "left over: number 1, its first, was destroyed")
                    elif key.master not in self.masters:
                        if self.has_master:
                            self.report.note(name, "it is of a master key that is not at hand")
                    elif self.report.is_faulty(first[0]):
                        self.report.note(name, "it opens only with number 1 as that was")
                    else:
                        opened = key.open(self.masters[key.master], first[1])
                        known = self.epochs.setdefault((label, epoch), opened)
                        same("the key that was wrapped again", opened, known)

    def read_dictionaries(self):
        for name, match in self.bucket.of("dictionary"):
            with self.report.naming(name):
                data = self.bucket.read(name)
                same("the dictionary", sha256(data).hex(), DICTIONARIES.get(int(match["id"])))
                self.dictionaries[int(match["id"])] = zstandard.ZstdCompressionDict(data)
        # The oldest archives have none, and need none.
        for id in DICTIONARIES if self.bucket.of("dictionary") else ():
            if f"format/{id}.dict" not in self.bucket.names:
                self.report.fault(f"format/{id}.dict", "it is missing")

    def read_probes(self):
        for name, match in self.bucket.of("probe"):
            with self.report.naming(name):
                same("the hash in its name", sha256(self.bucket.read(name)).hex(), match["sha256"])

    def read_log(self):
        if not self.bucket.of("checkpoint") and not self.bucket.of("entries"):
            self.report.note("log", "nothing has been published")
            return
        self.log = Log(self.bucket, self.log_key, self.report, self.authorities)
        for position, entry in enumerate(self.log.entries):
            if entry is None:
                continue
            with self.report.naming(f"leaf {position}"):
                leaf = Leaf(entry)
                leaf.position = position
                self.leaves.append(leaf)
                known = self.positions.setdefault(self.names(leaf), leaf)
                if known is not leaf:
                    raise Fault(f"it is of what leaf {known.position} is of")

    def names(self, leaf):
        """What a leaf is of: a record or an object."""
        return leaf.record if leaf.kind == DELIVERY else leaf.object

    def position(self, leaf):
        """Where a leaf is in the log; none where it is not there."""
        return self.log and self.log.positions.get(leaf.hash)

    def read_pages(self):
        """Record keys by segment. Pages that a crash or a copy left beside a newer one open
        as before: the one with the most keys counts."""
        most = {}
        for kind in ("page", "left page", "held page", "many pages"):
            for name, match in self.bucket.of(kind):
                is_read = False
                with self.report.naming(name):
                    data = self.bucket.read(name)
                    if kind != "page":
                        same("the hash in its name", sha256(data).hex(), match["sha256"])
                    is_held = kind == "held page"
                    pages = many_pages(data) if kind == "many pages" else [Page(data, is_held)]
                    for page in pages:
                        segment, keys = self.read_page(name, page, match, is_held)
                        most[segment] = max(most.get(segment, 0), len(keys))
                    is_read = True
                if kind == "many pages" and not is_read:
                    place = match["label"], match["epoch"]
                    self.unopened.setdefault(place, set()).add(name)
        for segment, count in most.items():
            if len(self.pages[segment]) > count:
                self.report.note(f"segment {segment}", "none of its pages has all of its keys")

    def read_page(self, name, page, match, is_held):
        segment = page.header.segment.hex()
        self.check_header(page.header, match)
        keys = {}
        if self.has_master:
            place = match["label"], "held" if is_held else match["epoch"]
            key = self.epochs.get(place)
            if key is None:
                self.without_key(place)
            keys = page.keys(key)
        if erased := self.erased & set(keys):
            self.report.note(name, f"it still has the keys of {len(erased)} erased records")
            keys = {record: key for record, key in keys.items() if record not in erased}
        known = self.pages.setdefault(segment, {})
        for record, key in keys.items():
            same("the record's key", known.setdefault(record, key), key)
        return segment, keys

    def without_key(self, place):
        """No page opens where the epoch's key is gone or damaged."""
        prefix = f"keyring/epoch/{place[0]}/{place[1]}/"
        if any(it["object"].startswith(prefix) for it in self.report.faults):
            raise Blocked("the key of its epoch is damaged")
        if any(name.startswith(prefix) for name in self.bucket.names):
            raise Blocked("no master key at hand opens the key of its epoch")
        raise Fault("the key of its epoch is missing")

    def check_header(self, header, match):
        same("the archive in the header", header.archive, self.id)
        if "segment" in match.groupdict():
            same("the segment in the header", header.segment.hex(), match["segment"])
        same("the class in the header", header.label, match["label"])
        same("the epoch in the header", header.epoch, match["epoch"])

    def read_segments(self):
        self.parts = Parts(self.bucket, self.report, self.dictionaries)
        for name, match in self.bucket.of("segment"):
            keys, segment = self.pages.get(match["segment"]), None
            with self.report.naming(name):
                data = self.bucket.read(name)
                segment = Segment(data)
                same("the hash in its name", sha256(data).hex(), match["sha256"])
            # Of one that is damaged it is told which records are, where its footer can be read.
            if segment is None:
                self.excused.update(keys or ())
                for record in keys or ():
                    self.report.touch(name, record)
                continue
            with self.report.naming(name):
                self.check_header(segment.header, match)
                self.check_page(name, segment, keys)
            self.parts.there += len(segment.parts)
            for entry in segment.entries:
                self.read_record(name, segment, entry, keys)
        here = {match["segment"] for _, match in self.bucket.of("segment")}
        for segment in self.pages.keys() - here:
            # A crash between the two, or it was removed: then the log misses its records.
            self.report.note(f"segment {segment}", "its page is here alone")
        self.settle_lost()

    def check_page(self, name, segment, keys):
        if keys is None:
            self.unpaged(name, segment)
        ids = {entry.record for entry in segment.entries}
        for stray in set(keys or ()) - ids:
            raise Fault(f"its page has a key of {stray.hex()}, which is not in it")

    def read_record(self, name, segment, entry, keys):
        is_read = False
        with self.report.naming(name, entry.record):
            segment.check_leaf(entry)
            same("the month of receipt", month_of(entry.leaf.at), segment.header.epoch)
            if logged := self.positions.get(entry.record):
                same("its leaf in the log", logged.data, entry.leaf.data)
            position = self.position(entry.leaf)
            if position is None:
                self.report.note(f"record {entry.record.hex()}", "it has no leaf in the log")
            if keys is None or (self.has_master and entry.record not in keys):
                return
            told = {
                "record": entry.record.hex(),
                "segment": segment.header.segment.hex(),
                "class": segment.header.label,
                "epoch": segment.header.epoch,
                "received_at": entry.leaf.at,
                "position": position,
            }
            if self.has_master:
                fetch = self.parts.of(name, segment, entry.record)
                try:
                    record = segment.open(entry, keys[entry.record], self.dictionaries, fetch)
                except Missing as missing:
                    self.lost.append((missing.name, entry))
                    raise Blocked(str(missing)) from missing
                told |= {"sha256": record.sha256.hex(), "size": record.size}
            self.records.append(told)
            is_read = True
        if not is_read:
            self.excused.add(entry.record)

    def settle_lost(self):
        """Parts whose object is not there are a fault, but for records that a disposition
        may have let go. It is that of another object of the segment, if there is one."""
        for name, entry in self.lost:
            if self.was_destroyed(entry.leaf):
                continue
            others = [it for it in self.bucket.names if it.startswith(name.rpartition("-")[0])]
            if others:
                what = f"it is not {name}, which records need parts of"
                self.report.fault(min(others), what, entry.record)
            else:
                what = "it is missing, and records need parts of it"
                self.report.fault(name, what, entry.record)

    def unpaged(self, name, segment):
        """A segment whose page is not here, or does not open."""
        header = segment.header
        ids = {entry.record for entry in segment.entries}
        self.excused.update(ids)
        prefix = f"key/{header.label}/{header.epoch}/{header.segment.hex()}"
        pages = {it for it in self.bucket.names if it.startswith(prefix)}
        pages |= self.unopened.get((header.label, header.epoch), set())
        lost = [it for it in segment.entries if it.record not in self.erased]
        if self.has_master:
            lost = [it for it in lost if not self.was_destroyed(it.leaf)]
        if pages:
            self.report.note(name, "its page does not open")
            for page in filter(self.report.is_faulty, pages):
                for entry in lost:
                    self.report.touch(page, entry.record)
        elif any(record in self.positions for record in ids):
            for entry in lost:
                self.report.fault(name, "its page is missing, and its records are in the log", entry.record)
            if not lost:
                raise Fault("its page is missing, and its records are in the log")
        else:
            self.report.note(name, "it has no page, and was never acknowledged")

    def read_statements(self):
        for name, match in self.bucket.of("statement"):
            self.unread += 1
            with self.report.naming(name):
                data = self.bucket.read(name)
                same("the hash in its name", sha256(data).hex(), match["sha256"])
                statement = Statement(data)
                same("the archive", statement.archive, self.id)
                statement.leaf = self.positions.get(statement.sha256)
                if statement.leaf:
                    statement.check_leaf(statement.leaf)
                else:
                    self.report.note(name, "it has no leaf in the log")
                if self.has_master:
                    key = self.epochs.get(("policy", match["epoch"]))
                    if key is None:
                        self.without_key(("policy", match["epoch"]))
                    statement.told = statement.open(key, statement.leaf)
                self.statements.append(statement)
                self.unread -= 1
        self.statements.sort(key=lambda it: it.leaf.position if it.leaf else len(self.leaves))
        if self.has_master:
            self.tables = Tables([it for it in self.statements if it.leaf], self.report)

    def read_erasures(self):
        """The records that statements say were erased."""
        if self.tables is None:
            return
        acts = {it.action for it in self.statements if it.leaf}
        for row in self.tables.rows("erasure"):
            number = row["erasure_id"]
            with self.report.naming(f"erasure {number}"):
                if not row["result"]:
                    continue
                erased = json.loads(row["result"])["records"]
                self.erased.update(bytes.fromhex(it.replace("-", "")) for it in erased)
                if not self.unread and "erasure.erase" not in acts:
                    raise Fault("it has a result, and no statement erasure.erase")
                if not self.unread and row["state"] == "done" and "erasure.done" not in acts:
                    raise Fault("it is done, and no statement erasure.done says so")

    def account_for_leaves(self):
        """Every leaf has what it is of, or that was destroyed or erased."""
        here = {bytes.fromhex(it["record"]) for it in self.records} | self.excused
        objects = {bytes.fromhex(match["sha256"]) for _, match in self.bucket.of("statement")}
        for leaf in self.leaves:
            what = f"leaf {leaf.position}"
            if leaf.kind != DELIVERY:
                if leaf.object not in objects:
                    self.report.fault(what, f"its statement {leaf.object.hex()} is missing")
            elif leaf.record not in here and not self.was_destroyed(leaf):
                self.report.fault(what, f"its record {leaf.record.hex()} is missing")

    def was_destroyed(self, leaf):
        """Whether it was erased, or an approved disposition of its epoch let it go."""
        if leaf.record in self.erased:
            return True
        place = leaf.label, month_of(leaf.at)
        acts = ("disposition.", "erasure.")
        are_told = any(it.action.startswith(acts) for it in self.statements)
        if self.unread or (are_told and not self.has_master):
            self.report.note(f"leaf {leaf.position}", "what became of it, statements tell")
            return True
        if not self.has_master:
            return False
        kept = self.disposed.get(place)
        return kept is not None and leaf.record.hex() not in kept

    @functools.cached_property
    def disposed(self):
        """Class and month of epochs that may have been destroyed, with the records kept."""
        return self.disposed_in("approved", "destroying", "done")

    def disposed_in(self, *states):
        """What the newest disposition of each epoch kept: it may have destroyed what an
        older one left. One that has not begun says nothing yet of what is there."""
        disposed = {}
        rows = self.tables.rows("disposition")
        for row in sorted(rows, key=lambda row: row["disposition_id"]):
            epoch = (row["class"], row["epoch"])
            if row["state"] in states and not (row["state"] == "approved" and epoch in disposed):
                kept = json.loads(row["result"])["kept"] if row["result"] else []
                disposed[epoch] = {it.replace("-", "") for it in kept}
        return disposed

    def note_undead(self):
        """What a disposition destroyed opens in a copy from before it, and nowhere else."""
        destroyed = self.disposed_in("done") if self.tables else {}
        for told in self.records:
            kept = destroyed.get((told["class"], told["epoch"]))
            if kept is not None and told["record"] not in kept:
                self.report.note(f"record {told['record']}", "it was destroyed, and still opens")

    def extends(self, data, what):
        """A checkpoint that was kept outside."""
        kept = Checkpoint(data, self.log_key, what)
        if self.log is None:
            raise Fault(f"{what} is of {kept.size} entries, and the log is not here")
        self.log.extends(kept)

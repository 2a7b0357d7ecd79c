"""Export bundles, as src/verify/BUNDLE.md has them: with the log's public key alone."""

import json
import re
import struct
import zipfile

from leaf import DELIVERY, ROLES, Leaf, commitment
from merkle import extends, leads_to, leaf_hash
from note import Checkpoint, open_note
from stamp import check_bytes
from wire import Fault, same, sha256

STAMPED = "stamped-checkpoint"
STAMP, STAMP_PROOF = f"{STAMPED}.tsr", f"{STAMPED}.proof"
SIGNED = {"manifest.json", "manifest.note"}


class Zip:
    def __init__(self, path):
        self.file = zipfile.ZipFile(path)
        infos = sorted(self.file.infolist(), key=lambda it: it.header_offset)
        self.names = [it.filename for it in infos]
        if len(set(self.names)) != len(self.names):
            raise Fault("the zip has two files of one name")
        self.check_gaps(path, infos)

    def check_gaps(self, path, infos):
        """Nothing stands before, after or between the files."""
        with open(path, "rb") as raw:
            at = 0
            for info in infos:
                same(f"where {info.filename} begins", info.header_offset, at)
                if info.flag_bits & 1:
                    raise Fault(f"{info.filename} is encrypted")
                raw.seek(at)
                header = raw.read(30)
                name_length, extra_length = struct.unpack("<HH", header[26:30])
                at += 30 + name_length + extra_length + info.compress_size
                if info.flag_bits & 8:
                    raise Fault(f"{info.filename} has its sizes behind it")
            same("where the zip's directory begins", self.file.start_dir, at)
            raw.seek(0, 2)
            end = raw.tell()
            raw.seek(max(0, end - 22))
            same("the end of the zip", raw.read(4), b"PK\x05\x06")

    def read(self, name):
        try:
            return self.file.read(name)
        except zipfile.BadZipFile as error:
            raise Fault(f"it does not unpack: {error}") from error


class Directory:
    def __init__(self, root):
        self.root = root
        files = (it for it in root.rglob("*") if it.is_file())
        self.names = [it.relative_to(root).as_posix() for it in files]

    def read(self, name):
        return (self.root / name).read_bytes()


class Bundle:
    def __init__(self, path, key, report, authorities=None):
        self.files = Directory(path) if path.is_dir() else Zip(path)
        self.key, self.report, self.items, self.unproved = key, report, [], 0
        self.checkpoint, self.manifest, self.authorities = None, None, authorities

    def check(self):
        # Nothing else is to be believed where one of these fails.
        with self.report.naming("manifest.note"):
            self.read_manifest()
        if self.report.faults:
            return
        if "checkpoint" in self.files.names:
            with self.report.naming("checkpoint"):
                self.checkpoint = Checkpoint(self.read("checkpoint"), self.key, "the checkpoint")
        self.check_files()
        if STAMP in self.files.names:
            with self.report.naming(STAMP):
                self.check_stamp()
        for number, item in enumerate(self.manifest["items"]):
            with self.report.naming(item.get("path") or f"item {number}"):
                self.check_item(item)

    def check_stamp(self):
        """That the bundle's checkpoint extends one that was stamped."""
        note = self.read(STAMPED)
        check_bytes(note, self.read(STAMP), self.authorities)
        old, lines = Checkpoint(note, self.key, STAMPED), self.read(STAMP_PROOF).decode()
        proof = [bytes.fromhex(line) for line in lines.split()]
        new = self.checkpoint
        if not new or not extends(old.size, old.root, new.size, new.root, proof):
            raise Fault("the bundle's checkpoint is not shown to extend the stamped one")

    def read(self, name):
        if name not in self.files.names:
            raise Fault(f"{name} is missing")
        return self.files.read(name)

    def read_manifest(self):
        data = self.read("manifest.json")
        text = open_note(self.read("manifest.note"), self.key, "the manifest's note")
        same(
            "what is signed of manifest.json",
            f"muniment export manifest v1\n{len(data)}\n{sha256(data).hex()}\n",
            text,
        )
        manifest = json.loads(data)
        same("the manifest's members", list(manifest), ["head", "items", "files"])
        head = manifest["head"]
        same("the bundle's format", head["format"], "muniment-export")
        if head["version"] not in (1, 2):
            raise Fault(f"the bundle is of version {head['version']}, which is not known here")
        same("the bundle's origin", head["origin"], self.key.name)
        self.manifest = manifest

    def check_files(self):
        listed = {it["path"]: it for it in self.manifest["files"]}
        carried = {it["path"] for it in self.manifest["items"] if "path" in it and "span" not in it}
        for name in set(self.files.names) - set(listed) - carried - SIGNED:
            self.report.fault(name, "it is not in the manifest")
        for name, file in listed.items():
            with self.report.naming(name):
                data = self.read(name)
                same("its size", len(data), file["size"])
                same("its SHA-256", sha256(data).hex(), file["sha256"])

    def check_item(self, item):
        if converted := item.get("converted"):
            if converted["path"] not in {it["path"] for it in self.manifest["files"]}:
                raise Fault("its conversion is not among the files")
        elif "path" not in item:
            raise Fault("it has neither bytes nor a conversion")
        if "path" in item:
            data = self.bytes_of(item)
            same("the item's size", len(data), item["size"])
            same("the item's SHA-256", sha256(data).hex(), item["sha256"])
        if not item["proofs"]:
            raise Fault("it has no proof")
        for proof in item["proofs"]:
            self.check_proof(item, proof)
        self.items.append({key: item[key] for key in ("role", "size", "sha256")})

    def bytes_of(self, item):
        data = self.read(item["path"])
        if span := item.get("span"):
            data = data[span["offset"] : span["offset"] + span["length"]]
            same("the span's length", len(data), span["length"])
            # As mboxrd quotes: one `>` off each line of `>`s before `From `.
            data = re.sub(rb"(?m)^>(>*From )", rb"\1", data)
        return data

    def check_proof(self, item, proof):
        leaf, opening = Leaf(bytes.fromhex(proof["leaf"])), proof["opening"]
        same("the kind of the leaf", leaf.kind, DELIVERY)
        same("the record of the leaf", leaf.record.hex(), proof["record_id"].replace("-", ""))
        same("the number of commitments", opening["count"], leaf.count)
        role = ROLES[item["role"]]
        same("the opening's role", opening["role"], role)
        digest = bytes.fromhex(item["sha256"])
        made = commitment(bytes.fromhex(opening["salt"]), role, item["size"], digest)
        path = [bytes.fromhex(it) for it in opening["path"]]
        if not leads_to(opening["count"], opening["index"], leaf_hash(made), path, leaf.root):
            raise Fault("its commitment is not what the leaf holds")
        inclusion = proof.get("inclusion")
        if inclusion is None:
            self.unproved += 1
            return
        if self.checkpoint is None:
            raise Fault("it has an inclusion, and there is no checkpoint")
        path = [bytes.fromhex(it) for it in inclusion["path"]]
        size, root = self.checkpoint.size, self.checkpoint.root
        if not leads_to(size, inclusion["position"], leaf.hash, path, root):
            raise Fault("its leaf is not in the checkpoint's tree")

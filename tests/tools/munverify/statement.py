"""Statements: what was decided and looked at."""

import json

import zstandard

from crypto import ZERO_NONCE, gcm_open, hkdf
from leaf import ROLES, SEAL, commitment
from wire import Cut, Fault, same, sha256


class Statement:
    def __init__(self, data):
        cut = Cut(data, "the statement")
        cut.magic(b"MUNPOL")
        self.archive, self.number, self.follows = cut.take(16), cut.u64(), cut.u64()
        self.at, self.action = cut.i64(), cut.text()
        self.version, self.salt = cut.u32(), cut.take(32)
        self.bound, self.sealed, self.sha256 = cut.before(), cut.rest(), sha256(data)
        if self.follows > self.number:
            raise Fault("it follows a statement that comes after it")

    def check_leaf(self, leaf):
        """What can be checked without the master key."""
        same("the action in the leaf", leaf.label, self.action)
        same("the time in the leaf", leaf.at, self.at)

    def open(self, month_key, leaf):
        """The JSON, compared with the leaf where there is one."""
        key = hkdf(month_key, self.salt, b"muniment policy v1")
        frame = gcm_open(key, ZERO_NONCE, self.sealed, self.bound, "the statement")
        try:
            unpacked = zstandard.ZstdDecompressor().decompressobj()
            text = unpacked.decompress(frame)
        except zstandard.ZstdError as error:
            raise Fault(f"the statement holds no zstd frame: {error}") from error
        if not unpacked.eof or unpacked.unused_data:
            raise Fault("the statement does not hold one zstd frame exactly")
        if leaf is not None:
            salt = hkdf(key, None, b"muniment salt v1\n" + bytes(4))
            made = commitment(salt, ROLES["statement"], len(text), sha256(text))
            same("the commitment in the leaf", leaf.commitment, made)
        told = json.loads(text)
        if leaf is not None and leaf.kind == SEAL:
            rows = sum(len(table["rows"]) + len(table.get("gone", [])) for table in told["tables"])
            same("the number of rows in the leaf", leaf.rows, rows)
        return told


# Tables whose rows are known by their first two columns; of all others by the first.
TWO_KEYS = {"matter_member", "custodian_address", "hold_custodian"}


class Tables:
    """The catalog's tables, as the statements tell them in the log's order."""

    def __init__(self, statements, report):
        self.tables, self.columns = {}, {}
        acts = []
        for statement in statements:
            with report.naming(f"statement {statement.number}"):
                self.apply(statement.told)
                if statement.number == statement.follows:
                    acts.append(statement)
                    continue
                # A seal shows the tables as they were before the acts that it does not
                # follow.
                for act in acts:
                    if act.number > statement.follows:
                        self.apply(act.told)

    def apply(self, told):
        for table in told["tables"]:
            name, columns = table["table"], table["columns"]
            self.columns[name] = columns
            rows = self.tables.setdefault(name, {})
            keys = 2 if name in TWO_KEYS else 1
            if table["is_whole"]:
                rows.clear()
            for row in table["rows"]:
                if len(row) != len(columns):
                    raise Fault(f"a row of {name} has not as many values as columns")
                rows[tuple(row[:keys])] = row
            for gone in table.get("gone", []):
                rows.pop(tuple(gone), None)

    def rows(self, name):
        return [dict(zip(self.columns[name], row)) for row in self.tables.get(name, {}).values()]

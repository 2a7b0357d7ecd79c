"""What was found: faults by object, and notes on what is no fault."""

import contextlib

from wire import Blocked, Fault

WITHIN_MAX = 32


class Report:
    def __init__(self):
        self.faults, self.notes = [], []

    def fault(self, name, what, record=None):
        """Each object has one, and what was found of it after that (`within`), with the
        records that it touches."""
        found = self.of(name)
        if found is None:
            found = {"object": name, "what": what}
            self.faults.append(found)
        elif what != found["what"]:
            within = found.setdefault("within", [])
            if what not in within and len(within) < WITHIN_MAX:
                within.append(what)
        if record is not None:
            self.touch(name, record)

    def touch(self, name, record):
        """The fault of this object is one of the record too."""
        records = self.of(name).setdefault("records", [])
        if record.hex() not in records:
            records.append(record.hex())

    def of(self, name):
        return next((it for it in self.faults if it["object"] == name), None)

    def note(self, name, what):
        self.notes.append({"object": name, "what": what})

    def is_faulty(self, name):
        return self.of(name) is not None

    @contextlib.contextmanager
    def naming(self, name, record=None):
        """A fault inside is this object's, and touches the record."""
        try:
            yield
        except Fault as fault:
            self.fault(name, str(fault), record)
        except Blocked as blocked:
            what = name if record is None else f"record {record.hex()}"
            self.note(what, f"not checked: {blocked}")
        # Content that cannot be what it says, in whichever field: JSON, numbers, names.
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            self.fault(name, f"it is not as the format has it: {error!r}", record)

"""A second reader of Muniment's archives and exports, in another language.

    munverify archive BUCKET-DIRECTORY --master-key FILE [--master-key OLDER-FILE]...
    munverify archive BUCKET-DIRECTORY --log-key KEY
    munverify export BUNDLE --log-key KEY

It was written from src/vault/FORMAT.md and src/verify/BUNDLE.md, and shares no line
with the program. It reads a bucket's directory (or a bundle), checks all that can be
checked with the keys at hand, and prints what it found as JSON. `--checkpoint FILE`,
for archives, is one that was kept outside: the log must extend it. `--timestamp-ca FILE`
names authorities (PEM) whose time stamps are good, which openssl checks.

Exit codes: 0 all holds, 1 something does not, 2 nothing could be checked.
"""

import argparse
import json
import pathlib
import sys

from archive import Archive
from bucket import Bucket
from bundle import Bundle
from keyring import MasterKey
from note import LogKey
from report import Report
from wire import Fault


def main():
    parser = argparse.ArgumentParser(prog="munverify")
    commands = parser.add_subparsers(required=True)
    archive = commands.add_parser("archive")
    archive.add_argument("bucket", type=pathlib.Path)
    archive.add_argument("--master-key", type=pathlib.Path, action="append", default=[])
    archive.add_argument("--log-key")
    archive.add_argument("--checkpoint", type=pathlib.Path)
    archive.add_argument("--timestamp-ca", type=pathlib.Path)
    archive.set_defaults(command=check_archive)
    export = commands.add_parser("export")
    export.add_argument("bundle", type=pathlib.Path)
    export.add_argument("--log-key", required=True)
    export.add_argument("--timestamp-ca", type=pathlib.Path)
    export.set_defaults(command=check_export)
    arguments, report = parser.parse_args(), Report()
    try:
        found = arguments.command(arguments, report)
    except (Fault, OSError) as error:
        print(f"munverify: {error}", file=sys.stderr)
        sys.exit(2)
    found |= {"result": "faulty" if report.faults else "whole"}
    found |= {"faults": report.faults, "notes": report.notes}
    json.dump(found, sys.stdout, indent=1)
    print()
    sys.exit(1 if report.faults else 0)


def check_archive(arguments, report):
    masters = [MasterKey(path) for path in arguments.master_key]
    log_key = LogKey.parse(arguments.log_key) if arguments.log_key else None
    if not masters and not log_key:
        raise Fault("give the master key file or the log's public key")
    if not arguments.bucket.is_dir():
        raise Fault(f"{arguments.bucket} is no directory")
    archive = Archive(
        Bucket(arguments.bucket, report), report, masters, log_key, arguments.timestamp_ca
    )
    archive.check()
    if arguments.checkpoint:
        with report.naming(str(arguments.checkpoint)):
            archive.extends(arguments.checkpoint.read_bytes(), "the checkpoint")
    log = archive.log
    return {
        "archive": archive.id.hex(),
        "log_key": str(archive.log_key),
        "log": log and {"size": log.size, "leaves": len(log.entries), "checkpoints": len(log.checkpoints)},
        "records": archive.records,
        "parts": {"there": archive.parts.there, "checked": len(archive.parts.checked)},
        "erased": sorted(it.hex() for it in archive.erased),
        "statements": [
            {"number": it.number, "action": it.action, "at": it.at} for it in archive.statements
        ],
        "tables": archive.tables and {name: len(rows) for name, rows in archive.tables.tables.items()},
    }


def check_export(arguments, report):
    bundle = Bundle(
        arguments.bundle, LogKey.parse(arguments.log_key), report, arguments.timestamp_ca
    )
    bundle.check()
    size = bundle.checkpoint and bundle.checkpoint.size
    return {"items": bundle.items, "unproved": bundle.unproved, "checkpoint": size}


if __name__ == "__main__":
    main()

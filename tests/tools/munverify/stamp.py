"""Time stamps (RFC 3161): by openssl, where there are authorities to check with."""

import pathlib
import subprocess
import tempfile

from wire import Fault, sha256

# AlgorithmIdentifier of SHA-256, with the empty parameters or without, and the head of a
# hash: what stands before it in a stamp.
BEFORE = [
    bytes.fromhex("300d06096086480165030402010500") + b"\x04\x20",
    bytes.fromhex("300b0609608648016503040201") + b"\x04\x20",
]


def check_stamp(bucket, name, checkpoint, authorities):
    check_bytes(bucket.read(checkpoint), bucket.read(name), authorities)


def check_bytes(stamped, stamp, authorities):
    digest = sha256(stamped)
    if not any(before + digest in stamp for before in BEFORE):
        raise Fault("the time stamp is not of its checkpoint")
    if authorities is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        data, answer = pathlib.Path(folder, "data"), pathlib.Path(folder, "stamp")
        data.write_bytes(stamped)
        answer.write_bytes(stamp)
        command = ["openssl", "ts", "-verify", "-data", data, "-in", answer]
        said = subprocess.run(command + ["-CAfile", authorities], capture_output=True)
    if said.returncode != 0:
        raise Fault("openssl does not verify the time stamp")

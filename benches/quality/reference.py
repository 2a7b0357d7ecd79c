"""What other tools read of each file of a corpus, a text file for each.

    reference.py CORPUS OUT

OUT/TOOL/PATH.txt is what TOOL reads of CORPUS/PATH; what it refuses is not
there. Texts that are there are not made again. Tools that are not installed are
left out; `deploy/deps.sh quality` installs them.
"""

import email
import email.policy
import pathlib
import shutil
import subprocess
import sys
import tempfile

SECONDS = 60
BATCH = 10
CSV = "csv:Text - txt - csv (StarCalc):32,34,76,1,,0,false,true,false,false,false,-1"

COMMANDS = {
    "pdftotext": ("pdf", ["pdftotext", "-q", "{}", "-"]),
    "mutool": ("pdf", ["mutool", "draw", "-q", "-F", "text", "{}"]),
    "docx2txt": ("docx docm", ["docx2txt", "{}", "-"]),
    "antiword": ("doc", ["antiword", "-m", "UTF-8.txt", "-w", "0", "{}"]),
    "catdoc": ("doc", ["catdoc", "-d", "utf-8", "-w", "{}"]),
    "unrtf": ("rtf", ["unrtf", "--text", "{}"]),
    "odt2txt": ("odt odp ods odg", ["odt2txt", "--encoding=UTF-8", "{}"]),
    "xls2csv": ("xls", ["xls2csv", "-d", "utf-8", "{}"]),
    "catppt": ("ppt", ["catppt", "-d", "utf-8", "{}"]),
    "w3m": ("html htm", ["w3m", "-dump", "-O", "UTF-8", "-cols", "1000", "-T", "text/html", "{}"]),
    "msgconvert": ("msg", ["msgconvert", "--outfile", "-", "{}"]),
}
OFFICE = {
    "txt:Text (encoded):UTF8": "docx docm doc rtf odt",
    CSV: "xlsx xlsm xlsb xls ods",
    "pdf": "pptx pptm ppt odp odg",
}
GNUMERIC = "xlsx xlsm xls ods"


def run(command, stdin=None):
    try:
        done = subprocess.run(
            command,
            stdin=stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            # Some leave pictures where they stand.
            cwd=tempfile.gettempdir(),
        )
        return done.stdout if done.returncode == 0 else b""
    except (subprocess.TimeoutExpired, OSError):
        return b""


def message(content):
    """Headers that people read, and the texts of a message."""
    try:
        found = email.message_from_bytes(content, policy=email.policy.default)
        said = [str(found[name]) for name in ("Subject", "From", "To", "Cc") if found[name]]
        for part in found.walk():
            if part.get_content_type() == "text/plain":
                said.append(part.get_content())
        return "\n".join(said).encode("utf-8", "replace")
    except Exception:  # a library's own failure: it reads nothing
        return b""


class References:
    def __init__(self, corpus, out):
        self.corpus, self.out = corpus, out

    def place(self, tool, file):
        return self.out / tool / (str(file.relative_to(self.corpus)) + ".txt")

    def keep(self, tool, file, content):
        place = self.place(tool, file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    def missing(self, tool, files, suffixes):
        wanted = suffixes.split()
        return [
            file
            for file in files
            if file.suffix[1:].lower() in wanted and not self.place(tool, file).exists()
        ]

    def office(self, target, files, scratch):
        """Several files at once, and each alone where that fails."""
        for start in range(0, len(files), BATCH):
            batch = files[start : start + BATCH]
            named = {}
            for number, file in enumerate(batch):
                named[f"{number}{file.suffix}"] = file
                shutil.copy(file, scratch / f"{number}{file.suffix}")
            out = scratch / "out"
            shutil.rmtree(out, ignore_errors=True)
            base = ["soffice", f"-env:UserInstallation=file://{scratch}/user", "--headless"]
            base += ["--convert-to", target, "--outdir", str(out)]
            run(base + [str(scratch / name) for name in named])
            for name, file in named.items():
                stem = pathlib.Path(name).stem
                if not list(out.glob(f"{stem}*")):
                    run(base + [str(scratch / name)])
                found = b""
                for made in sorted([*out.glob(f"{stem}.*"), *out.glob(f"{stem}-*")]):
                    found += run(["pdftotext", "-q", made, "-"]) if target == "pdf" else made.read_bytes()
                    found += b"\n"
                self.keep("soffice", file, found)
                (scratch / name).unlink()

    def gnumeric(self, file, scratch):
        out = scratch / "sheets"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        run(["ssconvert", "-S", str(file), f"{out}/%n.csv"])
        self.keep("ssconvert", file, b"\n".join(made.read_bytes() for made in sorted(out.iterdir())))


def main():
    corpus, out = (pathlib.Path(path) for path in sys.argv[1:3])
    parts = [corpus / "attachments", corpus / "mime"]
    files = sorted(file for part in parts for file in part.rglob("*") if file.is_file())
    references = References(corpus, out)
    for file in files:
        if "mime" in file.relative_to(corpus).parts and not references.place("python", file).exists():
            references.keep("python", file, message(file.read_bytes()))
    for tool, (suffixes, command) in COMMANDS.items():
        if shutil.which(command[0]):
            for file in references.missing(tool, files, suffixes):
                found = run([part.replace("{}", str(file)) for part in command])
                references.keep(tool, file, message(found) if tool == "msgconvert" else found)
    with tempfile.TemporaryDirectory() as directory:
        scratch = pathlib.Path(directory)
        if shutil.which("soffice"):
            for target, suffixes in OFFICE.items():
                references.office(target, references.missing("soffice", files, suffixes), scratch)
        if shutil.which("ssconvert"):
            for file in references.missing("ssconvert", files, GNUMERIC):
                references.gnumeric(file, scratch)


main()

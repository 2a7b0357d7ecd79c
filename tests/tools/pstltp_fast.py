"""Runs pstltp.py with each folder's table read once, and only one of them in memory:
it reads the table again for every message in it, which takes hours where there are
thousands. Messages come folder by folder.

It begins with all of pstcheck.py, and tells its findings first, so that a large file
is gone through once.
usage: pstltp_fast.py PSTLTP FILE"""
import functools, os, sys

tool = sys.argv.pop(1)
sys.path.insert(0, os.path.dirname(os.path.abspath(tool)))
source = open(tool).read()


def instead(old, new):
    global source
    assert source.count(old) == 1, f"pstltp.py is not as it was: {old}"
    source = source.replace(old, new)


instead("ct=tc(*P.N[par&~31|0xE][:2]); row=dict(ct[2]).get(nid,{})",
        "ct,rows=contents(*P.N[par&~31|0xE][:2]); row=rows.get(nid,{})")
instead("    E,W,I=c.run(sys.argv[1]); P=c.P", "    E,W,I=c.run(sys.argv[1]); P=c.P; told(E,W)")
instead("    n=0\n    for nid in sorted(P.N):", "    n=0\n    for nid in sorted(P.N,key=place):")
space = {"__name__": "__main__", "__file__": tool}


def told(errors, warnings):
    print(f"ERRORS {len(errors)} WARN {len(warnings)}", errors[:15], warnings[:6], flush=True)


def place(nid):
    return space["c"].P.N[nid][2], nid


@functools.lru_cache(maxsize=1)
def contents(data, subnodes):
    columns, ends, rows, ids, matrix = space["tc"](data, subnodes)
    return (columns, ends, None, ids, matrix), {row: shown(cells) for row, cells in rows}


def shown(cells):
    """Times as properties show them, else each would seem to differ."""
    return {tag: v.to_bytes(8, "little") if tag & 0xFFFF == 0x40 else v for tag, v in cells.items()}


space["contents"] = contents
space["place"] = place
space["told"] = told
exec(compile(source, tool, "exec"), space)

"""Runs pstltp.py with each folder's table read once: it reads the table again for
every message in it, which takes hours where there are thousands.
usage: pstltp_fast.py PSTLTP FILE"""
import functools, os, sys

tool = sys.argv.pop(1)
sys.path.insert(0, os.path.dirname(os.path.abspath(tool)))
source = open(tool).read()
slow = "ct=tc(*P.N[par&~31|0xE][:2]); row=dict(ct[2]).get(nid,{})"
assert source.count(slow) == 1, "pstltp.py is not as it was"
source = source.replace(slow, "ct,rows=contents(*P.N[par&~31|0xE][:2]); row=rows.get(nid,{})")
space = {"__name__": "__main__", "__file__": tool}


@functools.lru_cache(maxsize=64)
def contents(data, subnodes):
    table = space["tc"](data, subnodes)
    return table, {row: shown(cells) for row, cells in table[2]}


def shown(cells):
    """Times as properties show them, else each would seem to differ."""
    return {tag: v.to_bytes(8, "little") if tag & 0xFFFF == 0x40 else v for tag, v in cells.items()}


space["contents"] = contents
exec(compile(source, tool, "exec"), space)

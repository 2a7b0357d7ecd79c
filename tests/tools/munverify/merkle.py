"""Merkle trees as in RFC 6962 section 2.1."""

from wire import sha256


def leaf_hash(entry):
    return sha256(b"\0", entry)


def node_hash(left, right):
    return sha256(b"\1", left, right)


def root(hashes):
    """The root over the hashes of leaves."""
    if not hashes:
        return sha256()
    # From below: a last one without a neighbour goes up as it is, which gives the
    # same tree as the recursion of the RFC.
    row = list(hashes)
    while len(row) > 1:
        paired = [node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = paired + row[len(paired) * 2 :]
    return row[0]


def leads_to(size, index, leaf, path, expected):
    """Whether an inclusion path leads from a leaf to the root (RFC 9162 section 2.1.3.2)."""
    if index >= size:
        return False
    node, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            found = node_hash(sibling, found)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and found == expected


def extends(old, old_root, new, new_root, proof):
    """Whether a proof shows that one tree extends another (RFC 9162 section 2.1.4.2)."""
    if old > new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof
    rest = list(proof)
    if old & (old - 1):
        if not rest:
            return False
        first = rest.pop(0)
    else:
        first = old_root
    node, last = old - 1, new - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    from_old = from_new = first
    for sibling in rest:
        if last == 0:
            return False
        if node & 1 or node == last:
            from_old, from_new = node_hash(sibling, from_old), node_hash(sibling, from_new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            from_new = node_hash(from_new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and from_old == old_root and from_new == new_root

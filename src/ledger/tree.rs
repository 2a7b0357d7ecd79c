//! Merkle trees as in RFC 6962 section 2.1: hashes, roots, inclusion and
//! consistency proofs. Trees are never held here: stored nodes are read
//! through a function, so that memory, tiles and catalog serve alike.

use crate::base::hash::{Digest, Hasher};

/// The longest proof: one hash per level of a tree of 2^64 leaves, plus the
/// first one of a consistency proof.
pub const PROOF_HASHES_MAX: usize = 65;

/// The hash of an entry (RFC 6962 section 2.1: prefix 0x00).
pub fn hash_leaf(entry: &[u8]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0x00]);
    hasher.update(entry);
    hasher.finish()
}

/// The hash over two subtrees (prefix 0x01).
pub fn hash_node(left: &Digest, right: &Digest) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(&[0x01]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

/// A node over a full, aligned subtree: leaves `index << level ..
/// (index + 1) << level`. Level 0 is the leaves' hashes. Such a node never
/// changes once its last leaf is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    pub level: u8,
    pub index: u64,
}

/// The root of the tree over the first `size` leaves.
pub fn root<E>(size: u64, mut read: impl FnMut(Node) -> Result<Digest, E>) -> Result<Digest, E> {
    if size == 0 {
        return Ok(Digest::of(b""));
    }
    range_root(0, size, &mut read)
}

/// The root of the tree over `leaves`, all in memory.
pub fn root_of(leaves: &[Digest]) -> Digest {
    never_fails(root(leaves.len() as u64, |node| Ok(node_of(leaves, node))))
}

/// The path from leaf `index` to the root of the tree of `size` leaves, lowest
/// sibling first. `None` where the tree has no such leaf.
pub fn inclusion_proof<E>(
    size: u64,
    index: u64,
    mut read: impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Option<Vec<Digest>>, E> {
    if index >= size {
        return Ok(None);
    }
    let (mut begin, mut end) = (0, size);
    let mut path = Vec::new();
    while end - begin > 1 {
        let middle = begin + split(end - begin);
        if index < middle {
            path.push(range_root(middle, end, &mut read)?);
            end = middle;
        } else {
            path.push(range_root(begin, middle, &mut read)?);
            begin = middle;
        }
    }
    path.reverse();
    Ok(Some(path))
}

/// [`inclusion_proof`] in a tree whose leaves' hashes are all in memory.
pub fn inclusion_proof_of(leaves: &[Digest], index: u64) -> Option<Vec<Digest>> {
    never_fails(inclusion_proof(leaves.len() as u64, index, |node| Ok(node_of(leaves, node))))
}

/// Whether `path` leads from `leaf` at `index` to `root` of `size` leaves
/// (RFC 9162 section 2.1.3.2).
pub fn verify_inclusion(
    size: u64,
    index: u64,
    leaf: &Digest,
    path: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            hash = hash_node(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = hash_node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// The proof that the tree of `old` leaves is the beginning of that of `new`
/// (RFC 6962 section 2.1.2). Empty where either is trivially so; `None` where
/// `old` is larger than `new`.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    mut read: impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Option<Vec<Digest>>, E> {
    if old > new {
        return Ok(None);
    }
    if old == 0 || old == new {
        return Ok(Some(Vec::new()));
    }
    let (mut begin, mut end) = (0, new);
    // Whether the old tree is still a whole subtree whose hash the verifier has.
    let mut is_known = true;
    let mut proof = Vec::new();
    while end != old {
        let middle = begin + split(end - begin);
        if old <= middle {
            proof.push(range_root(middle, end, &mut read)?);
            end = middle;
        } else {
            proof.push(range_root(begin, middle, &mut read)?);
            begin = middle;
            is_known = false;
        }
    }
    if !is_known {
        proof.push(range_root(begin, end, &mut read)?);
    }
    proof.reverse();
    Ok(Some(proof))
}

/// Whether `proof` shows that `new_root` extends `old_root`
/// (RFC 9162 section 2.1.4.2).
pub fn verify_consistency(
    old: u64,
    old_root: &Digest,
    new: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> bool {
    if old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    if old == 0 {
        return proof.is_empty() && *old_root == Digest::of(b"");
    }
    let (first, rest) = match (old.is_power_of_two(), proof) {
        (true, rest) => (*old_root, rest),
        (false, [first, rest @ ..]) => (*first, rest),
        (false, []) => return false,
    };
    let shared = (old - 1).trailing_ones();
    let (mut node, mut last) = ((old - 1) >> shared, (new - 1) >> shared);
    let (mut from_old, mut from_new) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            from_old = hash_node(sibling, &from_old);
            from_new = hash_node(sibling, &from_new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            from_new = hash_node(&from_new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && from_old == *old_root && from_new == *new_root
}

/// The root over leaves `begin..end`, where `begin` is aligned as the
/// recursion of RFC 6962 leaves it; reads only full nodes.
fn range_root<E>(
    begin: u64,
    end: u64,
    read: &mut impl FnMut(Node) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let mut begin = begin;
    // Left siblings still waiting for what stands to their right: at most one
    // per level.
    let mut waiting = Vec::new();
    while !(end - begin).is_power_of_two() {
        let middle = begin + split(end - begin);
        waiting.push(read(full_node(begin, middle))?);
        begin = middle;
    }
    let mut hash = read(full_node(begin, end))?;
    while let Some(left) = waiting.pop() {
        hash = hash_node(&left, &hash);
    }
    Ok(hash)
}

fn full_node(begin: u64, end: u64) -> Node {
    let level = (end - begin).trailing_zeros();
    Node { level: level as u8, index: begin >> level }
}

/// The largest power of two below `size`, for `size` > 1.
fn split(size: u64) -> u64 {
    1 << (size - 1).ilog2()
}

fn node_of(leaves: &[Digest], node: Node) -> Digest {
    let begin = (node.index << node.level) as usize;
    fold(&leaves[begin..begin + (1 << node.level)])
}

/// The root over a power of two of hashes.
pub(crate) fn fold(hashes: &[Digest]) -> Digest {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| hash_node(&pair[0], &pair[1])).collect();
    }
    row[0]
}

fn never_fails<T>(result: Result<T, std::convert::Infallible>) -> T {
    match result {
        Ok(value) => value,
        Err(never) => match never {},
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|i| hash_leaf(&i.to_be_bytes())).collect()
    }

    /// The recursion of RFC 6962 section 2.1, word for word.
    fn plain_root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [only] => *only,
            _ => {
                let k = split(leaves.len() as u64) as usize;
                hash_node(&plain_root(&leaves[..k]), &plain_root(&leaves[k..]))
            }
        }
    }

    /// The entries of certificate-transparency's reference tests.
    fn known_entries() -> Vec<Digest> {
        [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ]
        .iter()
        .map(|text| hash_leaf(&hex::decode(text).unwrap()))
        .collect()
    }

    #[test]
    fn known_roots() {
        let expected = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let entries = known_entries();
        for (size, root) in expected.iter().enumerate() {
            assert_eq!(root_of(&entries[..size]).to_string(), *root, "size {size}");
        }
    }

    #[test]
    fn known_inclusion_path() {
        // RFC 6962 section 2.1.3's tree of seven: the path of d0 is [b, h, l].
        let d = known_entries();
        let d = &d[..7];
        let b = d[1];
        let h = hash_node(&d[2], &d[3]);
        let l = hash_node(&hash_node(&d[4], &d[5]), &d[6]);
        assert_eq!(inclusion_proof_of(d, 0).unwrap(), [b, h, l]);
        assert_eq!(inclusion_proof_of(d, 6).unwrap().len(), 2);
        assert_eq!(inclusion_proof_of(d, 7), None);
    }

    #[test]
    fn every_leaf_proves_and_any_change_fails() {
        let all = leaves(130);
        for size in 1..=130_u64 {
            let tree = &all[..size as usize];
            let root = root_of(tree);
            assert_eq!(root, plain_root(tree));
            for index in 0..size {
                let leaf = tree[index as usize];
                let path = inclusion_proof_of(tree, index).unwrap();
                assert!(path.len() < PROOF_HASHES_MAX);
                assert!(verify_inclusion(size, index, &leaf, &path, &root));
                assert_changes_fail(size, index, leaf, &path, root);
            }
        }
    }

    fn assert_changes_fail(size: u64, index: u64, leaf: Digest, path: &[Digest], root: Digest) {
        let flip = |digest: Digest, bit: usize| {
            let mut bytes = digest.0;
            bytes[bit / 8] ^= 1 << (bit % 8);
            Digest(bytes)
        };
        // One bit of each hash, a different one each time.
        let bit = ((size * 131 + index * 7) % 256) as usize;
        assert!(!verify_inclusion(size, index, &flip(leaf, bit), path, &root));
        assert!(!verify_inclusion(size, index, &leaf, path, &flip(root, bit)));
        for at in 0..path.len() {
            let mut changed = path.to_vec();
            changed[at] = flip(changed[at], bit);
            assert!(!verify_inclusion(size, index, &leaf, &changed, &root));
        }
        let mut longer = path.to_vec();
        longer.push(leaf);
        assert!(!verify_inclusion(size, index, &leaf, &longer, &root));
        if let Some((_, shorter)) = path.split_last() {
            assert!(!verify_inclusion(size, index, &leaf, shorter, &root));
        }
        for bit in 0..64 {
            assert!(!verify_inclusion(size, index ^ (1 << bit), &leaf, path, &root));
        }
    }

    #[test]
    fn consistency_of_all_pairs() {
        let all = leaves(70);
        let roots: Vec<_> = (0..=70).map(|size| root_of(&all[..size])).collect();
        for new in 0..=70_u64 {
            for old in 0..=new {
                let read = |node| Ok(node_of(&all, node));
                let proof = never_fails(consistency_proof(old, new, read)).unwrap();
                let (old_root, new_root) = (roots[old as usize], roots[new as usize]);
                let holds =
                    |o: &Digest, n: &Digest, p: &[Digest]| verify_consistency(old, o, new, n, p);
                assert!(holds(&old_root, &new_root, &proof), "{old} {new}");
                let other = Digest::of(b"other");
                assert!(!holds(&other, &new_root, &proof));
                if old != 0 {
                    assert!(!holds(&old_root, &other, &proof));
                }
                for at in 0..proof.len() {
                    let mut changed = proof.clone();
                    changed[at].0[at % 32] ^= 0x10;
                    assert!(!holds(&old_root, &new_root, &changed));
                }
                let longer = [proof.as_slice(), &[other]].concat();
                assert!(!holds(&old_root, &new_root, &longer));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!holds(&old_root, &new_root, shorter));
                }
            }
        }
        assert!(!verify_consistency(2, &roots[2], 1, &roots[1], &[]));
    }

    #[test]
    fn sizes_at_the_end_of_the_range_do_not_overflow() {
        let digest = Digest::of(b"");
        let path = vec![digest; 64];
        assert!(!verify_inclusion(u64::MAX, u64::MAX - 1, &digest, &path, &digest));
        assert!(!verify_consistency(1 << 63, &digest, u64::MAX, &digest, &path));
        let read = |_| Ok(digest);
        never_fails(inclusion_proof(u64::MAX, 0, read)).unwrap();
        never_fails(consistency_proof(u64::MAX - 1, u64::MAX, read)).unwrap();
    }
}

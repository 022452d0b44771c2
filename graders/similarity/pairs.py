"""Pairs of submissions that agree, with how much of the smaller one, and in which passages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import sparse

from graders.similarity.shared import Fingerprinted, Shared, longest_shared
from graders.similarity.texts import Text
from graders.similarity.tokens import Passage
from graders.similarity.winnowing import Hashes, hashes_of, winnowed

LONGEST = 3  # passages of each pair
COMMON_SHARE = 0.3  # of the class: what more than that have is the usual answer
COMMON_LEAST = 4  # and more than so many, or two who share in a small class would hide themselves
ENOUGH = 25  # fingerprints, about 150 tokens: of a shorter text, agreement is no larger a share than of one so long


@dataclass(frozen=True)
class Pair:
    """Two submissions that agree.

    Attributes:
        left: one.
        right: the other.
        share: of the smaller one's fingerprints, those that the other has too.
        file: the file of one of them that agrees most with the other's whole.
        file_share: how much of that.
        passages: the longest passages that they share, the longest first.
    """

    left: Text
    right: Text
    share: float
    file: str
    file_share: float
    passages: tuple[Shared, ...]

    @property
    def most(self) -> float:
        """The larger of both shares."""
        return max(self.share, self.file_share)


def pairs_of(texts: Sequence[Text], given: Iterable[Passage], least: float) -> list[Pair]:
    """Return the pairs of which at least a share agrees, the largest share first.

    Args:
        texts: the submissions.
        given: what all were given; agreement in it does not count.
        least: the share, of the smaller submission or of one file, from 0 to 1.
    """
    known = _all_hashes(given)
    marked = [Fingerprinted(text, [winnowed(hashes_of(one), known) for one in text.passages]) for text in texts]
    by_file = [one.values() for one in marked]
    wholes = [set[int]().union(*files.values()) for files in by_file]
    common = _common(wholes)
    units = [(owner, file) for owner, files in enumerate(by_file) for file in sorted(files)]
    columns: dict[int, int] = {}
    whole = _matrix([one - common for one in wholes], columns)
    parts = _matrix([by_file[owner][file] - common for owner, file in units], columns)
    shared, shared_parts = _counts(whole, whole), _counts(parts, whole)
    sizes, part_sizes = _sizes(whole), _sizes(parts)
    found = []
    of_owner: dict[int, list[int]] = defaultdict(list)
    for row, (owner, _) in enumerate(units):
        of_owner[owner].append(row)
    for left, right in combinations(range(len(texts)), 2):
        if not shared[left, right] or texts[left].whose & texts[right].whose:
            continue
        share = shared[left, right] / max(ENOUGH, min(sizes[left], sizes[right]))
        rows = [(row, right) for row in of_owner[left]] + [(row, left) for row in of_owner[right]]
        file_share, file = max(
            (shared_parts[row, other] / max(ENOUGH, part_sizes[row]), units[row][1]) for row, other in rows
        )
        if max(share, file_share) >= least:
            passages = longest_shared(marked[left], marked[right], common, LONGEST)
            found.append(Pair(texts[left], texts[right], float(share), file, float(file_share), passages))
    return sorted(found, key=lambda pair: (-pair.most, -pair.share, pair.left.name, pair.right.name))


def common_most(submissions: int) -> int:
    """Return how many of so many submissions may share something before it counts as the usual answer."""
    return max(COMMON_LEAST, int(COMMON_SHARE * submissions))


def _all_hashes(passages: Iterable[Passage]) -> Hashes:
    found = [hashes_of(passage) for passage in passages]
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)


def _common(wholes: Sequence[Collection[int]]) -> set[int]:
    """Return the fingerprints that more than a share of the class has."""
    counts: dict[int, int] = defaultdict(int)
    for whole in wholes:
        for value in whole:
            counts[value] += 1
    return {value for value, count in counts.items() if count > common_most(len(wholes))}


def _matrix(rows: Sequence[Collection[int]], columns: dict[int, int]) -> sparse.csr_array:
    """Return which row has which fingerprint; `columns` learns the fingerprints that it does not know."""
    places = [[columns.setdefault(value, len(columns)) for value in row] for row in rows]
    starts = np.cumsum([0, *map(len, places)])
    flat = np.array([place for row in places for place in row], np.int64)
    return sparse.csr_array((np.ones(len(flat), np.int32), flat, starts), shape=(len(rows), max(1, len(columns))))


def _counts(rows: sparse.csr_array, wholes: sparse.csr_array) -> Mapping[tuple[int, int], int]:
    counted: Mapping[tuple[int, int], int] = (rows @ wholes.T).toarray()
    return counted


def _sizes(matrix: sparse.csr_array) -> Sequence[int]:
    sizes: Sequence[int] = np.diff(matrix.indptr)
    return sizes

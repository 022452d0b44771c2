"""The passages that two submissions share, found from the fingerprints that both have."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graders.similarity.texts import Text
from graders.similarity.tokens import Passage
from graders.similarity.winnowing import Fingerprint

PLACES = 4  # of a fingerprint that a text repeats


@dataclass(frozen=True)
class Shared:
    """A passage that two submissions share: its length in tokens, and file, first and last line in both."""

    tokens: int
    left: tuple[str, int, int]
    right: tuple[str, int, int]


@dataclass(frozen=True)
class Fingerprinted:
    """A submission with its fingerprints, passage by passage."""

    text: Text
    prints: Sequence[Sequence[Fingerprint]]

    def values(self) -> dict[str, set[int]]:
        """Return the distinct fingerprints of each file."""
        found: dict[str, set[int]] = defaultdict(set)
        for passage, prints in zip(self.text.passages, self.prints, strict=True):
            found[passage.file].update(one.value for one in prints)
        return found


class _Run(NamedTuple):
    """Equal tokens: how many, in which passages, from which token of each on."""

    length: int
    left: int
    right: int
    start: int
    other: int


def longest_shared(left: Fingerprinted, right: Fingerprinted, common: Collection[int], most: int) -> tuple[Shared, ...]:
    """Return the longest passages in which two submissions agree token by token, none of which overlap.

    Args:
        left: one.
        right: the other.
        common: fingerprints that do not count.
        most: how many passages to return.
    """
    chosen: list[Shared] = []
    for run in sorted(_runs(left, right, common), key=lambda run: (-run.length, *run)):
        shared = Shared(
            run.length,
            _place(left.text.passages[run.left], run.start, run.length),
            _place(right.text.passages[run.right], run.other, run.length),
        )
        if not any(_overlap(shared.left, one.left) or _overlap(shared.right, one.right) for one in chosen):
            chosen.append(shared)
        if len(chosen) == most:
            break
    return tuple(chosen)


def _runs(left: Fingerprinted, right: Fingerprinted, common: Collection[int]) -> Iterator[_Run]:
    there = _places(right, common)
    ends: dict[tuple[int, int, int], int] = {}  # by passages and their offset: up to where a run was found
    for number, prints in enumerate(left.prints):
        for one in prints:
            for other, at in there.get(one.value, ()):
                if one.at >= ends.get((number, other, at - one.at), 0):
                    tokens = (left.text.passages[number].tokens, right.text.passages[other].tokens)
                    before, after = _reach(*tokens, one.at, at)
                    ends[number, other, at - one.at] = one.at + after
                    if after:
                        yield _Run(before + after, number, other, one.at - before, at - before)


def _places(marked: Fingerprinted, common: Collection[int]) -> Mapping[int, Sequence[tuple[int, int]]]:
    """Return the passages, and places in them, where a submission has its fingerprints."""
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, prints in enumerate(marked.prints):
        for one in prints:
            if one.value not in common and len(places[one.value]) < PLACES:
                places[one.value].append((number, one.at))
    return places


def _reach(left: Sequence[str], right: Sequence[str], at: int, other: int) -> tuple[int, int]:
    """Return how many tokens agree before two places, and from there on."""
    before = after = 0
    while before < min(at, other) and left[at - before - 1] == right[other - before - 1]:
        before += 1
    while at + after < len(left) and other + after < len(right) and left[at + after] == right[other + after]:
        after += 1
    return before, after


def _place(passage: Passage, start: int, length: int) -> tuple[str, int, int]:
    return passage.file, passage.lines[start], passage.lines[start + length - 1]


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    return one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]

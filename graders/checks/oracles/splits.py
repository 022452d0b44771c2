"""Splits of a data set: the items of each part, which together have each item once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from graders.authoring.describe import AsItIs, describe_call
from graders.authoring.expect import expect_length, plain
from graders.checks.kit.protocol import Kit


def drawn(loader: Any, call: str) -> list[Any]:
    """Return the numbers of a loader's items, in order: in an indexed data set, the labels."""
    labels = (plain(expect_length(batch, 3, f"a batch of {call}")[1], f"the labels of {call}") for batch in loader)
    return [label for batch in labels for label in batch]


def expect_partition(parts: Sequence[Sequence[Any]], size: int, call: str) -> None:
    """Raise unless each of the items 0 to size - 1 is in exactly one part, once."""
    counts = Counter(number for part in parts for number in part)
    wrong = [number for number in range(size) if counts[number] != 1]
    if wrong or len(counts) != size:
        raise AssertionError(
            f"{call}: of {size} items, {sum(counts[n] == 0 for n in wrong)} are in no part and "
            f"{sum(counts[n] > 1 for n in wrong)} are there more than once; expected each in exactly one part."
        )


def expect_batches(loader: Any, size: int, call: str) -> None:
    """Raise unless the batches of a loader of numbered items have `size` items each, the last one what is left."""
    sizes = [len(plain(expect_length(batch, 3, f"a batch of {call}")[1], call)) for batch in loader]
    count = sum(sizes)
    right = [size] * (count // size) + [count % size] * (count % size > 0)
    if sizes != right:
        raise AssertionError(f"{call} has batches of {sizes} items; expected {right}.")


def split_call(size: int, *args: int, **options: Any) -> str:
    """Return the call that splits a data set of `size` numbered items, as a student would write it."""
    return describe_call("torch_train_val_split", (AsItIs(f"{size} items"), *args), options)


def split(lab: Any, kit: Kit, size: int, *args: int, **options: Any) -> tuple[Any, str]:
    """Split a data set of `size` numbered items; return the loaders and the call."""
    call = split_call(size, *args, **options)
    parts = 3 if options.get("test_size") else 2
    loaders = lab.step04_dataset.torch_train_val_split(kit.indexed_dataset(size), *args, **options)
    return expect_length(loaders, parts, call), call

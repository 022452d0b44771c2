"""Splits of a data set: the items of each part, which together have each item once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from graders.authoring.describe import describe_call
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


def split(lab: Any, kit: Kit, size: int, *args: int, **options: Any) -> tuple[Any, str]:
    """Split a data set of `size` numbered items; return the loaders and the call."""
    call = describe_call("torch_train_val_split", (f"{size} items", *args), options)
    parts = 3 if options.get("test_size") else 2
    loaders = lab.step04_dataset.torch_train_val_split(kit.indexed_dataset(size), *args, **options)
    return expect_length(loaders, parts, call), call

"""The fuzzers' generators for a few seconds, and what the fuzzers are made of."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from . import hearing, reading
from .__main__ import main
from .choices import Choices
from .watch import Limits, Watch

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
inputs = st.binary(min_size=20, max_size=400)


@settings(STEADY, max_examples=500)
@given(inputs)
def test_whatever_a_worker_writes_a_judge_hears_plain_data_or_an_outcome(data: bytes) -> None:
    hearing.hear(data)


@settings(STEADY, max_examples=200)
@given(kind=st.sampled_from(range(8)), data=inputs)
def test_whatever_is_handed_in_is_read_or_refused(kind: int, data: bytes, tmp_path: Path) -> None:
    reading.target(tmp_path)(bytes([kind]) + data)


@pytest.mark.parametrize(
    "answer",
    [
        [1, np.empty(0), 1],
        [1, np.zeros(2), {}],
        [1, torch.zeros(2)],
        [np.zeros(2), "value", 1],
        [1, np.array(["value"]), 1],
        [1.0, "value", 1],
        [True, "value", 1],
        [1, "ask", [np.zeros(2)]],
        [1, "error", {"bases": np.zeros(2), "type": np.zeros(2), "text": {}, "frames": [[np.zeros(2), 1, "f"]]}],
        np.zeros((3, 2)),
        {1: "value"},
        [],
    ],
    ids=repr,
)
def test_an_answer_may_hold_anything_in_any_place(answer: object) -> None:
    hearing.listen(hearing.frame(answer), in_a_call=True)


@pytest.mark.parametrize("number", range(len(hearing.seeds()) // 20))
def test_seeds_of_frames(number: int) -> None:
    hearing.hear(hearing.seeds()[number])


def test_seeds_of_submissions(tmp_path: Path) -> None:
    suffixes = {reading.submission(Choices(seed))[0] for seed in reading.seeds()}
    for seed in reading.seeds()[:40]:
        reading.target(tmp_path)(seed)

    assert suffixes >= {".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".ipynb"}


def test_the_same_bytes_make_the_same_choices() -> None:
    first, again = (Choices(bytes(range(50))) for _ in range(2))

    assert [first.below(7) for _ in range(60)] == [again.below(7) for _ in range(60)]
    assert first.spent
    assert (first.below(1000), first.take(5), first.rarely()) == (0, b"", False)


def test_a_watch_tells_what_passes_its_limits() -> None:
    hoard: list[mmap.mmap] = []

    def leak(data: bytes) -> None:
        hoard.append(mmap.mmap(-1, 1 << 20))
        hoard[-1].write(data * (1 << 20))

    watch = Watch(leak, 40, Limits(0.0, 16 << 20))
    for _ in range(40):
        watch(b"x")

    assert watch.tried == 40
    assert "40 inputs, the slowest" in str(watch)
    assert [finding.split()[0] for finding in watch.findings()] == ["an", "memory"]


def test_what_a_target_raises_is_a_finding() -> None:
    with pytest.raises(ZeroDivisionError):
        Watch(lambda _: 1 / 0, 1, Limits(1.0, 1 << 20))(b"")  # type: ignore[arg-type]


def test_without_the_fuzzer_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "atheris", None)
    result = CliRunner().invoke(main, ["frames", "--runs", "1"])

    assert result.exit_code == 1
    assert "pip install -c constraints.txt --group fuzz" in result.output

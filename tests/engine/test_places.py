"""The folders of judges: in memory only where there is room, and none is left behind by a judge that was killed."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from graders.judging import places
from graders.judging.confined import ConfinedSubject
from graders.judging.places import Place, fast_folder, filled_place, remove_abandoned
from tests.support import COURSE, ROOT

PAGE = 4096
KILLED = "import sys, time; from graders.judging.places import Place; print(Place(sys.argv[1]).path, flush=True); time.sleep(60)"


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder that stands for the file system in memory."""
    folder = tmp_path / "memory"
    folder.mkdir()
    monkeypatch.setattr(places, "SHARED_MEMORY", folder)
    return folder


def with_room(monkeypatch: pytest.MonkeyPatch, pages: int, names: int, of_names: int = 1000) -> None:
    room = SimpleNamespace(f_frsize=PAGE, f_bavail=pages, f_files=of_names, f_favail=names)
    monkeypatch.setattr("os.statvfs", lambda _: room)


@pytest.mark.parametrize(
    ("pages", "names", "of_names", "fits"),
    [(6, 6, 9, True), (5, 6, 9, False), (6, 5, 9, False), (6, 0, 0, True)],
)
def test_files_fit_if_there_are_pages_and_names_for_twice_as_many(
    memory: Path, monkeypatch: pytest.MonkeyPatch, pages: int, names: int, of_names: int, fits: bool
) -> None:
    with_room(monkeypatch, pages, names, of_names)
    assert fast_folder([1, 2, PAGE]) == (str(memory) if fits else None)


def test_what_finds_no_room_in_memory_is_written_to_disk(memory: Path) -> None:
    tried = []

    def fill(folder: Path) -> None:
        tried.append(folder.parent)
        (folder / "half").touch()
        if folder.parent == memory:
            raise OSError(errno.ENOSPC, "No space left on device")

    with filled_place([1], fill) as place:
        assert (place / "half").is_file()
        assert list(memory.iterdir()) == []
    assert not place.exists()
    assert tried == [memory, place.parent]


def test_a_full_disk_is_told_and_leaves_nothing(memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def fill(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"), filled_place([1], fill):
        pass
    assert list(tmp_path.iterdir()) == [memory]
    assert list(memory.iterdir()) == []


def test_where_no_folder_can_be_made_instead_that_is_told(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))

    def fill(_: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(FileNotFoundError, match="none"), filled_place([1], fill):
        pass
    assert list(memory.iterdir()) == []


def test_inputs_of_checks_are_written_to_disk_where_memory_is_full(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    control, other = socket.socketpair()
    with control, other, ConfinedSubject(COURSE, control, tmp_path, 0) as subject:
        assert memory in subject.inputs().parents
        with_room(monkeypatch, 1, 1)
        folder = subject.inputs()
        assert memory not in folder.parents
        assert subject.shown(f"{folder}/a.npy is missing") == f"{folder.name}/a.npy is missing"
    assert list(memory.iterdir()) == []


def test_a_killed_judge_s_folders_are_removed_and_no_other_s(memory: Path) -> None:
    command = [sys.executable, "-c", KILLED, str(memory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as judge:
        assert judge.stdout
        abandoned = Path(judge.stdout.readline().strip())
        used, other = Place(str(memory)), memory / "graders-judgement"
        other.mkdir()
        remove_abandoned()
        assert abandoned.is_dir()
        judge.send_signal(signal.SIGKILL)
    (abandoned / "deep").mkdir()
    (abandoned / "deep").chmod(0)
    remove_abandoned()
    assert set(os.listdir(memory)) == {used.path.name, other.name}
    used.remove()
    assert list(memory.iterdir()) == [other]

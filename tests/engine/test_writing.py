"""What commands write where the user says: whole or not at all, or to standard output."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest

from graders.commands.writing import STDOUT, write, write_folder


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "grades.csv"
    file.write_text("before", encoding="utf-8")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(click.UsageError, match=r"--csv .*grades\.csv: cannot be written \(No space left on device\)"):
        write("--csv", file, "after")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [("grades.csv", "before")]


def test_a_file_keeps_its_permissions_and_a_link_its_target(tmp_path: Path) -> None:
    file, link = tmp_path / "grades.csv", tmp_path / "link.csv"
    file.write_text("before", encoding="utf-8")
    file.chmod(0o600)
    link.symlink_to(file)
    write("--csv", link, "βαθμοί")
    assert (file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777) == ("βαθμοί", 0o600)
    assert link.is_symlink()


def test_a_device_stays_one() -> None:
    write("--to", Path(os.devnull), "x")
    assert not Path(os.devnull).is_file()


def test_standard_output_has_the_same_bytes(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write("--to", STDOUT, b"\xef\xbb\xbfid\r\n")
    assert capfdbinary.readouterr().out == b"\xef\xbb\xbfid\r\n"


def test_no_folder_is_made_but_where_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(click.UsageError, match="cannot be written"):
        write("--to", tmp_path / "missing" / "x.xml", "x")
    assert list(tmp_path.iterdir()) == []
    write_folder("--dolos", tmp_path / "a" / "b", {"info.csv": b"x"})
    with pytest.raises(click.UsageError, match="--dolos"):
        write_folder("--dolos", tmp_path / "a" / "b" / "info.csv", {})

"""What commands write where the user says: into a file, whole or not at all, or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from graders.results.files import write_whole

STDOUT = Path("-")


def file_option(name: str, parameter: str, text: str, **options: Any) -> Callable[..., Any]:
    """Take a file to write; `-` is standard output."""
    kind = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
    return click.option(name, parameter, type=kind, help=f"{text} ('-' prints it).", **options)


def write(option: str, to: Path, content: bytes | str) -> None:
    """Write a file, or to standard output; the bytes are the same in both.

    Args:
        option: how the command line names the file.
        to: the file, or `STDOUT`.
        content: text is written in UTF-8.

    Raises:
        UsageError: it cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    if to == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    try:
        if to.exists() and not to.is_file():  # a pipe or a device stays what it is
            to.write_bytes(data)
        else:
            write_whole(to.resolve(), data)
    except OSError as error:
        raise click.UsageError(f"{option} {to}: cannot be written ({error.strerror}).") from error


def write_folder(option: str, folder: Path, files: Mapping[str, bytes | str]) -> None:
    """Write files into a folder, which is made where there is none.

    Raises:
        UsageError: it, or one of them, cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.UsageError(f"{option} {folder}: cannot be written ({error.strerror}).") from error
    for name, content in files.items():
        write(option, folder / name, content)

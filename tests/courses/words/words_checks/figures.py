"""The figures of the course on words: what students' code makes of a text, as SVG."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from graders.authoring.figures import Figure


def _cipher(words: Any, _: Path) -> bytes:
    shown = words.step02_ciphers.shift("to tell the tale", 3)
    return f'<svg xmlns="http://www.w3.org/2000/svg"><text y="20">{shown}</text></svg>'.encode()


def _undone(words: Any, _: Path) -> bytes:
    shown = words.step02_ciphers.unshift("wr whoo wkh wdoh", 3)
    return f'<svg xmlns="http://www.w3.org/2000/svg"><text y="20">{shown}</text></svg>'.encode()


FIGURES = (
    Figure(2, "cipher.svg", "a text in a cipher", _cipher),
    Figure(2, "undone.svg", "the text again", _undone),
)

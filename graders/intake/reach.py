"""Which files of a submission the code of one step can reach.

Nothing is parsed: some sources keep Python's parser busy for minutes. Instead a file is taken to be reachable if
reachable files name it and its folders anywhere, which is too much rather than too little. A step's worker is given
these files and no others, so that what the step cannot reach cannot decide its verdicts either.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePosixPath

DIGITS = b"0123456789"
# Makes each byte a space that can be no part of a name; of what is not ASCII, all may be: letters, and their marks.
ONLY_NAMES = re.sub(rb"[^0-9A-Za-z_\x80-\xff]", b" ", bytes(range(256)))
# No file has a longer name, and normalising takes time that grows with the square of the length.
WORD_CHARACTERS = 255
# With these, code may import what it does not name.
DYNAMIC = frozenset("__import__ __loader__ __path__ __spec__ import_module importlib pkgutil runpy".split())

NAMES = 1000  # of files; those of a course are the same in its whole class


class Reach:
    """Which of a submission's files name which others.

    Args:
        files: the submission's, by path inside its package.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files
        self._names = {name: _names(name) for name in files}
        every = DYNAMIC.union(*self._names.values())
        self._wanted = {word.encode("utf-8", "replace"): word for word in every}
        self._said: dict[str, frozenset[str]] = {}

    def of(self, modules: Collection[str]) -> dict[str, bytes]:
        """Return the files that the code of some step modules can reach, in the order of the submission.

        Args:
            modules: names of the step modules.
        """
        lacking = {name: set(words) for name, words in self._names.items()}
        users: dict[str, list[str]] = defaultdict(list)
        for name, words in lacking.items():
            for word in words:
                users[word].append(name)
        reached: set[str] = set()
        waiting = [name for name in ("__init__.py", *(f"{module}.py" for module in modules)) if name in self._files]
        while waiting:
            name = waiting.pop()
            if name in reached:
                continue
            reached.add(name)
            said = self._said_in(name)
            if not said.isdisjoint(DYNAMIC):
                return dict(self._files)
            for word in said & users.keys():
                for user in users.pop(word):
                    lacking[user].discard(word)
                    if not lacking[user]:
                        waiting.append(user)
        # A module inside a folder also runs the folder's `__init__.py`, whatever else names that.
        for name in list(reached):
            reached.update(init for init in _inits(name) if init in self._files)
        return {name: data for name, data in self._files.items() if name in reached}

    def _said_in(self, name: str) -> frozenset[str]:
        """Return the words of a file that matter."""
        if name not in self._said:
            said = self._wanted.keys() & _words(self._files[name])
            self._said[name] = frozenset(self._wanted[word] for word in said)
        return self._said[name]


@functools.lru_cache(maxsize=NAMES)
def _names(name: str) -> frozenset[str]:
    """Return the words all of which code has to write somewhere to import a file: its own name, and its folders'."""
    path = PurePosixPath(name)
    own = () if path.name == "__init__.py" else (path.stem,)
    return frozenset((*path.parent.parts, *own))


def _inits(name: str) -> Iterable[str]:
    return (str(folder / "__init__.py") for folder in PurePosixPath(name).parents)


def _words(source: bytes) -> set[bytes]:
    """Return the words of a source, and what an import reads of those that it reads otherwise, in UTF-8."""
    words = set(source.translate(ONLY_NAMES).split())
    plain = source.isascii()
    odd = [word for word in words if not (plain or word.isascii()) or (word[0] in DIGITS and not word.isdigit())]
    return words.union(map(_normal, odd))


def _normal(word: bytes) -> bytes:
    """Return a word in its normal form, without the digits before it; nothing if it is too long for a name."""
    text = word.lstrip(DIGITS).decode("utf-8", "replace")
    return unicodedata.normalize("NFKC", text).encode() if len(text) <= WORD_CHARACTERS else b""

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

# Whatever is not ASCII may be part of a name: letters, and the marks that some are written with.
WORD = re.compile(r"[A-Za-z_\x80-\U0010ffff][0-9A-Za-z_\x80-\U0010ffff]*")
# No file has a longer name, and normalising takes time that grows with the square of the length.
WORD_CHARACTERS = 255
# With these, code may import what it does not name.
DYNAMIC = frozenset("__import__ __loader__ __path__ __spec__ import_module importlib pkgutil runpy".split())

FILES = 64  # whose words are kept: those of a submission, of which each step asks for some
NAMES = 1000  # of files; those of a course are the same in its whole class


def reachable(files: Mapping[str, bytes], modules: Collection[str]) -> dict[str, bytes]:
    """Return the files that the code of some step modules can reach, in the order of the submission.

    Args:
        files: the submission's, by path inside its package.
        modules: names of the step modules.
    """
    lacking = {name: set(_names(name)) for name in files}
    users: dict[str, list[str]] = defaultdict(list)
    for name, words in lacking.items():
        for word in words:
            users[word].append(name)
    reached: set[str] = set()
    waiting = [name for name in ("__init__.py", *(f"{module}.py" for module in modules)) if name in files]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        said = _words(files[name])
        if not said.isdisjoint(DYNAMIC):
            return dict(files)
        for word in said & users.keys():
            for user in users.pop(word):
                lacking[user].discard(word)
                if not lacking[user]:
                    waiting.append(user)
    # A module inside a folder also runs the folder's `__init__.py`, whatever else names that.
    for name in list(reached):
        reached.update(init for init in _inits(name) if init in files)
    return {name: data for name, data in files.items() if name in reached}


@functools.lru_cache(maxsize=NAMES)
def _names(name: str) -> frozenset[str]:
    """Return the words all of which code has to write somewhere to import a file: its own name, and its folders'."""
    path = PurePosixPath(name)
    own = () if path.name == "__init__.py" else (path.stem,)
    return frozenset((*path.parent.parts, *own))


def _inits(name: str) -> Iterable[str]:
    return (str(folder / "__init__.py") for folder in PurePosixPath(name).parents)


@functools.lru_cache(maxsize=FILES)
def _words(source: bytes) -> frozenset[str]:
    words = {word for word in WORD.findall(source.decode("utf-8", "replace")) if len(word) <= WORD_CHARACTERS}
    return frozenset(word if word.isascii() else unicodedata.normalize("NFKC", word) for word in words)

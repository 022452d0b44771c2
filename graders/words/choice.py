"""Which language: the one that a command line names, or else the locale's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from graders.outcomes import BadInput
from graders.words.spoken import ENGLISH, ENGLISH_WORDS, Words, words_of

OWN_WORDS = Path(__file__).parent
VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")  # in the order in which gettext asks them


def translated(folders: Iterable[Path]) -> set[str]:
    """Return the codes of the languages that some folders have catalogues for."""
    return {path.parent.name for folder in folders for path in folder.glob("*/*.po")}


def languages(folders: Iterable[Path]) -> list[str]:
    """Return the codes of the languages that some folders have catalogues for, and English."""
    return sorted({ENGLISH, *translated(folders)})


def chosen_words(wanted: str, environment: Mapping[str, str], folder: Path | None = None) -> Words:
    """Return the words in which people are spoken to.

    Args:
        wanted: the code of a language, or empty for the locale's; what no catalogue speaks is then English.
        environment: the variables that say the locale.
        folder: that with a course's words, which count before the engine's.

    Raises:
        BadInput: a language is wanted that nobody has translated to.
    """
    folders = [*([folder] if folder else []), OWN_WORDS]
    known = languages(folders)
    if wanted and wanted not in known:
        raise BadInput(f"--lang {wanted}: nothing is translated to this language; take one of {', '.join(known)}.")
    language = wanted or next((one for one in _of_locale(environment) if one in known), ENGLISH)
    return words_of(language, folders) if language != ENGLISH else ENGLISH_WORDS


def _of_locale(environment: Mapping[str, str]) -> list[str]:
    """Return the languages that the locale wants: `el_GR.UTF-8` is `el_GR`, or else `el`."""
    said = next((value for name in VARIABLES if (value := environment.get(name))), "")
    names = [one.partition(".")[0].partition("@")[0] for one in said.split(":")]
    return [code for name in names for code in (name, name.partition("_")[0])]

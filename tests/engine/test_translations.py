"""The translations of the engine and of this course: whole, without what nobody says, and readable by gettext's tools."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.pofile import read_po as read_with_babel

from graders.course import ENGINE, PROJECT, Course, load_course
from graders.release.kit import COMMAND
from graders.results.imports import sources_of
from graders.translating.catalogues import languages_of, problems_of, texts_by_file
from graders.translating.sources import engine_texts, texts_of_module
from graders.words.choice import OWN_WORDS
from graders.words.po import read_po
from tests.support import ROOT

OWN = load_course()
ENGLISH = re.compile(r"\b(?:the|of|and|are|not|than|raises|which|that|what|expected|there|has|have)\b")
ENGINE_AND_COURSE = [pytest.param(None, id="engine"), pytest.param(OWN, id="course")]
# Modules behind what students use whose words are for others.
TO_OTHERS = {
    # who writes or grades a course
    "authoring/check.py", "course.py", "feedback/terminal.py", "grading/pace.py", "judging/collection.py",
    "judging/rubric.py", "libraries.py", "questions.py", "results/claim.py", "sandbox/confinement.py", "spreadsheets.py",
    "words/po.py",
    # the two processes of a sandbox, of each other
    "sandbox/channel.py", "sandbox/wire.py", "sandbox/worker.py",
    # names of styles and of states, and what `--help` says
    "feedback/checks.py", "notebooks/showing.py", "pages/rendering.py", "results/schema.py", "sandbox/layers.py", "student.py",
    # the rest of a notebook's cells is that of the skeletons, in English
    "notebooks/handout.py",
    # in the place of what an exception says, which stays as it is
    "notebooks/sections.py", "text.py",
}  # fmt: skip


def folder_of(course: Course | None) -> Path:
    folder = course.words_folder if course else OWN_WORDS
    assert folder is not None
    return folder


@pytest.mark.parametrize("course", ENGINE_AND_COURSE)
def test_all_that_students_read_is_translated_and_nothing_else_stands_there(course: Course | None) -> None:
    """`graders words` and `graders words --engine` bring the files up to date; then translate what is empty."""
    files = texts_by_file(course)
    languages = languages_of([folder_of(course)])
    assert "el" in languages
    problems = [
        str(problem)
        for (folder, name), texts in files.items()
        for language in languages
        for problem in problems_of(folder / language / name, texts)
    ]
    there = {path.relative_to(folder_of(course)) for path in folder_of(course).glob("*/*.po")}
    assert problems == []
    assert {path.name for path in there} == {name for _, name in files}
    assert sum(map(len, files.values())) > 300


def test_whatever_module_a_student_meets_what_it_says_is_translated() -> None:
    """A new module with words in it belongs to `SPEAKING` of `graders/translating/sources.py`, or into the list above."""
    folder = PROJECT / ENGINE
    met = sources_of([COMMAND, "graders.judging.confined", "graders.pages.submission"], {ENGINE: folder})
    translated = {one.text for one in engine_texts()}
    silent = {
        path.relative_to(folder).as_posix()
        for path in met
        if any(one.text not in translated for one in texts_of_module(path, prose=True))
    }
    assert silent == TO_OTHERS


@pytest.mark.parametrize("course", ENGINE_AND_COURSE)
def test_gettexts_own_tools_read_the_same_out_of_the_files(course: Course | None) -> None:
    for path in sorted(folder_of(course).glob("*/*.po")):
        language = path.parent.name
        mine, babels = read_po(path), read_with_babel(BytesIO(path.read_bytes()), language, abort_invalid=True)
        texts = {message.id: message.string for message in babels if isinstance(message.id, str) and message.id}
        plurals = {message.id[0]: tuple(message.string or ()) for message in babels if not isinstance(message.id, str)}
        assert (mine.texts, mine.plurals) == (texts, plurals), path
        assert not any(message.fuzzy for message in babels if message.id)
        assert [mine.form(number) for number in range(5)] == [int(number != 1) for number in range(5)]
        assert mine.header["X-Decimal"] == Locale.parse(language).number_symbols["latn"]["decimal"]


def test_no_translation_is_half_english() -> None:
    for path in sorted([*folder_of(None).glob("el/*.po"), *folder_of(OWN).glob("el/*.po")]):
        for english, greek in read_po(path).texts.items():
            bare = re.sub(r"`[^`]*`|\{\w+\}|'[^']*'|[\w.]+\([^()]*\)|[(\[][^()\[\]]*[)\]]", " ", greek)
            assert greek == english or not ENGLISH.search(bare), (path, english)


def test_the_wheel_holds_the_translations() -> None:
    listed = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for path in [*folder_of(None).glob("*/*.po"), *folder_of(OWN).glob("*/*.po")]:
        pattern = f'"{path.parents[1].relative_to(ROOT / "graders").as_posix()}/*/*.po"'
        assert pattern in listed, path

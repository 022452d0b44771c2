"""The translations of the engine and of this course: whole, without what nobody says, and readable by gettext's tools."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path

import click
import pytest
from babel import Locale
from babel.messages.pofile import read_po as read_with_babel

from graders import cli, student
from graders.course import ENGINE, PROJECT, Course, load_course
from graders.release.kit import COMMAND
from graders.results.imports import sources_of
from graders.translating.catalogues import problems_of, texts_by_file
from graders.translating.sources import engine_texts, instructor_texts, texts_of_module
from graders.words.choice import OWN_WORDS, chosen_words, translated
from graders.words.matching import DEMANDING, words_left
from graders.words.po import read_po
from graders.words.templates import Template, templates_of
from tests.support import ROOT

OWN = load_course()
ENGLISH = re.compile(r"\b(?:the|of|and|are|not|than|raises|which|that|what|expected|there|has|have)\b")
# What stands in places for calls and for what students' code says.
FILLED = {"call": "f(a, [2, 3])", "error": "no such file", "text": "some text here"}
ENGINE_AND_COURSE = [pytest.param(None, id="engine"), pytest.param(OWN, id="course")]
# Modules behind what students use whose words are for others.
TO_OTHERS = {
    # who writes or grades a course
    "authoring/check.py", "course.py", "feedback/terminal.py", "grading/pace.py", "judging/collection.py",
    "judging/rubric.py", "libraries.py", "questions.py", "results/claim.py", "results/files.py", "sandbox/confinement.py", "spreadsheets.py",
    "words/po.py",
    # the two processes of a sandbox, of each other
    "sandbox/channel.py", "sandbox/wire.py", "sandbox/worker.py",
    # names of styles and of states
    "feedback/checks.py", "notebooks/showing.py", "pages/rendering.py", "results/schema.py", "sandbox/layers.py",
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
    languages = sorted(translated([folder_of(course)]))
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


PAGES = sorted(path for room in ("pages", "marking") for path in (PROJECT / ENGINE / room / "templates").glob("*.j2"))
EXPRESSION = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
MARKUP = re.compile(r"<style.*?</style>|<script.*?</script>|<code>.*?</code>|<kbd>.*?</kbd>|<[^>]*>", re.DOTALL)
STYLES = re.compile(r"\{% block (?:\w*style|width|nonce) %\}.*?\{% endblock %\}", re.DOTALL)
SHOWN_ATTRIBUTE = re.compile(r'(?:aria-label|title|alt|data-silent|data-locked)="[^"]*[A-Za-z]{2}')


@pytest.mark.parametrize("page", PAGES, ids=[path.name for path in PAGES])
def test_no_word_of_a_page_stands_in_english_alone(page: Path) -> None:
    text = EXPRESSION.sub(" ", STYLES.sub(" ", page.read_text(encoding="utf-8")))
    assert re.findall(r"[A-Za-z]{2,}", MARKUP.sub(" ", text)) == []
    assert SHOWN_ATTRIBUTE.findall(text) == []


@pytest.mark.parametrize("command", [student.lab, cli.graders], ids=["lab", "graders"])
def test_what_help_says_of_each_command_and_option_is_translated(command: click.Group) -> None:
    words = chosen_words("el", {})
    context = click.Context(command)
    for one, parts in _commands(command, (command.name or "",)):
        for parameter in one.get_params(context):
            text = getattr(parameter, "help", None) or ""
            assert not text or words.text(text) != text or not words_left(text), (parts, parameter.name)
        for text in (one.help or "", one.epilog or ""):
            for paragraph in filter(None, re.split(r"\n\s*\n", inspect.cleandoc(text))):
                line = " ".join(paragraph.split())
                assert words.text(line) != line, parts


def _commands(command: click.Command, parts: tuple[str, ...]) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    yield command, parts
    for name, one in command.commands.items() if isinstance(command, click.Group) else ():
        yield from _commands(one, (*parts, name))


def test_a_message_is_told_by_the_translation_of_its_own_template() -> None:
    """No other template takes it, such as one whose place for a student's text would hold the rest of the sentence."""
    words = chosen_words("el", {}, OWN.words_folder)
    texts = {
        english: greek
        for path in sorted([*OWN_WORDS.glob("el/*.po"), *folder_of(OWN).glob("el/*.po")])
        for english, greek in read_po(path).texts.items()
    }
    alike: dict[tuple[str, ...], list[Template]] = {}
    for template in templates_of(texts):
        if template.weight >= DEMANDING:
            alike.setdefault(tuple(template.literals), []).append(template)
    misread = []
    for several in alike.values():
        for one in several:
            values = [FILLED.get(name, f"`{name}`") for name in one.names]
            told = {_filled(texts[other.text], other.names, values).rstrip(",") for other in several}
            if words.text(_filled(one.text, one.names, values)).rstrip(",") not in told:
                misread.append(one.text)
    assert len(alike) > 500
    assert misread == []


def _filled(text: str, names: Iterable[str], values: Iterable[str]) -> str:
    for name, value in zip(names, values, strict=True):
        text = text.replace(f"{{{name}}}", value)
    return text


def test_what_only_instructors_read_is_no_burden_of_students() -> None:
    of_students, of_instructors = ({one.text for one in texts()} for texts in (engine_texts, instructor_texts))
    assert not of_students & of_instructors
    assert "Hardest checks" in of_instructors
    assert "Check again after each save, until Ctrl-C." in of_students


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

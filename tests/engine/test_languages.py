"""What is written in English is shown in another language: catalogues, templates, numbers, and which language."""

from __future__ import annotations

from pathlib import Path

import pytest

from graders.outcomes import BadInput
from graders.student import main
from graders.words import choice
from graders.words.choice import chosen_words, languages
from graders.words.po import read_entries, read_po, written
from graders.words.spoken import ENGLISH_WORDS, Words, words_of
from graders.words.templates import template_of

HEADER = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n"X-Decimal: ,\\n"\n"X-Moment: %d.%m.%Y %H:%M\\n"\n'
ENTRIES = r"""
# of the translator
msgid "{call} returned {value}; expected a number."
msgstr "{call}: ήρθε {value}· αναμενόταν αριθμός."

msgid "{call} returned {got}; expected {right}."
msgstr "{call}: ήρθε {got}· αναμενόταν {right}."

msgid "{name} of {value} items"
msgstr "{name} με {value} στοιχεία"

msgid "the \"loss\" of {model}"
msgstr "η «απώλεια» από {model}"

msgid "Return the value."
msgstr "Επίστρεψε την τιμή."

msgid "Mend it first:"
msgstr "Διόρθωσέ το πρώτα:"

msgid "{call} raised {kind}: {text}"
msgstr "{call} προκάλεσε {kind}: {text}"

msgid "Step {step}: {points} of {most} points"
msgstr "Βήμα {step}: {points} από {most} βαθμούς"

msgid "{number} point"
msgid_plural "{number} points"
msgstr[0] "{number} βαθμός"
msgstr[1] "{number} βαθμοί"

#, fuzzy
msgid "not looked at"
msgstr "δεν έχει ελεγχθεί"

msgid "not translated"
msgstr ""
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    file = tmp_path / "words" / "el" / "some.po"
    file.parent.mkdir(parents=True)
    file.write_text(HEADER + ENTRIES, encoding="utf-8")
    return tmp_path / "words"


@pytest.fixture
def greek(folder: Path) -> Words:
    return words_of("el", [folder])


@pytest.mark.parametrize(
    ("english", "shown"),
    [
        ("Return the value.", "Επίστρεψε την τιμή."),
        ("Return the value", "Επίστρεψε την τιμή"),
        ("f(1) returned None; expected a number.", "f(1): ήρθε None· αναμενόταν αριθμός."),
        ("f(1) returned 2; expected 3.", "f(1): ήρθε 2· αναμενόταν 3."),
        ("f() returned list of 4 items; expected 3.", "f(): ήρθε list με 4 στοιχεία· αναμενόταν 3."),
        ('the "loss" of CNN returned 1; expected 2.', "η «απώλεια» από CNN: ήρθε 1· αναμενόταν 2."),
        ("f() returned 1; expected 2. Return the value.", "f(): ήρθε 1· αναμενόταν 2. Επίστρεψε την τιμή."),
        ("Mend it first: Return the value.", "Διόρθωσέ το πρώτα: Επίστρεψε την τιμή."),
        ("f(1) raised ValueError: Return the value.", "f(1) προκάλεσε ValueError: Return the value."),
        ("not looked at", "not looked at"),
        ("not translated", "not translated"),
        ("what nobody knows", "what nobody knows"),
        ("", ""),
    ],
)
def test_a_finished_text_is_told_by_the_template_that_it_is_made_from(greek: Words, english: str, shown: str) -> None:
    assert greek.text(english) == shown
    assert ENGLISH_WORDS.text(english) == english


def test_numbers_plurals_and_times_are_written_as_the_language_does(greek: Words) -> None:
    english = "Step {step}: {points} of {most} points"
    assert greek.say(english, step=4, points=2.5, most=24.0) == "Βήμα 4: 2,5 από 24 βαθμούς"
    assert ENGLISH_WORDS.say(english, step=4, points=2.5, most=24.0) == "Step 4: 2.5 of 24 points"
    for words, shown in (
        (greek, ["1 βαθμός", "0,5 βαθμοί", "3 βαθμοί"]),
        (ENGLISH_WORDS, ["1 point", "0.5 points", "3 points"]),
    ):
        assert [words.count("{number} point", "{number} points", number) for number in (1.0, 0.5, 3)] == shown
    assert greek.moment("2026-11-05T10:00:00+00:00") == "05.11.2026 10:00 UTC"
    assert ENGLISH_WORDS.moment("2026-11-05T10:00:00+00:00") == "2026-11-05 10:00 UTC"
    assert greek.moment("yesterday") == "yesterday"


def test_what_students_wrote_takes_no_time_and_stays(greek: Words) -> None:
    hostile = [
        " returned ; expected " * 150,
        "x of y items " * 250,
        "{call} returned {value}; " * 100,
        "\x00" * 3000,
        ". a" * 1300,
    ]
    for text in hostile:
        assert "ήρθε" not in greek.text(f"f() raised ValueError: {text}")


@pytest.mark.parametrize("variable", ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"])
@pytest.mark.parametrize(
    ("locale", "language"),
    [("el_GR.UTF-8", "el"), ("el", "el"), ("el_CY", "el"), ("el_GR@euro", "el"), ("de:el", "el"), ("C.UTF-8", "en"), ("de_DE", "en"), ("en_US.UTF-8:el", "en")],
)  # fmt: skip
def test_the_locale_chooses_a_language(folder: Path, variable: str, locale: str, language: str) -> None:
    assert chosen_words("", {variable: locale}, folder).language == language


def test_the_first_of_the_variables_and_the_command_line_before_them_count(folder: Path) -> None:
    assert chosen_words("", {"LANG": "el_GR", "LC_ALL": "C"}, folder).language == "en"
    assert chosen_words("", {"LANG": "C", "LC_MESSAGES": "el_GR"}, folder).language == "el"
    assert chosen_words("en", {"LANG": "el_GR"}, folder).language == "en"
    assert chosen_words("el", {"LANG": "C"}, folder).language == "el"
    assert "el" in languages([folder])
    with pytest.raises(BadInput, match=r"--lang xx: nothing is translated to this language; take one of el, en\."):
        chosen_words("xx", {}, folder)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("msgid “a”\n", "line 1: this is no line"),
        ('"a"\n', "line 1: this is no line"),
        ('msgid "a\\q"\nmsgstr "b"\n', "line 1: a quotation mark"),
        ('msgid "a"\n', "lacks its msgid or its msgstr"),
        ('msgid ""\nmsgstr "Plural-Forms: plural=(n ** 2);\\n"\n', "Plural-Forms"),
    ],
)
def test_a_damaged_file_of_translations_is_named(tmp_path: Path, text: str, what: str) -> None:
    file = tmp_path / "broken.po"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=what) as caught:
        read_po(file)
    assert str(file) in str(caught.value)
    file.write_bytes(b"\xff")
    with pytest.raises(BadInput, match="UTF-8"):
        read_po(file)


def test_a_damaged_catalogue_of_the_locale_ends_lab_in_one_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "el" / "some.po"
    file.write_text("<<<<<<< ours\n", encoding="utf-8")
    monkeypatch.setattr(choice, "OWN_WORDS", folder)
    monkeypatch.setenv("LANGUAGE", "el")
    monkeypatch.setattr("sys.argv", ["lab", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    said = f"lab: {file} line 1: this is no line of a catalogue; mend it, or take it out.\n"
    assert capsys.readouterr().err == said


def test_what_is_written_is_what_was_read(folder: Path, tmp_path: Path) -> None:
    entries = read_entries(folder / "el" / "some.po")
    again = tmp_path / "again.po"
    again.write_text(written(entries), encoding="utf-8")
    assert read_entries(again) == entries
    assert "# of the translator" in again.read_text(encoding="utf-8")


def test_a_template_is_a_text_with_named_places() -> None:
    assert template_of("no places") is None
    assert template_of("{'a': 1} is {} or {0}") is None
    template = template_of("{{{name}}} of {call} and {call}")
    assert template is not None
    assert template.match("{x} of f and f") == {"name": "x", "call": "f"}
    assert template.match("{x} of f and g") is None
    assert template.match("{x} of f") is None

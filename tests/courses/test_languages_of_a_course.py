"""Another language of another course: begun by a command, filled in, and spoken, without a change of the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graders.cli import graders
from graders.course import load_course
from graders.judging.rubric import load_rubric
from graders.release.kit import kit_of
from graders.words.choice import chosen_words
from graders.words.po import read_entries, written
from tests.support import LAB, ROOT, WORDS, copy_of_words, run_python

LANGUAGE = "qq"  # is no language's code


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the course, with a folder for languages."""
    folder = copy_of_words(tmp_path / "words")
    file = folder / "course.toml"
    file.write_text(
        file.read_text(encoding="utf-8").replace('root = "."', 'root = "."\nwords = "languages"'), encoding="utf-8"
    )
    return folder


def words(*arguments: str) -> Result:
    return CliRunner().invoke(graders, ["words", *arguments])


def fill_in(file: Path) -> None:
    """Translate each text of a file that has no translation: the same, in brackets."""
    entries = read_entries(file)
    for entry in entries:
        plural = entry.texts.get("msgid_plural", entry.texts["msgid"])
        for name in entry.texts:
            if name.startswith("msgstr") and not entry.texts[name]:
                entry.texts[name] = f"⟦{plural if name == 'msgstr[1]' else entry.texts['msgid']}⟧"
    file.write_text(written(entries), encoding="utf-8")


def translated(course: Path) -> None:
    """Translate a course, and the engine in the course's own folder."""
    folder = course / "languages" / LANGUAGE
    assert words("--course", str(course), "--new", LANGUAGE).exit_code == 1
    engine = read_entries(ROOT / "graders" / "words" / "el" / "engine.po")[1:]
    for entry in engine:
        entry.texts.update(dict.fromkeys((name for name in entry.texts if name.startswith("msgstr")), ""))
    (folder / "engine.po").write_text(written(engine), encoding="utf-8")
    for file in folder.glob("*.po"):
        fill_in(file)


def test_a_language_is_begun_filled_in_and_spoken(copy: Path) -> None:
    translated(copy)
    assert sorted(path.name for path in (copy / "languages" / LANGUAGE).glob("*.po")) == [
        "engine.po", "step01_counting.po", "step02_ciphers.po", "words.po",
    ]  # fmt: skip
    made = words("--course", str(copy))
    assert made.exit_code == 0, made.output
    assert made.output.endswith("texts, 0 to mend.\n")
    assert words("--course", str(copy), "--check").exit_code == 0
    done = run_python(LAB, "check", 1, "--lang", LANGUAGE, "--course", copy, cwd=copy, LANG="C")
    lines = done.stdout.splitlines()
    assert done.returncode == 1, done.stderr
    assert lines[1] == "⟦Step 1⟧"
    title = "count_words returns the number of words, whatever white space stands between them."
    assert f"  · ⟦{title}⟧  ⟦0 of 1⟧" in lines
    assert all("⟦" in line for line in lines if line.strip() and not line.startswith("      ")), lines


def test_what_is_new_wrong_or_gone_is_told_and_what_was_translated_stays(copy: Path) -> None:
    translated(copy)
    step, file = copy / "words_checks" / "step01_counting.py", copy / "languages" / LANGUAGE / "step01_counting.po"
    text = step.read_text(encoding="utf-8")
    hint = "split() without arguments splits at any white space."
    step.write_text(text.replace(hint, "Use split() without arguments."), encoding="utf-8")
    looked = words("--course", str(copy), "--check")
    assert looked.exit_code == 1
    assert f"{file}: 'Use split() without arguments.' is not translated." in looked.output
    assert f"{file}: {hint!r} is said nowhere any more." in looked.output
    assert hint in file.read_text(encoding="utf-8")
    step.write_text(text.replace('f"count_words({text!r})"', 'f"the words of {text!r}"'), encoding="utf-8")
    assert words("--course", str(copy)).exit_code == 1
    was = 'msgid "the words of {text}"\nmsgstr ""'
    there = file.read_text(encoding="utf-8")
    assert was in there
    file.write_text(there.replace(was, was.replace('""', '"⟦{texts}⟧"')), encoding="utf-8")
    made = words("--course", str(copy))
    assert made.exit_code == 1
    assert "has other places in its translation" in made.output
    assert "Use split()" not in file.read_text(encoding="utf-8")
    assert "⟦count_words returns the number" in file.read_text(encoding="utf-8")
    file.write_text(
        file.read_text(encoding="utf-8").replace('\nmsgid "count_words r', '\n#, fuzzy\nmsgid "count_words r'),
        encoding="utf-8",
    )
    assert "is marked fuzzy" in words("--course", str(copy), "--check").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--course", str(WORDS)], 'course.toml names no folder of words; add words = "words" to it.'),
        (["--new", "Greek!"], "--new Greek!: this is no code of a language"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(arguments: list[str], said: str) -> None:
    done = words(*arguments)
    assert done.exit_code != 0
    assert said in f"{done.output} {done.exception}"


def test_the_starter_kit_has_the_words_of_public_checks_alone(copy: Path) -> None:
    reasons = {"hidden": "Some unseen texts end early.", "public": "It asked for too much."}
    dropped = {"hidden": "step01.held_out_words_are_counted", "public": "step01.words_are_counted"}
    with (copy / "course.toml").open("a", encoding="utf-8") as file:
        for visibility, check in dropped.items():
            file.write(f'\n[[dropped]]\ncheck = "{check}"\npoints = "to all"\nreason = "{reasons[visibility]}"\n')
    translated(copy)
    course = load_course(copy)
    told = "\n".join(text.decode() for name, text in kit_of(course).files.items() if name.endswith(".po"))
    shown = chosen_words(LANGUAGE, {}, course.words_folder)
    titles = {
        visibility: [row.title for row in load_rubric(course) if row.info.visibility == visibility]
        for visibility in ("public", "hidden")
    }
    assert titles["hidden"]
    for visibility, those in titles.items():
        for text in [*those, reasons[visibility]]:
            assert shown.text(text) == f"⟦{text}⟧"
            assert (text in told) == (visibility == "public")

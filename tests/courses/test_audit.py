"""`graders audit`, on the course of two steps: what holds, what does not, and what is not judged twice."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graders.audit.findings import objections
from graders.course import load_course
from tests.support import ROOT, copy_of_words


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return copy_of_words(tmp_path / "words")


def audit(copy: Path, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    options = ["audit", "--course", copy, "--out", copy / "audit", "--step", 1, *arguments]
    return subprocess.run(
        [sys.executable, "-c", f"{before}\nfrom graders.cli import main; main()", *map(str, options)],
        capture_output=True, text=True, cwd=ROOT, timeout=240, check=False,
    )  # fmt: skip


def found(copy: Path) -> Any:
    return json.loads((copy / "audit" / "audit.json").read_text(encoding="utf-8"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_checks_that_tell_wrong_from_right_hold_and_nothing_is_judged_twice(copy: Path) -> None:
    change(copy / "course.toml", "[audit]", "[audit]\nkill_rate = 1.0")
    done = audit(copy, "--seeds", 1, "--regrades", 3)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Right submissions: 4 runs, 0 lose points.\nMistakes: 1, 0 are missed.\n" in done.stdout
    verdicts = found(copy)["verdicts"]
    mistake = next(one for one in verdicts if one["kind"] == "mistake")
    assert mistake["lost"]["step01.words_are_counted"] == "failed"
    assert all(one["lost"] for one in verdicts if one["kind"] == "mutant")
    assert (found(copy)["regraded"], found(copy)["flips"]) == (3, [])
    assert not any(one.get("stands") for one in verdicts)

    again = audit(copy)
    assert again.returncode == 0
    assert f"{len(verdicts) - 2} of {len(verdicts) - 2} stand from an earlier audit.\n" in again.stdout
    assert all(one["stands"] for one in found(copy)["verdicts"])


def test_what_else_is_in_the_folder_stays(copy: Path) -> None:
    theirs = copy / "audit" / "submissions" / "anna.zip"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"work")
    for _ in range(2):
        done = audit(copy, "--only", "mistake")
        assert done.returncode == 0, done.stderr
        assert theirs.read_bytes() == b"work"


def test_nothing_is_handed_out_against_an_audit(copy: Path) -> None:
    def release() -> tuple[int, str]:
        options = ["release", "--check", "--course", copy, "--audit", copy / "audit"]
        done = subprocess.run(
            [sys.executable, "-m", "graders", *map(str, options)],
            capture_output=True, text=True, cwd=ROOT, timeout=240, check=False,
        )  # fmt: skip
        return done.returncode, done.stderr

    course, written = load_course(copy), copy / "audit" / "audit.json"
    [told] = objections(written, course)
    assert "audit.json is not there: run graders audit --quick first." in told
    assert audit(copy, "--step", 2, "--only", "right").returncode == 0
    findings = written.read_text(encoding="utf-8")
    written.write_text(findings.replace('"failures": []', '"failures": ["No."]'), encoding="utf-8")
    assert release() == (1, "graders: No.\ngraders: Nothing is handed out: 1 to mend.\n")
    written.write_text(findings, encoding="utf-8")
    assert release() == (0, "")
    change(copy / "words_checks" / "step01_counting.py", "@check(points=1, hint", "@check(points=1, seconds=9, hint")
    [told] = objections(written, course)
    assert "than those of step 1 are now; run graders audit --quick again" in told
    written.write_text("{", encoding="utf-8")
    [told] = objections(written, course)
    assert "cannot be read as an audit" in told


def test_survivors_are_shown_until_somebody_says_what_they_are(copy: Path) -> None:
    """Without the check of longest words, faults in `longest_word` survive."""
    change(copy / "course.toml", "points = 6", "points = 4.5")
    change(copy / "course.toml", "[audit]", '[audit]\nkill_rate = 0.9\nsurvivors = "survivors.toml"')
    checks = copy / "words_checks" / "step01_counting.py"
    text = checks.read_text(encoding="utf-8")
    start = text.index('@check(points=1, hint="max(words, key=len)')
    end = text.index("@check", text.index("def test_longest_word_of_nothing"))
    checks.write_text(text[:start] + text[end:], encoding="utf-8")

    done = audit(copy, "--only", "mutant")
    assert done.returncode == 1
    assert "wrong mutants die" in done.stderr
    assert "expected 90.0%" in done.stderr
    survivors = [one for one in found(copy)["verdicts"] if not one["lost"]]
    assert survivors
    assert all("longest_word" in one["name"] for one in survivors)
    page = (copy / "audit" / "audit.html").read_text(encoding="utf-8")
    assert "The audit does not hold." in page
    assert page.count("nobody has looked at it yet") == len(survivors)

    entries = "".join(
        f'[[survivor]]\nkey = "{one["key"]}"\nstep = 1\nchange = "any"\nkind = "free"\nreason = "Nobody asks for it."\n'
        for one in survivors
    )
    (copy / "survivors.toml").write_text(
        entries + '[[survivor]]\nkey = "gone"\nstep = 1\nchange = "It is gone."\nkind = "open"\nreason = "It was."\n',
        encoding="utf-8",
    )
    again = audit(copy, "--only", "mutant")
    assert again.returncode == 0, again.stderr
    page = (copy / "audit" / "audit.html").read_text(encoding="utf-8")
    assert "nobody has looked at it yet" not in page
    assert "free. Nobody asks for it." in page
    assert "<code>gone</code> It is gone." in page


def test_a_right_submission_that_loses_points_and_a_mistake_that_is_missed_are_named(copy: Path) -> None:
    change(copy / "variants" / "split_by_hand" / "step01_counting.py", "inside = not ", "inside = ")
    change(copy / "mistakes" / "step01_counting.toml", 'new = \'return len(text.split(" "))\'', 'new = "return len(list(text.split()))"')  # fmt: skip
    done = audit(copy, "--only", "right", "--only", "mistake")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "graders: Right submissions that lose points: 1, first split_by_hand (step 1: step01.words_are_counted).",
        "graders: Mistakes that are missed: 1, first words apart by blanks only (step 1: no check fails).",
    ]


def test_what_is_lacking_is_said_in_one_sentence(copy: Path) -> None:
    extra = audit(copy, before="import sys; sys.modules['mutmut'] = None; sys.modules['mutmut.mutation'] = None")
    assert (extra.returncode, extra.stderr.count("\n")) == (3, 1)
    assert "comes with this package's extra: pip install '.[audit]'" in extra.stderr
    step = audit(copy, "--step", 7)
    assert step.returncode == 2
    assert "--step 7: this course has no such step; it has 1, 2." in step.stderr
    shutil.rmtree(copy / "mistakes")
    corpus = audit(copy)
    assert (corpus.returncode, corpus.stderr.count("\n")) == (2, 1)
    assert "submissions whose verdicts are known come with a checkout; work in one." in corpus.stderr
    change(copy / "course.toml", "[audit]", '[audit]\nsurvivors = "course.toml"')
    known = audit(copy)
    assert (known.returncode, known.stderr.count("\n")) == (2, 1)
    assert "course.toml: Object contains unknown field" in known.stderr

"""What Greek students read while they work: this course in Greek, from `lab check` to the starter kit."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import html

from graders.commands.home.supervised import Began, Silence
from graders.course import load_course
from graders.outcomes import Outcome
from graders.pages.classroom import class_page
from graders.pages.submission import page_of
from graders.release.kit import kit_of
from graders.statistics.judged import every
from graders.words.choice import chosen_words
from graders.words.matching import NO_WORDS, words_left
from tests.course.test_snapshots import SNAPSHOTS
from tests.pages import TITLES, result_of, text_of
from tests.support import LAB, ROOT

HALF_FINISHED = ROOT / "fixtures" / "submissions" / "half_finished" / "lab"
# Names of functions of step 2 and of their arguments, and of what is typed: no words.
NAMES = frozenset("timesteps feature aggregate beats lab check submit hop synced np mean step pdb import first".split())
TWO_WORDS = re.compile(r"(?<![\w.])(?=([A-Za-z][a-z]+ [a-z]{2,}(?![\w.(=\[])))")
STEP = "step02_beat_sync.py"


def lab(folder: Path, *arguments: str, **environment: str) -> tuple[int, list[str]]:
    """Run the students' command, and return its exit code and what it printed, line by line."""
    command = [sys.executable, "-c", LAB, *arguments]
    variables = {
        "PATH": "/usr/bin:/bin",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    done = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, encoding="utf-8", check=False, timeout=200
    )
    return done.returncode, (done.stdout + done.stderr).splitlines()


def english(lines: list[str]) -> list[str]:
    """Return the lines in which English words stand, besides names, code, values and what Python says."""
    found = []
    for line in lines:
        bare = re.sub(r"(?:\w+Error|SystemExit):? .*", " ", line)
        before = ""
        while bare != before:
            before, bare = bare, NO_WORDS.sub(" | ", bare)
        if [pair for pair in TWO_WORDS.findall(bare) if not NAMES.intersection(pair.split())]:
            found.append(line)
    return found


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with a submission that is wrong in many ways."""
    shutil.copytree(HALF_FINISHED, tmp_path / "lab")
    file = tmp_path / "lab" / STEP
    text = file.read_text(encoding="utf-8")
    text += (
        "\n\n_whole = beat_sync\n\ndef beat_sync(feature, beats, aggregate=None):\n    return _whole(feature, beats)\n"
        "\n\ndef timesteps(feature):\n    print('hello there')\n    return feature.shape\n"
        "\n\ndef duration_seconds(n, sr=22050, hop_length=512):\n    raise KeyError('no such thing')\n"
        "\n\ndef compression_ratio(full, synced):\n"
        '    raise NotImplementedError("compression_ratio is yours to write: step 2")\n'
    )
    file.write_text(text, encoding="utf-8")
    return tmp_path


def test_english_would_be_noticed() -> None:
    lines = [line for path in SNAPSHOTS.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()]
    hints = [line for line in lines if line.strip().startswith("hint: ")]
    assert len(english(hints)) > 0.9 * len(hints) > 20


def test_lab_check_speaks_greek_wholly(mine: Path) -> None:
    code, lines = lab(mine, "check", "2", LANG="el_GR.UTF-8")
    text = "\n".join(lines)
    assert code == 1, text
    for words in ("Βήμα 2", "απέτυχε: ", "υπόδειξη: ", "σφάλμα στον κώδικα: ", "Γραπτές: ", "επόμενο: ", "τυπώθηκε"):
        assert words in text
    (hints,) = [line for line in lines if line.startswith("υποδείξεις: ")]
    assert hints == (
        "υποδείξεις: το `lab check 2 --hints` λέει πού να κοιτάξεις, το `lab check 2 --hints --hints` λέει τι να κάνεις."
    )
    printed = [line for line in lines if line.strip() == "hello there"]
    assert printed
    assert english([line for line in lines if line not in printed]) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "99"], "Σφάλμα: '99': δεν είναι βήμα αυτού του μαθήματος"),
        (["check", "--nothing"], "Σφάλμα: Δεν υπάρχει επιλογή '--nothing'"),
        (["check", "none.ipynb"], "Σφάλμα: Εδώ δεν υπάρχει none.ipynb."),
        (["submit"], "Σφάλμα: Λείπει η επιλογή '--name'."),
        (["check", "--lang", "xx"], "--lang xx: δεν υπάρχει μετάφραση σε αυτή τη γλώσσα· διάλεξε ανάμεσα σε el, en."),
    ],
)
def test_a_wrong_command_line_is_told_in_greek(mine: Path, arguments: list[str], said: str) -> None:
    code, lines = lab(mine, *arguments, LANG="el_GR.UTF-8")
    assert code == 2
    assert said in lines[-1]
    assert len(lines) == 1 or lines[0].startswith("Χρήση: lab ")


def test_lab_submit_speaks_greek_and_the_command_line_has_the_last_word(mine: Path) -> None:
    (mine / "lab" / "notes.txt").write_text("x", encoding="utf-8")
    code, lines = lab(mine, "submit", "--name", "Άννα", "--out", str(mine / "out"), LANG="en_GB", LANGUAGE="el")
    assert code == 0
    assert "Βήμα 3: μένουν να γίνουν: plot_chromagram· δεν απαντήθηκαν: 3.1." in lines
    assert lines[-1] == f"Παράδωσε το {mine / 'out' / 'Άννα.zip'}"
    assert english(lines[:-1]) == []
    _, lines = lab(mine, "submit", "--name", "Άννα", "--out", str(mine / "out"), "--lang", "en", LANG="el_GR.UTF-8")
    assert "Step 3: still to do: plot_chromagram; not answered: 3.1." in lines
    assert lines[-1].startswith("Hand in ")


def test_what_typical_mistakes_are_told_is_greek() -> None:
    """The messages and hints of the snapshots, of which each belongs to a mistake that students make."""
    words = chosen_words("el", {}, load_course().words_folder)
    count = 0
    for path in sorted(SNAPSHOTS.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if found := re.fullmatch(rf"\s+(?:{'|'.join(Outcome)}|hint): (.*)", line):
                count += 1
                greek = words.text(found[1].replace("line N", "line 7"))
                assert greek != found[1] or not words_left(greek)
                assert not english([greek.replace("import ", "")]), (path.name, found[1])
    assert count > 30


def test_a_page_of_feedback_is_greek() -> None:
    words = chosen_words("el", {}, load_course().words_folder)
    page = html.fromstring(page_of(result_of("Άννα", 3), words=words).decode())
    assert page.get("lang") == "el"
    heads = {" ".join(head.text_content().split()) for head in page.xpath("//h2|//th|//summary")}
    assert {"Βαθμοί", "Πέρασαν", "Γραπτές απαντήσεις", "Η απάντησή σου", "Βήμα 1"} <= heads
    text = " ".join(page.xpath("string(//body)").split())
    assert re.search(r"\d,5 από \d+ βαθμούς", text)
    assert not re.search(r"\b(?:points|checks|hint|passed|failed|answered|below)\b", text, re.IGNORECASE)


def test_a_check_that_runs_for_long_is_told_by_its_greek_title() -> None:
    words = chosen_words("el", {}, load_course().words_folder)
    said = Silence(iter([0.0, 0.0, 10.0]).__next__)
    running = Began("step02.a", 2, "timesteps returns T for a feature [F, T].", 10)
    assert said.word([running]) == ""
    assert words.text(said.word([running])) == (
        "βήμα 2, «Η timesteps επιστρέφει T για ένα χαρακτηριστικό [F, T].»: τρέχει ακόμη, 10 s· εκεί όπου βαθμολογείται, "
        "μια κλήση έχει 10 s. Το Ctrl-C δείχνει πού."
    )


def test_the_page_about_a_class_is_greek() -> None:
    """Besides what the checks of another course say; numbers are written as Greeks do."""
    words = chosen_words("el", {}, load_course().words_folder)
    page = class_page(every([result_of(f"Σ{seed}", seed, steps=2) for seed in range(12)]), words)
    assert html.fromstring(page.decode()).get("lang") == "el"
    said = text_of(page)
    for text in (
        "Οι πιο δύσκολοι έλεγχοι",
        "12 απαντήσεις μένουν για διόρθωση:",
        "από τους 12 έχασαν συνολικά",
        "από 12",
    ):
        assert text in said
    assert re.search(r" 0,\d\d ", said)
    bare = re.sub("|".join(re.escape(title[:-1]) for title in TITLES), "", said)
    others = ("Words: a course of two steps", "split() without arguments splits at any white space")
    for own in (*others, "list index out of range", "How long it takes"):
        bare = bare.replace(own, "")
    assert not re.search(r"\b(?:points|checks?|results?|hint|passed|failed|answered|lost|of|and|the)\b", bare)


def test_a_starter_kit_in_greek_asks_and_promises_in_greek_and_works(tmp_path: Path) -> None:
    course = load_course()
    kit = kit_of(course, chosen_words("el", {}, course.words_folder))
    assert "## Ξεκίνα" in kit.files["README.el.md"].decode()
    assert "## Τα δεδομένα" in kit.files["README.el.md"].decode()
    assert "(README.el.md)" in kit.files["README.md"].decode()
    commands = [
        re.findall(r"^    \S*bin/(.*?)(?: +#| --name|$)", kit.files[name].decode(), re.MULTILINE)
        for name in ("README.md", "README.el.md")
    ]
    assert commands[0] == commands[1]
    assert len(commands[0]) > 8
    skeleton = kit.files["lab/step02_beat_sync.py"].decode()
    assert (
        '"""Επιστρέφει το πλήθος T των χρονικών βημάτων: τις στήλες ενός χαρακτηριστικού [F, T].\n\n    Example:'
        in skeleton
    )
    assert {compile(text, name, "exec") is not None for name, text in kit.files.items() if name.startswith("lab/step")}
    answers = kit.files["lab/answers/step02.md"].decode()
    assert "## 2.1 1293 χρονικά βήματα και ένα LSTM\n\nΈνα απόσπασμα 30 δευτερολέπτων έχει" in answers
    assert course.written.marker in answers
    kit.unpack(tmp_path)
    (tmp_path / STEP).write_text(skeleton, encoding="utf-8")
    code, lines = lab(tmp_path, "check", "2", LANG="el", PYTHONPATH=str(tmp_path))
    assert code == 1
    assert lines[2] == "  · Η timesteps επιστρέφει T για ένα χαρακτηριστικό [F, T].  0 από 0,5"
    assert english(lines) == []

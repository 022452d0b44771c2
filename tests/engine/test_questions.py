"""Written questions: what is asked, which text of a submission answers it, and that no answer changes a score."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graders.course import BadCourse, Course, Written
from graders.grading.grade import grade_one
from graders.grading.task import Graded, Task
from graders.intake.answers import ANSWER_CHARACTERS, answers_in_cells, answers_in_files
from graders.intake.notebooks.cells import TextCell
from graders.judging.rubric import load_rubric
from graders.questions import load_questions
from graders.sandbox.client import WarmServer
from tests.support import COURSE, ROOT, SEED

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
TEMPLATES = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "solutions" / "answers").iterdir()}
GREEK = "Η ενέργεια είναι χαμηλά· στο Trip-Hop φαίνονται τα τύμπανα."


def in_file(text: str) -> dict[str, str]:
    """Return the answers in one file that has nothing to be noted."""
    answers, notes = answers_in_files({"step01.md": text.encode()}, COURSE)
    assert notes == []
    return answers


def in_cells(*cells: str) -> dict[str, str]:
    answers, notes = answers_in_cells(map(TextCell, cells), COURSE)
    assert notes == []
    return answers


# The questions


def test_questions_come_in_the_order_of_steps() -> None:
    ids = [question.id for question in load_questions(COURSE)]

    assert ids[:11] == ["1.1", "2.1", "2.2", "3.1", "6.1", "6.2", "6.3", "6.4", "7.1", "7.2", "7.3"]
    assert ids[11:] == ["8.1", "8.2", "9.1", "9.2", "10.1", "10.2"]
    assert [question.id for question in load_questions(COURSE, frozenset({7, 2}))] == [
        "2.1",
        "2.2",
        "7.1",
        "7.2",
        "7.3",
    ]
    assert load_questions(COURSE, frozenset({5})) == []


def test_titles_and_prompts_are_there_once_and_are_no_headings_of_others() -> None:
    rows = load_questions(COURSE)

    assert len({row.title for row in rows}) == len({row.prompt for row in rows}) == len(rows)
    assert all(row.title == row.title.strip() and row.title.isprintable() and row.title for row in rows)
    assert all(row.prompt.endswith("?") and "#" not in row.prompt for row in rows)


QUESTION = '[[question]]\nid = "{id}"\nstep = {step}\ntitle = "A title"\nprompt = "What?"\n'


def asking(place: Path, *rows: tuple[str, int]) -> Course:
    """Return the course with other questions."""
    path = place / "questions.toml"
    path.write_text("".join(QUESTION.format(id=number, step=step) for number, step in rows), encoding="utf-8")
    return dataclasses.replace(COURSE, written=msgspec.structs.replace(COURSE.written, questions=str(path)))


def test_questions_of_later_steps_find_their_place(tmp_path: Path) -> None:
    course = asking(tmp_path, ("10.2", 10), ("9.1", 9), ("10.10", 10), ("1.1", 1))

    assert [question.id for question in load_questions(course)] == ["1.1", "9.1", "10.2", "10.10"]
    files = {"step10.md": "# 10.2\nδύο\n# 10.10\nδέκα".encode()}
    assert answers_in_files(files, course) == ({"10.2": "δύο", "10.10": "δέκα"}, [])


@pytest.mark.parametrize(
    "rows", [[("1.1", 1), ("1.1", 1)], [("1.1", 2)], [("11", 1)], [("1.0", 1)], [("1.1x", 1)], [("1.1.1", 1)]]
)
def test_ids_that_are_there_twice_or_of_another_step_are_refused(rows: list[tuple[str, int]], tmp_path: Path) -> None:
    with pytest.raises(BadCourse, match="is there twice, or is no id of a question of step"):
        load_questions(asking(tmp_path, *rows))


def test_a_course_without_questions_has_none() -> None:
    course = dataclasses.replace(COURSE, written=Written())
    assert load_questions(course) == []
    assert answers_in_files({"step01.md": b"# 1.1\nx"}, course)[0] == {}


def test_the_files_to_answer_in_ask_these_questions() -> None:
    expected: dict[str, str] = {}
    for row in load_questions(COURSE):
        title = (
            f"# Step {row.step}: written answers\n\n"
            "A person marks these answers. Keep the headings: they say which question an answer belongs to.\n"
        )
        name = f"step{row.step:02d}.md"
        expected[name] = (
            f"{expected.get(name, title)}\n## {row.id} {row.title}\n\n{row.prompt}\n\n{COURSE.written.marker}\n"
        )

    assert expected == TEMPLATES


# Which text is an answer


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_file_as_it_is_handed_out_answers_nothing(name: str) -> None:
    assert answers_in_files({name: TEMPLATES[name].encode()}, COURSE) == ({}, [])
    assert answers_in_files({name: TEMPLATES[name].replace(COURSE.written.marker, "").encode()}, COURSE) == ({}, [])
    assert answers_in_files({name: TEMPLATES[name].replace(COURSE.written.marker, "\n\n---\n\n").encode()}, COURSE) == (
        {},
        [],
    )


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_an_answer_is_what_stands_below_the_marker(end: str) -> None:
    text = TEMPLATES["step02.md"].replace(
        COURSE.written.marker, f"{COURSE.written.marker}\n\n{GREEK}\n\n- μία\n- δύο\n", 1
    )

    assert in_file(text.replace("\n", end)) == {"2.1": f"{GREEK}\n\n- μία\n- δύο"}


def test_each_question_has_its_own_answer() -> None:
    text = TEMPLATES["step06.md"]
    for number in range(4, 0, -1):
        before, _, after = text.rpartition(COURSE.written.marker)
        text = f"{before}\nΑπάντηση {number}.{after}"

    assert in_file(text) == {f"6.{number}": f"Απάντηση {number}." for number in range(1, 5)}


def test_without_the_marker_an_answer_is_what_the_prompt_leaves() -> None:
    for wrap in ("\n", " ", "\n   "):
        prompt = load_questions(COURSE, frozenset({1}))[0].prompt.replace("\n", wrap)
        assert in_file(f"## 1.1 Τίτλος\n\n{prompt}\n\n{GREEK}\n") == {"1.1": GREEK}


def test_an_answer_between_prompt_and_marker_is_not_lost() -> None:
    assert in_file(TEMPLATES["step01.md"].replace(COURSE.written.marker, f"{GREEK}\n\n{COURSE.written.marker}")) == {
        "1.1": GREEK
    }


def test_a_prompt_that_was_changed_above_the_marker_is_no_answer() -> None:
    text = (
        TEMPLATES["step01.md"]
        .replace("Compare", "Σύγκρινε")
        .replace(COURSE.written.marker, f"{COURSE.written.marker}\n{GREEK}")
    )

    assert in_file(text) == {"1.1": GREEK}


@pytest.mark.parametrize(
    "heading",
    [
        *("# 1.1", "###### 1.1", "## 1.1 What they show", "## 1.1. Τίτλος", "##1.1)", "# Question 1.1:", "#\t1.1 #"),
        *("### Ερώτηση 1.1", "## ΕΡΩΤΗΣΗ 1.1", "## ΕΡΏΤΗΣΗ 1.1", "## Ερώτημα 1.1 — α", "## Απάντηση 1.1", "   # 1.1"),
        *("## **1.1**", "## **Ερώτηση 1.1**", "## __1.1 Α__", "##\u00a01.1", "## QUESTION  1.1?"),
    ],
)
def test_headings_of_every_level_and_wording(heading: str) -> None:
    assert in_file(f"{heading}\n{GREEK}") == in_cells(f"{heading}\n{GREEK}") == {"1.1": GREEK}


@pytest.mark.parametrize(
    "line",
    [
        *("1.1", "    # 1.1", "text # 1.1", "## 1.1.2 Λεπτομέρειες", "## 1.1α", "## 11.1x", "####### 1.1", "> # 1.1"),
        *("## 1,1", "## Question of 1.1", "## \u0661.\u0661", "<h1>1.1</h1>", "## ", "#", "\\# 1.1"),
    ],
)
def test_other_lines_are_text(line: str) -> None:
    answers, _ = answers_in_files({"step02.md": f"# 2.1\nα\n{line}\nβ".encode()}, COURSE)

    assert answers == {"2.1": f"α\n{line}\nβ"}


@pytest.mark.parametrize(
    ("opened", "closed"),
    [("```", "```"), ("```python", "````  "), ("~~~", "~~~"), ("~~~ `a`", "~~~~"), ("- x\n    ```", "   ```")],
)
def test_a_heading_in_a_code_block_is_none(opened: str, closed: str) -> None:
    block = f"{opened}\n# 1.1 comment\n~~\n``\n{closed}\nα"

    assert in_file(f"# 2.1\n{block}\n# 1.1\nτέλος") == {"2.1": block, "1.1": "τέλος"}


def test_what_only_resembles_a_code_block_hides_no_heading() -> None:
    assert in_file("# 1.1\n```a``` is code\n# 2.1\n``\n# 2.2\nα ~~~\n# 3.1\nβ") == {
        "1.1": "```a``` is code",
        "2.2": "α ~~~",
        "3.1": "β",
    }


def test_a_code_block_that_is_not_closed_is_named() -> None:
    answers, notes = answers_in_files(
        {"step06.md": b"# 6.1\na\n```\n# 6.2\nb\n~~~\n", "step07.md": b"# 7.1\nc"}, COURSE
    )

    assert answers == {"6.1": "a\n```\n# 6.2\nb\n~~~", "7.1": "c"}
    assert notes == ["answers/step06.md line 3: the code block is not closed, no heading below it was seen"]


def test_several_headings_of_one_question_are_joined() -> None:
    answers, _ = answers_in_files(
        {"step02.md": b"# 2.1\nthird", "step01.md": b"# 2.1\nfirst\n# 1.1\nx\n# 2.1\nsecond"}, COURSE
    )

    assert answers == {"1.1": "x", "2.1": "first\n\nsecond\n\nthird"}


def test_a_number_that_no_question_has_is_noted_and_its_text_stays() -> None:
    answers, notes = answers_in_files(
        {"step01.md": "# 1.7\nα\n## 1.1\nβ\n### 9.9 Blues\nγ\n### 9.9\n".encode()}, COURSE
    )

    assert answers == {"1.1": "β\n### 9.9 Blues\nγ\n### 9.9"}
    assert notes == ["headings that name no written question: 1.7, 9.9"]


@pytest.mark.parametrize("text", ["", "\n\n", "—", "- \n- \n", "\u200b", "***", "…?"])
def test_text_without_a_letter_or_a_digit_is_no_answer(text: str) -> None:
    assert in_file(f"# 1.1\n{text}\n") == in_cells(f"# 1.1\n{text}\n") == {}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1253", "iso8859-7"])
def test_another_encoding_costs_its_file_and_a_note(encoding: str) -> None:
    text = f"# 1.1\n{GREEK.replace('·', ',')}"
    answers, notes = answers_in_files({"step01.md": text.encode(encoding), "step02.md": b"# 2.1\nfine"}, COURSE)

    assert answers == {"2.1": "fine"}
    assert notes == ["answers/step01.md: left out, not UTF-8 text; save as UTF-8"]


def test_a_byte_order_mark_is_passed_over() -> None:
    assert answers_in_files({"step01.md": f"# 1.1\n{GREEK}".encode("utf-8-sig")}, COURSE) == ({"1.1": GREEK}, [])


# Cells


def test_an_answer_goes_on_in_the_next_cell_until_a_question_or_a_step_begins() -> None:
    assert in_cells(
        "# Εργασία\n\nΠρόλογος.",
        "## Βήμα 1\n\n### Ερώτηση 1.1\n\nα",
        "β\n#### Σχόλιο\nγ",
        "## ΒΗΜΑ 2: Ρυθμός\n\nΕισαγωγή.",
        "### Ερώτηση 2.1\nδ\n\n### Ερώτηση 2.2\n\n",
        "## Step 3",
    ) == {"1.1": "α\n\nβ\n#### Σχόλιο\nγ", "2.1": "δ"}


def test_a_step_named_below_the_level_of_the_answer_is_part_of_it() -> None:
    assert in_cells("## 6.4\nα\n### Βήμα 5 και βήμα 7\nβ\n## Βήμα 7\nγ") == {"6.4": "α\n### Βήμα 5 και βήμα 7\nβ"}
    assert in_file("## 6.4\nα\n## Βήμα 5\nβ") == {"6.4": "α\n## Βήμα 5\nβ"}


def test_a_code_block_ends_with_its_cell() -> None:
    assert in_cells("# 1.1\n```\n# 2.1", "# 2.2\nα") == {"1.1": "```\n# 2.1", "2.2": "α"}


def test_pictures_in_the_text_leave_room_for_words() -> None:
    picture = f"![σχήμα](data:image/png;base64,{'iVBORw0KGgo/+' * 400_000}==)"

    assert in_cells(f"# 1.1\n{picture}\n{GREEK}") == {"1.1": f"![σχήμα](embedded)\n{GREEK}"}


def test_too_much_text_in_cells_is_left_out() -> None:
    answers, notes = answers_in_cells(map(TextCell, ["# 1.1\nα", "x" * (2 << 20), "# 2.1\nβ"]), COURSE)

    assert answers == {"1.1": "α"}
    assert notes == ["Markdown cell 2 and those after it: left out, the text is longer than 2 million characters"]


# What is hostile


@pytest.mark.parametrize(
    "unit",
    [
        *("# 1.1\n", "# 1.1 a\nb\n", "# {n}.{n}\n", "# 1.1 *_", "#", "Compare ", f"{COURSE.written.marker}\n"),
        *("```\n", "~~~x\n# 1.1\n", "`", "\n", " ", "data:"),
    ],
)
def test_a_flood_is_read_in_linear_time(unit: str) -> None:
    # Whoever reads this in quadratic time does so for hours.
    text = "# 1.1\n" + "".join(unit.replace("{n}", str(number % 100)) for number in range((2 << 20) // len(unit)))
    answers, notes = answers_in_files({"step01.md": text.encode()}, COURSE)
    answers_in_cells([TextCell(text)], COURSE)

    assert all(len(answer) <= ANSWER_CHARACTERS for answer in answers.values())
    assert sum(map(len, notes)) < 500


def test_of_a_flood_of_unknown_numbers_a_few_are_named() -> None:
    flood = b"".join(b"# %d.%d\nx\n" % (number % 88 + 11, number % 97) for number in range(100_000))

    assert answers_in_files({"step01.md": flood}, COURSE) == (
        {},
        ["headings that name no written question: 11.0, 12.1, 13.2, 14.3, 15.4 and 8531 more"],
    )


@pytest.mark.parametrize("size", [ANSWER_CHARACTERS - 1, ANSWER_CHARACTERS, ANSWER_CHARACTERS + 1, 1 << 20])
def test_a_long_answer_is_cut(size: int) -> None:
    answers, notes = answers_in_files({"step01.md": b"# 1.1\n" + b"a" * size + b"\n# 2.1\nb"}, COURSE)

    assert answers == {"1.1": "a" * min(size, ANSWER_CHARACTERS), "2.1": "b"}
    assert notes == ["the answer to 1.1 was cut after 20000 characters"] * (size > ANSWER_CHARACTERS)


def test_what_a_terminal_or_a_spreadsheet_would_obey_stays_text() -> None:
    evil = "\x1b]0;owned\x07\x1b[2J =HYPERLINK(1)\x00\u202e<script>alert(1)</script>"

    assert in_file(f"# 1.1\n{evil}") == {"1.1": evil}


PIECES = [
    "# 1.1",
    "## Ερώτηση 2.1",
    "# 9.9",
    "# Βήμα 2",
    "```",
    "~~~",
    COURSE.written.marker,
    "",
    "α",
    "\r",
    "\u2028",
    "    # 1.1",
]
pieces = st.sampled_from(PIECES) | st.text(max_size=5)


@settings(STEADY, max_examples=200)
@given(st.lists(pieces, max_size=12).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    data = text.encode("utf-8", "replace")
    for answers, notes in (
        answers_in_files({"step01.md": data}, COURSE),
        answers_in_cells([TextCell(data.decode())] * 2, COURSE),
    ):
        assert answers.keys() <= {"1.1", "2.1"}
        assert all(answer == answer.strip() and answer for answer in answers.values())
        assert all(note.isprintable() for note in notes)


# What answers change in a result


@pytest.fixture
def grade(warm_server: WarmServer, tmp_path: Path) -> Callable[..., Graded]:
    """Grade the reference on step 2, with some files of answers."""
    task = Task(COURSE, load_rubric(COURSE, frozenset({2})), SEED, tmp_path / "grades")

    def run(**files: bytes) -> Graded:
        package = tmp_path / "alice" / "lab"
        (package / "answers").mkdir(parents=True, exist_ok=True)
        for source in (ROOT / "solutions").glob("step0[12]_*.py"):
            (package / source.name).write_bytes(source.read_bytes())
        for name, data in files.items():
            (package / "answers" / f"{name}.md").write_bytes(data)
        return grade_one(tmp_path / "alice", "alice", task, warm_server.controls[0], lambda _: None)

    return run


def test_answers_of_the_steps_that_are_graded_are_in_the_result(grade, tmp_path):
    result = grade(step01=b"# 1.1\nx", step02=f"# 2.2\n{GREEK}".encode(), step09=b"# 2.2\n\nmore").result

    assert [(one.id, one.step, one.status, one.answer) for one in result.written] == [
        ("2.1", 2, "not answered", ""),
        ("2.2", 2, "to be marked", f"{GREEK}\n\nmore"),
    ]
    assert result.answered == 1
    assert json.loads((tmp_path / "grades/alice/result.json").read_text(encoding="utf-8"))["written"][1] == {
        "id": "2.2",
        "step": 2,
        "title": "What beat synchrony changes",
        "answer": f"{GREEK}\n\nmore",
        "status": "to be marked",
    }


def test_no_answer_changes_the_score(grade):
    plain = grade().result
    files = {"step02": b"# 2.1\n" + b"\x1b[2J=1+1\n" * 100_000, "step01": b"\xff\xfe", "step03": b"x" * (3 << 20)}
    result = grade(**files).result

    assert (result.score, result.max_score, result.isolation) == (plain.score, plain.max_score, plain.isolation)
    assert [(one.id, one.outcome, one.points) for one in result.checks] == [
        (one.id, one.outcome, one.points) for one in plain.checks
    ]
    assert [note.partition(":")[0] for note in result.notes] == [
        "answers/step03.md",
        "answers/step01.md",
        "the answer to 2.1 was cut after 20000 characters",
    ]


def test_an_edited_answer_is_in_the_result_and_judges_nothing_again(grade):
    assert not grade(step02=b"# 2.1\nfirst").resumed
    assert grade(step02=b"# 2.1\nfirst").resumed
    again = grade(step02=b"# 2.1\nsecond")
    assert not again.resumed
    assert again.kept == tuple(step.step for step in again.result.steps)
    assert again.result.written[0].answer == "second"

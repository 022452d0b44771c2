"""Answers that are found although their heading has more words, and lines that only look like headings."""

from __future__ import annotations

import pytest

from graders.intake.answers import answers_in_cells, answers_in_files
from graders.intake.notebooks.cells import TextCell
from tests.support import COURSE

GIVEN = (COURSE.reference_folder / "answers" / "step02.md").read_text(encoding="utf-8")


def in_file(text: str) -> tuple[dict[str, str], list[str]]:
    return answers_in_files({"step02.md": text.encode()}, COURSE)


@pytest.mark.parametrize(
    "heading",
    ["## Answer to question 2.2", "# Απάντηση στην ερώτηση 2.2", "### **Question 2.2:** beats", "## Answer: 2.2"],
)
def test_a_heading_may_lead_up_to_its_number(heading: str) -> None:
    assert in_file(f"{heading}\n\nΣβήνει.") == ({"2.2": "Σβήνει."}, [])


@pytest.mark.parametrize(
    "line", ["**2.1** 1293 timesteps", "2.1) Γιατί", "2.1 1293 timesteps and an LSTM", "Ερώτηση 2.1:", "- 2.1."]
)
def test_a_line_that_looks_like_a_heading_is_told(line: str) -> None:
    answers, notes = in_file(GIVEN.replace("## 2.1 1293 timesteps and an LSTM", line) + "\nΜένει η αρμονία.")

    assert answers == {"2.2": "Μένει η αρμονία."}
    told = f"what stands below `{line}` was not read as an answer to 2.1, since that line is no heading; write `# 2.1`"
    assert notes == [f"answers/step02.md line 5: {told}"]


def test_the_same_is_told_of_a_notebooks_cells() -> None:
    answers, notes = answers_in_cells(map(TextCell, ["# Βήμα 1", "Γράφουμε.\n\n**1.1** Τα δύο\nΧαμηλά."]), COURSE)

    assert answers == {}
    assert [note.partition(":")[0] for note in notes] == ["Markdown cell 2 line 3"]


def test_a_number_in_a_text_is_no_heading_once_its_question_is_answered() -> None:
    assert in_file("## 2.1\n2.1 million\n## 2.2\nΝαι.")[1] == []


def test_text_below_no_heading_is_told_and_the_files_own_is_not() -> None:
    assert in_file(GIVEN)[1] == []
    assert in_file(GIVEN.partition("## 2.1")[0] + "\nΗ κλίση σβήνει.\n")[1] == [
        "answers/step02.md line 6: text that stands below no question's heading was not read"
    ]

"""The terminal: nothing that a student wrote is obeyed there, and a whole table fits 80 columns."""

import io
import unicodedata

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from graders.feedback import terminal
from graders.feedback.terminal import ProgressLines, answered_lines, check_lines, number, row_of
from graders.grading.pace import Pace
from graders.grading.task import Failed, Finished, Graded, Progress
from graders.outcomes import WAITS_FOR, Outcome
from graders.results.schema import AnswerStatus, CheckResult, GradedStep, Isolation, Result, WrittenAnswer
from graders.sandbox.layers import Layer, State
from graders.text import printable

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

EVIL = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil\u2066\u200b\r\n\x08\x7f\ud800\u2028"
MARKUP = "[bold red]x[/] [/nothing] [link=file:///etc]y[/link] \\[a] :skull: \\"


def summary_table(results: list[Result], width: int) -> RenderableType:
    return terminal.summary_table([row_of(one) for one in results], width)


def isolation_line(results: list[Result]) -> str:
    return terminal.isolation_line([row_of(one) for one in results])


def notes_lines(results: list[Result]) -> list[str]:
    return terminal.notes_lines([row_of(one) for one in results])


def written_line(results: list[Result]) -> str:
    return terminal.written_line([row_of(one) for one in results])


def check(
    step: int = 1, outcome: Outcome = Outcome.FAILED, message: str = "It failed.", title: str = "The title."
) -> CheckResult:
    passed = outcome is Outcome.PASSED
    return CheckResult(
        id=f"step{step:02d}.a",
        step=step,
        title=title,
        points=2.5 if passed else 0.0,
        max_points=2.5,
        outcome=outcome,
        message=message,
        hint="" if passed else "The hint.",
        visibility="public",
        seconds=0.25,
    )


def written(*answers: str, step: int = 6) -> list[WrittenAnswer]:
    return [
        WrittenAnswer(
            f"{step}.{number}",
            step,
            "A title",
            answer,
            AnswerStatus.TO_BE_MARKED if answer else AnswerStatus.NOT_ANSWERED,
        )
        for number, answer in enumerate(answers, start=1)
    ]


def result(
    submission: str = "alice",
    *checks: CheckResult,
    notes: list[str] | None = None,
    answers: list[WrittenAnswer] | None = None,
) -> Result:
    rows = list(checks) or [
        check(step, outcome) for step in (1, 2, 3, 4) for outcome in (Outcome.PASSED, Outcome.NOT_IMPLEMENTED)
    ]
    return Result(
        course="Μουσική",
        submission=submission,
        score=sum(row.points for row in rows),
        max_score=sum(row.max_points for row in rows),
        isolation=Isolation.of({"seccomp": Layer(State.ON), "landlock": Layer(State.ON, "ABI 4")}),
        time_limit=900.0,
        steps=[GradedStep(1, "1", "f")],
        versions={},
        checks=rows,
        written=answers or [],
        notes=notes or [],
    )


def shown(*things: RenderableType, width: int = 80, soft_wrap: bool = True, terminal: bool = False) -> str:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=terminal).print(*things, soft_wrap=soft_wrap)
    return file.getvalue()


def obeyed(text: str) -> set[str]:
    """Return the characters of a text that a terminal would obey or reorder, but for the ends of lines."""
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"} and char != "\n"}


# What students write


@STEADY
@given(st.text(st.characters(exclude_categories=())))
def test_printable_text_is_one_line_that_is_obeyed_by_no_terminal(text: str) -> None:
    got = printable(text)

    assert len(got) == len(text)
    assert not obeyed(got)
    assert len(got.splitlines()) <= 1
    assert printable(got) == got


@pytest.mark.parametrize(
    "text", ["::error::owned", "  ::set-output name=x::y", "\n::stop-commands::t", "a ##[error]owned"]
)
def test_printable_text_is_no_command_of_a_ci_runner(text: str) -> None:
    got = printable(text)

    assert not got.lstrip().startswith("::")
    assert "##[" not in got
    assert got != text


@pytest.mark.parametrize(
    "text", ["Ρεμπέτικο", "a::b", "x[::2]", "# 1.1", "write `## 2.1`", "l'été", "日本語", "a\u0301", "🎵", "[bold]", ""]
)
def test_text_of_every_language_stays(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize("soft_wrap", [True, False])
def test_names_and_messages_cannot_speak_to_the_terminal(soft_wrap: bool) -> None:
    evil = result(EVIL, check(message=EVIL))
    text = shown(summary_table([evil], 200), check_lines(evil.checks), isolation_line([evil]), soft_wrap=soft_wrap)

    assert "evil" in text
    assert not obeyed(text)


def test_names_and_messages_are_no_markup() -> None:
    name = shown(summary_table([result(MARKUP)], 200), width=200)
    message = shown(check_lines([check(message=MARKUP)]), width=200)

    assert MARKUP in name
    assert MARKUP in message


def test_a_name_alone_is_no_markup() -> None:
    for name in ("[/]", "[red]", ":smile:", "a\\", "[", "]"):
        assert name in shown(summary_table([result(name)], 200))


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_cannot_speak_to_the_terminal(terminal: bool) -> None:
    file = io.StringIO()
    fault = Failed(EVIL)
    with ProgressLines(Console(file=file, width=200, force_terminal=terminal, no_color=True), 10) as lines:
        lines.show(Progress(EVIL, 3))
        lines.show(Finished(EVIL, Graded(result(EVIL), kept=(1,), resumed=True)))
        lines.show(Finished(MARKUP, fault))
    text = file.getvalue()

    assert "]0;owned" in text
    assert "\x1b]0" not in text
    assert "\x9b" not in text
    assert "\u202e" not in text
    assert MARKUP in text


# What is shown


def test_the_whole_table_fits_eighty_columns() -> None:
    results = [result("alice"), result("a-very-long-name-of-a-submission-" * 4)]
    for text in (shown(summary_table(results, 80)), shown(summary_table(results, 80), soft_wrap=False)):
        lines = text.splitlines()
        assert max(map(len, lines)) <= 80
        assert "…" not in text
        for word in (
            "submission",
            "score",
            "of 20",
            "step",
            "of 5",
            "alice",
            "2.5",
            "4 not_implemented",
        ):
            assert word in " ".join(text.split())


def test_a_narrow_table_of_ten_steps_breaks_no_word() -> None:
    rows = [check(step, Outcome.NOT_IMPLEMENTED) for step in range(1, 11)]
    for width, with_steps in ((80, False), (120, True)):
        text = shown(summary_table([result("alice", *rows)], width), width=width, soft_wrap=False)
        assert "10 not_implemented" in " ".join(text.split())
        assert ("step" in text) == with_steps


def test_the_table_names_what_went_wrong_how_often() -> None:
    rows = [check(1, outcome) for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.FAILED, Outcome.TIMED_OUT)]
    text = shown(summary_table([result("bob", *rows)], 200))

    assert "bob" in text
    assert "2 failed, 1 timed_out" in text


@pytest.mark.parametrize(("points", "text"), [(3.0, "3"), (2.5, "2.5"), (0.25, "0.25"), (0.0, "0"), (100.0, "100")])
def test_points_have_no_needless_decimals(points: float, text: str) -> None:
    assert number(points) == text


def test_isolation_in_a_line() -> None:
    assert isolation_line([result()]) == "Isolation: full (seccomp on, landlock on (ABI 4))."
    unread = Result(
        **{name: getattr(result(), name) for name in Result.__struct_fields__ if name != "isolation"},
        isolation=Isolation.of({}),
    )
    assert isolation_line([unread]) == "Isolation: no code of a submission ran."
    assert isolation_line([unread, result()]) == isolation_line([result()])


def test_answers_to_be_marked_in_a_line() -> None:
    some, none = result("alice", answers=written("α", "", "β")), result("bob", answers=written("", ""))

    assert written_line([some, none, result("eve")]) == "Written answers to be marked: alice 2 of 3."
    assert written_line([none, result("eve")]) == written_line([]) == ""
    assert written_line([some, some]) == "Written answers to be marked: alice 2 of 3, alice 2 of 3."


def test_answers_and_names_cannot_speak_to_the_terminal() -> None:
    line = written_line([result(EVIL + MARKUP, answers=written(EVIL))])

    assert not obeyed(line)
    assert MARKUP in line
    assert not obeyed("".join(answered_lines(written(EVIL), "lab")))


def test_each_step_says_where_its_answers_stand() -> None:
    assert answered_lines([*written("α", "", "β", ""), *written("", step=10)], "lab") == [
        "Written: 2 of 4 answered in lab/answers/step06.md, to be marked by a person.",
        "Written: 0 of 1 answered in lab/answers/step10.md, to be marked by a person.",
    ]
    assert answered_lines([], "lab") == []


def test_each_check_has_its_mark_message_and_hint() -> None:
    rows = [
        check(1, Outcome.PASSED, "", "It is there."),
        check(1, Outcome.NOT_IMPLEMENTED, "f is yours to write: step 1", "It is open."),
        check(1, Outcome.NOT_IMPLEMENTED, "step01_a has no f.", "It is renamed."),
        check(2, Outcome.WRONG_TYPE, "f() returned None.", "It is wrong."),
    ]
    lines = [line.rstrip() for line in shown(check_lines(rows)).splitlines() if line.strip()]

    assert lines == [
        "Step 1: 2.5 of 7.5 points",
        "  ✓ It is there.",
        "  · It is open.",
        "  · It is renamed.",
        "      step01_a has no f.",
        "Step 2: 0 of 2.5 points",
        "  ✗ It is wrong.",
        "      wrong_type: f() returned None.",
        "      hint: The hint.",
    ]


def row(name: str, outcome: Outcome, message: str = "", step: int = 1, hint: str = "The hint.") -> CheckResult:
    return msgspec.structs.replace(
        check(step, outcome, message, f"Ο έλεγχος {name}."), id=f"step{step:02d}.{name}", max_points=0.5, hint=hint
    )


def told(*rows: CheckResult) -> list[str]:
    return [line.rstrip() for line in shown(check_lines(rows)).splitlines() if line.strip()]


def test_checks_that_wait_for_one_are_told_in_one_line() -> None:
    first = row("α", Outcome.FAILED, "f() returned 1; expected 2.")
    assert told(
        first,
        row("β", Outcome.BLOCKED, WAITS_FOR + first.title),
        row("γ", Outcome.PASSED),
        row("δ", Outcome.BLOCKED, WAITS_FOR + "Ο έλεγχος β."),
    ) == [
        "Step 1: 2.5 of 2 points",
        "  ✗ Ο έλεγχος α.",
        "      failed: f() returned 1; expected 2.",
        "      hint: The hint.",
        "  ✓ Ο έλεγχος γ.",
        "  ✗ 2 checks (1 point) wait for this one: Ο έλεγχος α.",
        "      β, δ",
    ]


def test_a_module_that_does_not_load_is_told_once() -> None:
    error = "raised NameError: name 'x' is not defined [lab/step01_a.py line 1, in <module>]"
    again = error.replace("[lab", "[lab/step02_b.py line 3, in <module>; lab")
    rows = [row(f"α{at}", Outcome.STUDENT_ERROR, f"import step01_a {error}") for at in range(12)]
    rows += [row(f"β{at}", Outcome.STUDENT_ERROR, f"import step02_b {again}", 2) for at in range(2)]
    lines = told(*rows, row("γ", Outcome.BLOCKED, f"{WAITS_FOR}Ο έλεγχος β1.", 2))
    assert " ".join(lines).count("NameError") == 1
    assert lines[1:4] == ["  ✗ Ο έλεγχος α0.", f"      student_error: import step01_a {error}", "      hint: The hint."]
    assert lines[4:] == [
        "  ✗ 11 checks (5.5 points) end in the same way as this one: Ο έλεγχος α0.",
        "      α1, α2, α3, α4, α5, α6, α7, α8 and 3 more",
        "Step 2: 0 of 1.5 points",
        "  ✗ 3 checks (1.5 points) end in the same way as this one of step 1, or wait for it: Ο έλεγχος α0.",
        "      β0, β1, γ",
    ]


@pytest.mark.parametrize(
    ("outcome", "messages", "alike"),
    [
        (Outcome.STUDENT_ERROR, ["f(1) raised E: a [l.py line 1, in f]", "g(2) raised E: a [l.py line 1, in f]"], True),
        (
            Outcome.STUDENT_ERROR,
            ["f(1) raised E: a [l.py line 1, in f]", "f(1) raised E: a [l.py line 2, in f]"],
            False,
        ),
        (Outcome.STUDENT_ERROR, ["f(1) raised E: a", "g(1) raised E: a"], False),
        (Outcome.STUDENT_ERROR, ["E: a [l.py line 1, in f]", "E: a [l.py line 1, in f]"], True),
        (Outcome.TIMED_OUT, ["f(1) gave no answer within 10 s.", "f(2) gave no answer within 10 s."], True),
        (Outcome.TIMED_OUT, ["f(1) gave no answer within 10 s.", "g(2) gave no answer within 10 s."], False),
        (Outcome.FAILED, ["f(1) returned 1; expected 2.", "f(1) returned 1; expected 2."], False),
    ],
)
def test_what_ends_for_the_same_reason_is_told_once(outcome: Outcome, messages: list[str], alike: bool) -> None:
    lines = told(*(row(f"α{at}", outcome, message) for at, message in enumerate(messages)))
    assert any("in the same way" in line for line in lines) == alike


def test_a_name_that_is_missing_is_told_once() -> None:
    lines = told(*(row(f"α{at}", Outcome.NOT_IMPLEMENTED, "step01_a has no f.") for at in range(2)))
    assert lines[1:] == ["  · Ο έλεγχος α0.", "      step01_a has no f.", "  · Ο έλεγχος α1."]


@pytest.mark.parametrize("width", [20, 44, 80, 120])
def test_no_line_of_a_long_name_begins_with_a_command(width: int) -> None:
    for blanks in range(90):
        name = f"{'x' * blanks} ::error::it is all right"
        file = io.StringIO()
        console = Console(file=file, width=width)
        with ProgressLines(console, 10) as lines:
            lines.show(Finished(name, Graded(result(name))))
        console.print(summary_table([result(name)], width))
        assert not [line for line in file.getvalue().splitlines() if line.lstrip().startswith("::")]


def test_notes_are_shown_and_of_a_class_the_first_of_each() -> None:
    many = result(notes=[f"note {n} \x1b[2J" for n in range(9)])

    assert len(notes_lines([many])) == 9
    assert all(line.isprintable() and line.startswith("Note on alice: note") for line in notes_lines([many]))
    assert notes_lines([many, result("bob", notes=["left out"]), result("eve")])[-2:] == [
        "Note on alice: 5 more in its result.json.",
        "Note on bob: left out.",
    ]


def test_in_a_pipe_each_submission_has_a_line_when_it_ends() -> None:
    file = io.StringIO()
    with ProgressLines(Console(file=file, width=80), 10) as lines:
        lines.show(Progress("alice", 5))
        lines.show(Finished("alice", Graded(result(notes=["left out"]))))
        lines.show(Finished("bob", Graded(result("bob"), kept=(1,), resumed=True)))
        lines.show(Finished("eve", Failed("it broke")))

    assert file.getvalue().split("\n") == [
        "alice  10 of 20  (2.0 s, notes in result.json: 1)",
        "bob  10 of 20  (unchanged since an earlier run)",
        "eve  harness fault: it broke",
        "",
    ]


def test_the_time_that_is_left_is_that_of_what_is_still_to_be_graded():
    now = [0.0]
    pace = Pace(42, 2, lambda: now[0])
    for name in ("old", "older"):  # they stand from an earlier run: told, and no measure
        pace.begin(name)
        pace.end(name, graded=False)
    assert str(pace) == "2 of 42"
    pace.begin("a")
    pace.begin("b")
    now[0] = 8
    pace.end("a", graded=True)
    pace.begin("c")
    now[0] = 10
    pace.end("b", graded=True)
    # Each took 9 s; c has 7 s to go, and 37 more wait; two at a time.
    assert pace.left() == (7 + 37 * 9) / 2
    assert str(pace) == "4 of 42, 3 min left"


def test_a_pipe_says_now_and_then_how_far_a_class_is():
    file = io.StringIO()
    with ProgressLines(Console(file=file, width=80), 10, Pace(40, 1)) as lines:
        for index in range(40):
            lines.show(Progress(f"s{index}", 0))
            lines.show(Finished(f"s{index}", Graded(result(f"s{index}"), resumed=True)))
    told = [line for line in file.getvalue().splitlines() if " of 40" in line]
    assert told == [f"{done} of 40" for done in range(4, 40, 4)]

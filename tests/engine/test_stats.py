"""Statistics of a class: what they count, what they say, and that student text in them stays text."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import pytest
from click.testing import CliRunner
from lxml import etree
from scipy import stats as scipy_stats

from graders.authoring.check import Visibility
from graders.cli import graders
from graders.intake.layouts.handin import Handin
from graders.outcomes import WAITS_FOR, Outcome
from graders.pages.classroom import class_page
from graders.results.files import write_result
from graders.results.gradebook.book import Gradebook
from graders.results.roster import Student
from graders.results.schema import CheckResult, Isolation, Result
from graders.statistics.causes import normal_form
from graders.statistics.judged import every
from tests.support import WORDS

HOSTILE = "::error::x\n<script>alert(1)</script> ]]> \x1b[31m\x00 =1+1 \u202e Άννα &amp;"
SECRET = "Rock 0.913"
SVG = "{http://www.w3.org/2000/svg}"


def check(
    name: str,
    outcome: Outcome,
    message: str = "",
    *,
    step: int = 1,
    points: float = 1,
    visibility: Visibility = "public",
) -> CheckResult:
    got = points if outcome is Outcome.PASSED else 0
    hint = "" if outcome is Outcome.PASSED else f"Διαβάστε το {name}."
    return CheckResult(
        f"step{step:02d}.{name}", step, f"Το {name} (σωστό)", got, points, outcome, message, hint, visibility, 0.1
    )


def result(name: str, checks: list[CheckResult], **changes: object) -> Result:
    fields: dict[str, object] = {
        "course": "Λέξεις", "submission": name, "score": sum(one.points for one in checks),
        "max_score": sum(one.max_points for one in checks), "isolation": Isolation.of({}), "time_limit": 1, "steps": [],
        "versions": {}, "checks": checks, "notes": [],
    }  # fmt: skip
    return Result(**{**fields, **changes})  # type: ignore[arg-type]


def outcomes(number: int) -> list[CheckResult]:
    """Return the checks of one of twelve: the first four fail `masks`, and `uses` waits for it then."""
    weak = number < 4
    masks = check("masks", Outcome.FAILED, f"f({number}) returned '{number}x'; expected {number + 1}.", points=2)
    return [
        masks if weak else check("masks", Outcome.PASSED, points=2),
        check("uses", Outcome.BLOCKED, WAITS_FOR + masks.title, points=3) if weak
        else check("uses", Outcome.PASSED, points=3),
        check("easy", Outcome.PASSED),
        check("odd", Outcome.PASSED if number % 2 else Outcome.FAILED, HOSTILE, step=2),
        check("reads", Outcome.STUDENT_ERROR if number == 5 else Outcome.PASSED, f"No file /tmp/{number}/a.txt", step=2),
        check("secret", Outcome.FAILED if number < 6 else Outcome.PASSED, SECRET, step=2, visibility="hidden"),
        check("late", Outcome.NOT_IMPLEMENTED if number > 8 else Outcome.PASSED, f"f{number} is yours", step=3, points=4),
    ]  # fmt: skip


def test_a_check_that_the_better_ones_fail_is_pointed_out(tmp_path):
    for number in range(20):
        turned = [
            check("turned", Outcome.FAILED if number < 10 else Outcome.PASSED, "όχι"),
            check("most", Outcome.PASSED if number < 11 else Outcome.FAILED, "όχι", points=5),
        ]
        write_result(result(f"s{number}", turned), tmp_path / "out" / f"s{number}")
    turned_row = about(rows(tmp_path, "--results", tmp_path / "out"), "check")["step01.turned"]
    assert float(turned_row["discrimination"]) < -0.5
    assert turned_row["remark"] == "negative"


@pytest.fixture
def folder(tmp_path):
    for number in range(12):
        write_result(result(f"φοιτητής{number:02d}", outcomes(number)), tmp_path / "out" / f"s{number:02d}")
    return tmp_path / "out"


def stats(*arguments: object) -> tuple[int, str, str]:
    ended = CliRunner().invoke(graders, ["stats", *map(str, arguments)])
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def rows(tmp_path: Path, *arguments: object) -> list[dict[str, str]]:
    file = tmp_path / "class.csv"
    code, _, told = stats(*arguments, "--csv", file)
    assert code == 0, told
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def about(table: list[dict[str, str]], what: str) -> dict[str, dict[str, str]]:
    return {row["check"] or row["title"] or row["step"]: row for row in table if row["what"] == what}


def test_each_check_has_its_figures(folder, tmp_path):
    checks = about(rows(tmp_path, "--results", folder), "check")
    masks, uses, easy, odd = (
        checks[f"step0{step}.{name}"] for step, name in ((1, "masks"), (1, "uses"), (1, "easy"), (2, "odd"))
    )
    assert (masks["judged"], masks["passed"], masks["points_lost"]) == ("12", "8", "8")
    assert float(masks["pass_rate"]) == pytest.approx(8 / 12, abs=1e-4)
    assert (uses["judged"], uses["waited"], uses["points_lost"]) == ("8", "4", "12")
    assert (uses["discrimination"], uses["remark"]) == ("", "too few")
    assert (easy["discrimination"], easy["remark"]) == ("", "all passed")
    everybody = [outcomes(number) for number in range(12)]
    passed = [one[3].outcome is Outcome.PASSED for one in everybody]
    others = [sum(check.points for check in one) - one[3].points for one in everybody]
    expected = scipy_stats.pointbiserialr(passed, others).statistic
    assert float(odd["discrimination"]) == pytest.approx(expected, abs=1e-4)


def test_discrimination_has_no_meaning_without_other_points(tmp_path):
    for number in range(12):
        only = [check("one", Outcome.PASSED if number % 2 else Outcome.FAILED, "όχι")]
        write_result(result(f"s{number}", only), tmp_path / "out" / f"s{number}")
    only_row = about(rows(tmp_path, "--results", tmp_path / "out"), "check")["step01.one"]
    assert (only_row["discrimination"], only_row["remark"]) == ("", "no other points")


def test_wrong_answers_are_grouped_with_what_waits_for_them(folder, tmp_path):
    causes = about(rows(tmp_path, "--results", folder), "wrong answer")
    masks = causes["step01.masks"]
    assert (masks["results"], masks["points_lost"]) == ("4", "20")
    assert masks["message"] == "f(…) returned …; expected …."
    assert masks["whose"] == "φοιτητής00, φοιτητής01, φοιτητής02, φοιτητής03"
    assert "step01.uses" not in causes
    assert causes["step03.late"]["message"] == "not done yet"
    assert causes["step03.late"]["results"] == "3"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f returned (128, 62); expected (62, 128): time first.", "f returned (64, 31, 2); expected (31, 64): time first."),
        ("item 3 is 0.25; expected -1e-05", "item 12 is nan; expected 7"),
        ("No module named 'foo' [lab/a.py line 3]", 'No module named "μπαρ" [lab/other/b.py line 77]'),
        ("cannot open /home/anna/data/x.csv", r"cannot open C:\Users\eva\x.csv"),
        ("the student's value is 'it'", "the student's value is 'that one'"),
        ("at 0x7f00ab is [1, 2, 3]", "at 0x11 is [4.5, 6]"),
        ("named «ένα»", "named «δύο, τρία»"),
    ],
)  # fmt: skip
def test_the_same_fault_reads_the_same(one, other):
    assert normal_form(one) == normal_form(other)


def test_other_faults_read_differently_and_names_stay():
    assert normal_form("step04_x.f2 returned 3") == "step04_x.f2 returned …"
    assert normal_form("expected a list") != normal_form("expected a tuple")
    assert normal_form("and/or one/two") == "and/or one/two"
    assert len(normal_form("/" * 100_000 + "'" * 100_000 + "a/" * 100_000)) <= 300


def test_scores_are_spread_over_tenths(folder, tmp_path):
    table = rows(tmp_path, "--results", folder)
    [scores] = [row for row in table if row["what"] == "score"]
    totals = sorted(sum(one.points for one in outcomes(number)) for number in range(12))
    assert float(scores["mean"]) == pytest.approx(sum(totals) / 12, abs=1e-3)
    assert float(scores["median"]) == (totals[5] + totals[6]) / 2
    tenths = [int(row["results"]) for row in table if row["what"] == "tenth"]
    assert sum(tenths) == 12
    assert tenths[9] == sum(total >= 0.9 * 13 for total in totals)
    assert tenths[math.floor(10 * totals[0] / 13)] > 0
    assert [row["of"] for row in table if row["what"] == "step"] == ["6", "3", "4"]


def test_the_class_hears_what_cost_it_most_first(folder, tmp_path):
    said = [row["message"] for row in rows(tmp_path, "--results", folder) if row["what"] == "tomorrow"]
    assert said[0].startswith("4 of 12 lost 20 points together in step 1 at “Το masks (σωστό)”: f(…) returned …")
    assert said[0].endswith("Hint: Διαβάστε το masks.")
    assert said[1] == "3 of 12 have not done all of step 3; that cost 12 points together."
    assert not any("/tmp" in one or "No file" in one for one in said)  # one student's alone
    assert len(said) <= 5


def test_hidden_checks_appear_by_title_alone(folder, tmp_path):
    drawing = tmp_path / "class.svg"
    table = rows(tmp_path, "--results", folder, "--svg", drawing)
    told = stats("--results", folder)[1]
    written = (tmp_path / "class.csv").read_text(encoding="utf-8-sig")
    assert not any(SECRET in text or "0.913" in text for text in (told, written, drawing.read_text(encoding="utf-8")))
    assert about(table, "wrong answer")["step02.secret"]["title"] == "Το secret (σωστό)"
    assert "Διαβάστε το secret" not in told


def test_a_hidden_check_that_is_not_done_is_told_with_its_step(tmp_path):
    todo = [check(name, Outcome.NOT_IMPLEMENTED, "f is yours") for name in ("a", "b")]
    todo.append(check("c", Outcome.NOT_IMPLEMENTED, SECRET, visibility="hidden"))
    for number in range(3):
        write_result(result(f"s{number}", todo), tmp_path / "out" / f"s{number}")
    said = [row["message"] for row in rows(tmp_path, "--results", tmp_path / "out") if row["what"] == "tomorrow"]
    assert said == ["All 3 have not done all of step 1; that cost 9 points together."]


def test_the_table_fits_eighty_columns_and_obeys_no_student(folder):
    code, told, _ = stats("--results", folder)
    assert code == 0
    assert max(map(len, told.splitlines())) <= 80
    assert "What the class should hear tomorrow" in told
    assert "\x1b" not in told
    assert "\u202e" not in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())


def test_the_csv_starts_no_formula(folder, tmp_path):
    for row in rows(tmp_path, "--results", folder):
        for value in row.values():
            assert not value.lstrip().startswith(("=", "+", "@"))
            assert not value.startswith("-") or math.isfinite(float(value))


def test_the_svg_stands_alone(folder, tmp_path):
    write_result(result("x", [*outcomes(1), check("a<b>&\x07\ufffe", Outcome.FAILED, HOSTILE)]), folder / "x")
    drawing = tmp_path / "class.svg"
    assert stats("--results", folder, "--svg", drawing)[0] == 0
    content = drawing.read_bytes()
    tree = etree.fromstring(content)
    assert tree.tag == f"{SVG}svg"
    assert {element.tag.removeprefix(SVG) for element in tree.iter()} == {"svg", "title", "style", "rect", "text", "g"}
    assert not [name for element in tree.iter() for name in element.attrib if "href" in name or name.startswith("on")]
    assert b"prefers-color-scheme: dark" in content
    assert b"url(" not in content
    width, height = float(tree.get("width", "0")), float(tree.get("height", "0"))
    for element in tree.iter(f"{SVG}text", f"{SVG}rect"):
        if element.get("class") != "page":
            assert 0 <= float(element.get("x", "-1")) <= width
            assert 0 <= float(element.get("y", "-1")) <= height


def handin(student: str, attempt: int, *others: str) -> Handin:
    return Handin(
        students=[student, *others], name=student, attempt=attempt, path=f"{student}-{attempt}", digest=f"{attempt}"
    )


def test_of_a_gradebook_the_attempt_that_counts_is_counted(tmp_path):
    """The course of words counts the last attempt; the result of a group is one."""
    url = str(tmp_path / "class.db")
    good, bad = [check("f", Outcome.PASSED)], [check("f", Outcome.FAILED, "όχι")]
    with Gradebook(url, "me", new=True) as book:
        book.enrol([Student(id=one, name=one) for one in ("anna", "eva", "nikos", "absent")])
        book.record(handin("anna", 1), result("anna", bad, seal="1"))
        book.record(handin("anna", 2), result("anna", good, seal="2"))
        book.record(handin("eva", 1, "nikos"), result("eva", bad, seal="3"))
    table = rows(tmp_path, "--gradebook", url, "--course", WORDS)
    f = about(table, "check")["step01.f"]
    assert (f["judged"], f["passed"]) == ("2", "1")
    assert about(table, "wrong answer")["step01.f"]["whose"] == "eva, nikos"
    assert "1 of 4 students have no result" in stats("--gradebook", url, "--course", WORDS)[2]


def test_of_attempts_that_do_not_count_nothing_is_told(tmp_path):
    url = str(tmp_path / "class.db")
    fault = [check("f", Outcome.HARNESS_FAULT, "oops")]
    good = [check("f", Outcome.PASSED)]
    with Gradebook(url, "me", new=True) as book:
        book.record(handin("anna", 1), result("anna", good, tampered="yes", seal="1"))
        book.record(handin("anna", 2), result("anna", fault, seal="2"))
        book.record(handin("anna", 3), result("anna", good, seal="3"))
    assert stats("--gradebook", url, "--course", WORDS)[2] == ""
    with Gradebook(url, "me") as book:
        book.record(handin("eva", 1), result("eva", fault, seal="4"))
        book.record(handin("nikos", 1), result("nikos", good, tampered="yes", seal="5"))
    told = stats("--gradebook", url, "--course", WORDS)[2]
    assert "harness faults in 1 result:" in told
    assert "tampered with in 1 result:" in told


def test_what_does_not_count_is_told(folder):
    (folder / "broken").mkdir()
    (folder / "broken" / "result.json").write_text("{", encoding="utf-8")
    write_result(result("t", outcomes(0), tampered="yes"), folder / "t")
    write_result(result("h", [check("masks", Outcome.HARNESS_FAULT, "oops", points=2)]), folder / "h")
    code, told, errors = stats("--results", folder)
    assert code == 0
    assert "Scores of 12 results" in told
    assert "oops" not in told
    assert all(word in errors for word in ("broken", "tampered with in 1 result:", "harness faults in 1 result:"))


def test_where_the_harness_failed_no_points_are_counted(tmp_path):
    good = [check("f", Outcome.PASSED), check("g", Outcome.PASSED, step=2)]
    faulty = [check("f", Outcome.PASSED), check("g", Outcome.HARNESS_FAULT, "oops", step=2)]
    for name, checks in (("a", good), ("b", faulty)):
        write_result(result(name, checks), tmp_path / "out" / name)
    table = rows(tmp_path, "--results", tmp_path / "out")
    (score,) = (row for row in table if row["what"] == "score")
    assert (score["results"], score["mean"], score["of"]) == ("1", "2", "2")
    steps = about(table, "step")
    assert [(steps[one]["results"], steps[one]["mean"]) for one in "12"] == [("2", "1"), ("1", "1")]
    assert sum(int(row["results"]) for row in table if row["what"] == "tenth") == 1
    write_result(result("a", faulty), tmp_path / "out" / "a")
    drawing = tmp_path / "class.svg"
    table = rows(tmp_path, "--results", tmp_path / "out", "--svg", drawing)
    assert [(row["results"], row["mean"]) for row in table if row["what"] == "score"] == [("0", "")]
    assert "nobody was judged" in drawing.read_text(encoding="utf-8")
    code, told, errors = stats("--results", tmp_path / "out")
    assert code == 0
    assert "The harness failed in each of them" in told
    assert "harness faults in 2 results" in errors
    assert b"The harness failed in each of them" in class_page(every([result("a", faulty)]))


def test_misuse_is_a_sentence(tmp_path, folder):
    (tmp_path / "empty").mkdir()
    for arguments, word in (
        ((), "--gradebook"),
        (("--results", folder, "--gradebook", "x"), "either"),
        (("--results", tmp_path / "empty"), "no result"),
        (("--results", folder, "--svg", tmp_path / "no" / "x.svg"), "cannot be written"),
        (("--results", folder, "--csv", tmp_path / "no" / "x.csv"), "cannot be written"),
    ):
        code, _, told = stats(*arguments)
        assert (code, word in told) == (2, True), told

"""Feedback and class pages: what they say, and that all that students wrote stays text."""

from __future__ import annotations

import base64
import io
import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import html5lib
import msgspec
import pytest
from click.testing import CliRunner
from lxml import html
from PIL import Image

from graders.cli import graders
from graders.intake.layouts.handin import Handin
from graders.outcomes import Outcome, Panel, Picture
from graders.pages.classroom import class_page
from graders.pages.rendering import MOST_CHARACTERS, plain
from graders.pages.submission import Known, page_of
from graders.results.files import write_result
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.grades import Mark, Total
from graders.results.gradebook.rows import Marked
from graders.results.schema import Result
from graders.results.scoring import HIDDEN_MESSAGE
from graders.statistics.judged import every
from tests.pages import EVIL, PICTURES, better, result_of, text_of
from tests.support import WORDS

ELEMENTS = frozenset(
    "html head meta title style body header main section article p h1 h2 h3 small span i b br table caption thead tbody tr th "
    "td ul ol li details summary pre a div abbr code figure figcaption img svg polyline".split()
)
SVG = "{http://www.w3.org/2000/svg}"
PNG = "data:image/png;base64,"
ATTRIBUTES = frozenset(
    "lang charset http-equiv content name class id href scope style title colspan tabindex role aria-hidden aria-labelledby "
    "aria-label src alt width height viewBox points".split()
)


def strictly(page: bytes) -> Element:
    """Parse a page as browsers do, and refuse what they would have to mend."""
    found: Element = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page)
    return found


def one_line(text: str) -> str:
    return " ".join(plain(text).split())


def pages_of(text: str) -> list[bytes]:
    evil = result_of("x", 7, text=text, steps=1, checks=6)
    known = Known(better(evil), {"2.1": Mark(1, (text,))}, Total(1, 2, {}, 1, 1, 0, 0, (text,), entered=(text,)))
    return [page_of(evil, known), class_page(every([evil, result_of("Άννα", 1, steps=1)]))]


# --- what students wrote stays text


@pytest.mark.parametrize("text", [EVIL, "a" * (1 << 20), "<b>&" * (1 << 18), "\u202e\x9b31m" * 100, "x\n" * 100_000])
def test_a_page_is_html_of_known_elements_alone_whatever_students_wrote(text: str) -> None:
    for page in pages_of(text):
        for element in strictly(page).iter():
            assert str(element.tag).removeprefix(SVG) in ELEMENTS
            assert set(element.attrib) <= ATTRIBUTES, element.attrib
            assert element.get("href", "#").startswith("#")
            assert element.get("src", PNG).startswith(PNG)
            assert re.fullmatch(r"width: [0-9.]+%", element.get("style", "width: 0%"))
            for said in (element.text or "", element.tail or "", *element.attrib.values()):
                kinds = {unicodedata.category(char) for char in said if char != "\n"}
                assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert len(page) < 3_000_000
    for page in pages_of(text)[:1]:
        assert re.sub(r" (?=[.,:;])", "", one_line(text))[:60] in text_of(page)


def test_long_texts_are_cut_and_say_so() -> None:
    page = page_of(result_of("x", 7, text="α" * (1 << 20)))
    assert f"… ({(1 << 20) - MOST_CHARACTERS:,} more characters)" in text_of(page)


def test_nothing_is_fetched_and_no_script_runs() -> None:
    for page in pages_of(EVIL):
        policy = html.fromstring(page.decode()).xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
        assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
        style = "".join(html.fromstring(page.decode()).xpath("//style/text()"))
        assert "url(" not in style
        assert "@import" not in style
        assert "prefers-color-scheme: dark" in style
        assert "@media print" in style


# --- feedback


def test_points_failures_and_hints_are_told_and_what_is_hidden_is_not() -> None:
    result = result_of("Παπαδοπούλου Άννα", 1)
    secret = next(check for check in result.checks if check.visibility == "hidden" and check.hint)
    said = text_of(page_of(result))
    assert said.startswith("Words: a course of two steps Παπαδοπούλου Άννα Attempt 1, 2026-11-01 10:00 UTC")
    assert f"{result.score:g} of {result.max_score:g} points" in said
    told = [check for check in result.checks if check.outcome is Outcome.FAILED and check.visibility == "public"]
    assert told
    for check in told:
        assert f"✗ {check.title} failed, 0 of 0.5 points" in said
        assert f"{one_line(check.message)} {check.hint}" in said
    assert HIDDEN_MESSAGE not in said
    assert f"{secret.title} " in said
    assert "points; this check is hidden" in said
    leaking = [
        msgspec.structs.replace(check, message="SECRET DATA") if check.visibility == "hidden" else check
        for check in result.checks
    ]
    assert "SECRET DATA" not in page_of(msgspec.structs.replace(result, checks=leaking)).decode()
    assert "not answered" in said
    assert "A person marks this answer." in said


def test_a_picture_shows_what_came_beside_what_was_expected() -> None:
    first = next(check for check in result_of("x", 1).checks if check.visibility == "public")
    checks = [
        msgspec.structs.replace(first, id=f"step01.{at}", title=f"{at}", outcome=Outcome.FAILED, points=0, picture=one)
        for at, one in enumerate(PICTURES)
    ]
    broken = Picture("x", 0, 1, Panel(3, 3, b"123"), Panel(3, 3, b"123"))
    checks.append(msgspec.structs.replace(checks[0], id="step01.9", title="9", picture=broken))
    page = html.fromstring(page_of(msgspec.structs.replace(result_of("x", 1), checks=checks)).decode())
    images = [Image.open(io.BytesIO(base64.b64decode(src.removeprefix(PNG)))) for src in page.xpath("//img/@src")]
    assert [image.size for image in images] == [(60, 64), (60, 64)]
    corners = [image.convert("RGB").getpixel(at) for image in images for at in ((0, 0), (59, 63))]
    assert corners[0] == corners[3] != corners[1] == corners[2]
    tables = [one.xpath(".//td") for one in page.xpath("//table[@class='matrix']")]
    assert [[cell.text for cell in cells] for cells in tables] == [list("4100–2103"), list("410052103")]
    assert [cell.text for cell in tables[0] if "worse" in cell.get("class")] == ["–"]
    (came,), (wanted,) = (page.xpath(f"//polyline[@class='{kind}']/@points") for kind in ("came", "wanted"))
    assert [len(points.split()) for points in (came, wanted)] == [4, 5]
    assert came.startswith("0.0,0.0 ")
    assert wanted.endswith(" 320.0,120.0")


def test_what_is_wrong_once_is_told_once() -> None:
    result = result_of("x", 1)
    message = "Importing lab.step01 raised NameError: name 'np' is not defined [step01.py line 3]"
    checks = [
        msgspec.structs.replace(check, outcome=Outcome.STUDENT_ERROR, message=message, points=0.0, visibility="public")
        for check in result.checks
        if check.step == 1
    ]
    said = text_of(page_of(msgspec.structs.replace(result, checks=checks)))
    assert said.count("name 'np' is not defined") == 1
    assert "; with those below, it costs 6 points" in said
    assert "11 more end in the same way" in said


def test_of_what_could_not_be_read_the_page_says_why_and_blames_no_code() -> None:
    read = result_of("x", 1, steps=1)
    page = one_line(page_of(msgspec.structs.replace(read, digest="", notes=["x.rar: it is a RAR archive."])).decode())
    assert "It could not be read" in page
    assert "x.rar: it is a RAR archive." in page
    assert not [check.title for check in read.checks if check.title in page]
    assert read.checks[0].title in one_line(page_of(read).decode())


def test_what_is_still_to_do_is_told_in_one_place() -> None:
    result = result_of("x", 1, steps=1)
    checks = [
        msgspec.structs.replace(
            check, outcome=Outcome.NOT_IMPLEMENTED, message="unshift is yours to write: step 1", points=0.0
        )
        for check in result.checks
    ]
    checks[0] = msgspec.structs.replace(checks[0], message="step01 has no shift; keep the names of the skeleton.")
    said = text_of(page_of(msgspec.structs.replace(result, checks=checks, score=0.0)))
    assert "· 12 checks are still to do They are worth 6 points. step01 has no shift; keep the names" in said
    assert "yours to write" not in said
    assert "Hint" not in said
    assert all(check.title in said for check in checks)


def test_changes_marks_and_the_total_are_told_where_they_are_known() -> None:
    first = result_of("Άννα", 1)
    second = better(first)
    total = Total(4, 20, {}, 1.5, 2, 1, 0.5, ("1 late day, which cost 50%",), entered=("written answers: 1.5 of 2",))
    said = text_of(page_of(second, Known(first, {"2.1": Mark(1.5, ("Καλό.",))}, total)))
    assert f"4 of 20 points in total Checks: {second.score:g} of {second.max_score:g} points" in said
    assert "points of checks since the last attempt, 2 checks more pass, 1 no longer passes." in said
    assert "No longer pass: " in said
    assert "How your total comes about written answers: 1.5 of 2 1 late day, which cost 50%" in said
    assert "1.5 points Καλό." in said
    assert "since the last attempt" not in text_of(page_of(first))


def test_without_a_gradebook_a_page_says_that_its_points_are_those_of_checks() -> None:
    result = result_of("x", 1)
    said = text_of(page_of(result))
    assert f"{result.score:g} of {result.max_score:g} points of checks" in said
    assert "total" not in said


def test_what_is_worth_one_point_is_told_of_one() -> None:
    result = result_of("x", 1, steps=1, checks=3)
    worth = [msgspec.structs.replace(one, points=0.0, max_points=1.0, outcome=Outcome.FAILED) for one in result.checks]
    said = text_of(page_of(msgspec.structs.replace(result, checks=worth[:1], score=0.0, max_score=1.0)))
    assert "0 of 1 point" in said
    assert not re.search(r"\b1 (points|checks|marks)\b", said)


def test_a_result_of_which_no_verdict_counts_says_so() -> None:
    result = msgspec.structs.replace(result_of("x", 1), tampered="the check that nobody can pass was passed")
    assert "No verdict of this result counts: the check that nobody can pass was passed" in text_of(page_of(result))


# --- the class


def test_the_class_page_shows_who_passed_what_and_what_is_to_be_marked() -> None:
    results = [result_of(f"S{index}", index, steps=2) for index in range(1, 13)]
    judged = every(results)
    page = class_page([replace(judged[0], marked={"2.1"}), *judged[1:]])
    tree = html.fromstring(page.decode())
    maps = tree.xpath("//section[@class='map']//table")
    assert len(maps) == 2
    for step, table in enumerate(maps, start=1):
        rows = table.xpath(".//tbody/tr")
        assert len(rows) == 12
        for row in rows:
            result = results[int(row.xpath("./th")[0].text) - 1]
            mine = [check for check in result.checks if check.step == step]
            signs = [cell.text for cell in row.xpath("./td")[1:]]
            assert [sign == "✓" for sign in signs] == [check.outcome is Outcome.PASSED for check in mine]
    said = text_of(page)
    assert "2.1 Γιατί σπάει 12 of 12 11" in said
    assert "11 answers still to mark: graders mark serve --gradebook URL" in said
    assert "2.2 How long it takes 0 of 12 0" in said
    counts = [int(row.xpath("./td")[0].text) for row in tree.xpath("//table[@class='tenths']/tbody/tr")]
    assert sum(counts) == 12


def test_hidden_checks_data_stay_out_of_wrong_answers_in_groups() -> None:
    result = result_of("x", 1)
    hidden = next(check for check in result.checks if check.visibility == "hidden")
    failed = msgspec.structs.replace(hidden, outcome=Outcome.FAILED, message="SECRET DATA", points=0.0)
    checks = [failed if check is hidden else check for check in result.checks]
    assert "SECRET DATA" not in class_page(every([msgspec.structs.replace(result, checks=checks)])).decode()


# --- the command


def report(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(graders, ["report", *map(str, arguments), "--course", str(WORDS)], catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


def test_a_folder_of_results_becomes_pages(tmp_path: Path) -> None:
    for index, name in enumerate(["Άννα", "..hidden", "a b"], start=1):
        write_result(result_of(name, index), tmp_path / "results" / name)
    (tmp_path / "results" / "broken").mkdir()
    (tmp_path / "results" / "broken" / "result.json").write_text("{", encoding="utf-8")
    write_result(result_of("changed", 4), tmp_path / "results" / "changed")
    changed = tmp_path / "results" / "changed" / "result.json"
    changed.write_text(
        changed.read_text(encoding="utf-8").replace('"max_score": 18', '"max_score": 8'), encoding="utf-8"
    )
    code, shown, errors = report("--results", tmp_path / "results", "--out", tmp_path / "out")
    assert (code, shown) == (0, f"3 pages in {tmp_path / 'out'}\n")
    assert "broken/result.json: is damaged, or of another version; it gets no page." in errors
    assert "changed/result.json: has a seal that does not fit: it was changed" in errors
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"Άννα.html", "..hidden.html", "a b.html"}
    code, shown, _ = report("--results", tmp_path / "results", "--out", tmp_path / "out", "--class")
    assert (code, shown) == (0, f"1 page in {tmp_path / 'out'}\n")
    assert b"3 results" in (tmp_path / "out" / "class.html").read_bytes()
    shutil.rmtree(tmp_path / "results" / "Άννα")
    (tmp_path / "nothing").mkdir()
    code, _, errors = report("--results", tmp_path / "nothing", "--out", tmp_path / "out")
    assert code == 2
    assert "there is no result" in errors
    assert report("--out", tmp_path / "out")[0] == 2


def test_a_marked_copy_of_ones_own_does_not_mark_the_answer_of_the_group(tmp_path: Path) -> None:
    url = str(tmp_path / "class.db")
    result = result_of("x", 1)
    with Gradebook(url, by="tests", new=True) as book:
        for attempt, students in enumerate((["001"], ["001", "002"], ["002"]), start=1):
            handin = Handin(students=students, name="x", attempt=attempt, digest=f"{attempt}")
            book.record(handin, msgspec.structs.replace(result, seal=f"{attempt}"))
        own = next(one for one in book.answers() if one.students == ("001",))
        book.mark([(own, Marked("2.1", 1, "eleni"))])
    assert report("--gradebook", url, "--out", tmp_path / "out", "--class")[0] == 0
    assert "2.1 Γιατί σπάει 2 of 2 2" in text_of((tmp_path / "out" / "class.html").read_bytes())


def test_a_gradebook_adds_what_it_knows(tmp_path: Path) -> None:
    url = str(tmp_path / "class.db")
    first = result_of("Άννα", 1)
    second = better(first)
    with Gradebook(url, by="tests", new=True) as book:
        for result in (first, second, result_of("Νίκος", 2)):
            assert result.handin
            book.record(result.handin, result)
        answers = [one for one in book.answers() if one.students == ("001",)]
        book.mark([(answers[-1], Marked("2.1", 1.5, "eleni", "Καλό."))])
    code, _, _ = report("--gradebook", url, "--out", tmp_path / "out")
    assert code == 0
    pages = {path.name: text_of(path.read_bytes()) for path in (tmp_path / "out").iterdir()}
    assert set(pages) == {"001.html", "001-attempt-2.html", "002.html"}
    assert "since the last attempt" in pages["001-attempt-2.html"]
    assert "since the last attempt" not in pages["001.html"]
    assert "1.5 points Καλό." in pages["001-attempt-2.html"]
    assert "How your total comes about written answers: 1.5 of 1" in pages["001-attempt-2.html"]
    assert f"{second.score + 1.5:g} of {second.max_score + 1:g} points in total" in pages["001-attempt-2.html"]
    assert "How your total comes about" not in pages["001.html"]
    assert f"{first.score:g} of {first.max_score:g} points of checks" in pages["001.html"]
    assert "This attempt does not count; attempt 2 does." in pages["001.html"]
    assert report("--gradebook", url, "--out", tmp_path / "out", "--class")[0] == 0
    said = text_of((tmp_path / "out" / "class.html").read_bytes())
    assert "2.1 Γιατί σπάει 2 of 2 1" in said


def recorded(url: str, *results: Result) -> dict[str, str]:
    """Return what the pages say of the hand-ins in a new gradebook, by their files' names."""
    out = Path(url).with_suffix(".pages")
    with Gradebook(url, by="tests", new=True) as book:
        for result in results:
            assert result.handin
            book.record(result.handin, result)
    code, shown, _ = report("--gradebook", url, "--out", out)
    assert (code, shown) == (0, f"{len(results)} pages in {out}\n")
    return {path.name: text_of(path.read_bytes()) for path in out.iterdir()}


def handed_in(result: Result, *students: str, attempt: int = 1, day: int = 1, **changes: object) -> Result:
    """Return a result as that of another hand-in."""
    handin = Handin(
        students=list(students), name="+".join(students), attempt=attempt, submitted=f"2026-11-{day:02d}T10:00:00Z",
        digest=f"{students} {attempt} {day}",
    )  # fmt: skip
    return msgspec.structs.replace(result, handin=handin, **changes)


def test_a_page_has_the_total_that_counts_whosever_it_is(tmp_path: Path) -> None:
    """Of a group, the page is one: a total stands on it where it is that of each member."""
    url = str(tmp_path / "class.db")
    one = result_of("x", 1, steps=1)
    nobody = msgspec.structs.replace(one, handin=Handin(name="Ξένη", digest="x"))
    with Gradebook(url, by="eleni", new=True) as book:
        book.override("Ξένη", None, 9, "oral")
        book.override("006", 1, 7, "oral")
    pages = recorded(url, nobody, handed_in(one, "004", "005"), handed_in(one, "006", "007"))
    of = f" of {one.max_score:g} points in total"
    assert f"9{of}" in pages["Ξένη.html"]
    assert "How your total comes about eleni set the total to 9: oral" in pages["Ξένη.html"]
    assert f"{one.score:g}{of}" in pages["004+005.html"]
    assert "in total" not in pages["006+007.html"]
    assert "The members of this group have totals of their own" in pages["006+007.html"]
    assert "oral" not in pages["006+007.html"]


def test_no_page_takes_the_place_of_anothers(tmp_path: Path) -> None:
    """Student 001 handed in under two names: both attempts are the first that the platform knows of."""
    one = result_of("x", 1, steps=1)
    pages = recorded(
        str(tmp_path / "class.db"),
        handed_in(one, "001", day=2),
        handed_in(one, "001", day=1),
        handed_in(one, "001-2"),
        handed_in(one, "001-attempt-2"),
    )
    assert set(pages) == {"001.html", "001-attempt-2.html", "001-2.html", "001-attempt-2-2.html"}
    assert "001 Attempt 1, 2026-11-01" in pages["001.html"]
    assert "001 Attempt 2, 2026-11-02" in pages["001-attempt-2.html"]
    assert "since the last attempt" in pages["001-attempt-2.html"]


def test_a_page_compares_with_the_last_readable_attempt_of_the_same_students(tmp_path: Path) -> None:
    bad = result_of("x", 1, steps=1)
    good = better(bad)
    pages = recorded(
        str(tmp_path / "class.db"),
        handed_in(bad, "004", day=1),
        handed_in(good, "004", "005", day=2),
        handed_in(bad, "006", attempt=1, day=3),
        handed_in(bad, "006", attempt=2, day=4, digest="", checks=[], score=0.0),
        handed_in(good, "006", attempt=3, day=5),
    )
    assert "since the last attempt" not in pages["004+005.html"]
    assert "since the last attempt, 1 check more passes, 1 no longer passes" in pages["006-attempt-3.html"]
    assert "since the last attempt" not in pages["006-attempt-2.html"]

"""Marking in the browser: who is let in, what is kept, and what happens when two mark the same."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import html5lib
import msgspec
import pytest
from click.testing import CliRunner
from lxml import html

from graders.cli import graders
from graders.course import BadCourse, load_course
from graders.marking.given import choices
from graders.marking.markdown import harmless
from graders.marking.serving import listen
from graders.outcomes import BadInput
from graders.questions import Question, RubricItem, load_questions
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.rows import Marked
from graders.words.choice import chosen_words
from tests.marking import HERE, PORT, QUESTION, Browser, course_with, record
from tests.pages import EVIL
from tests.support import ROOT, WORDS

TEXTS = {"001": "Επειδή η λέξη τελειώνει.", "002": "Είκοσι *πέντε* κλειδιά.", "003": "Δεν ξέρω."}
RUBRIC = Question(
    "2.1", 2, "Why", "Why?", points=2.0,
    rubric=(RubricItem("It counts the keys", 0.5), RubricItem("It breaks the cipher", 1.5), RubricItem("It guesses", -0.5)),
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with Gradebook(str(folder / "class.db"), by="tests", new=True) as book:
        record(book, folder, TEXTS)
    return folder / "class.db"


@pytest.fixture
def book(made: Path, tmp_path: Path) -> Iterator[Gradebook]:
    shutil.copy(made, tmp_path / "class.db")
    with Gradebook(str(tmp_path / "class.db"), by="tests", patience=0.2) as opened:
        yield opened


@pytest.fixture
def eleni(book: Gradebook) -> Browser:
    browser = Browser(book, "Ελένη")
    browser.open()
    return browser


def marks(book: Gradebook) -> dict[str, set[tuple[str, float, str]]]:
    return {one.students[0]: {(mark.marker, mark.points, mark.comment) for mark in one.marks} for one in book.answers()}


def given(book: Gradebook) -> list[tuple[str, float, str]]:
    return sorted(one for of_answer in marks(book).values() for one in of_answer)


# --- its language


def english(browser: Browser) -> list[str]:
    """Return the English words of a page, besides names, what is typed, and what the course says."""
    for element in browser.page.xpath(
        "//code | //kbd | //style | //script | //div[@class='text'] | //pre | //p[@class='prompt']"
    ):
        element.drop_tree()
    shown = [*browser.page.itertext(), *browser.page.xpath("//@aria-label"), *browser.page.xpath("//@data-silent")]
    text = " ".join(shown).replace(RUBRIC.title, " ")
    return re.findall(r"(?<![-\w])[A-Za-z]{2,}", re.sub(r"graders mark serve|Words|Enter|Ctrl|CSV", " ", text))


def test_pages_speak_the_language_that_they_were_asked_for(book):
    greek = chosen_words("el", {})
    browser = Browser(book, "Ελένη", [RUBRIC], words=greek)
    browser.go("/")
    assert browser.status == 403
    assert english(browser) == []
    browser.open()
    assert browser.page.get("lang") == "el"
    assert (english(browser), "Διορθώνει: Ελένη." in browser.said) == ([], True)
    browser.follow("n")
    assert "Απάντηση 1 από 3" in browser.said
    browser.give()
    assert "Δεν αποθηκεύτηκε: διάλεξε πρώτα βαθμούς." in browser.said
    browser.give(points="7")
    assert "Δεν αποθηκεύτηκε: το '7' δεν είναι αριθμός βαθμών από 0 έως 2." in browser.said
    browser.give("1", comment="Καλά.")
    assert "διορθώθηκαν 1 από 3, 1 από: Ελένη" in browser.said
    browser.take_back()
    assert "Ο βαθμός σου αναιρέθηκε." in browser.said
    browser.give("2", points="1,25")
    browser.follow("k")
    assert browser.fields()["points"] == ["1,25"]
    browser.follow("l")
    assert (english(browser), "1,25" in browser.said) == ([], True)
    browser.go("/mark/2.1/nothing")
    assert (browser.status, english(browser)) == (404, [])


# --- who is let in


def test_the_printed_address_opens_the_door_for_a_browser_and_nothing_else_does(book):
    browser = Browser(book, "Ελένη")
    for address in (
        "/",
        "/?token=",
        "/?token=x",
        f"/?token={browser.keys.form}",
        "/marking.js",
        "/alive",
        "/question/2.1",
    ):
        browser.go(address)
        assert browser.status == 403
        assert "open the whole address that graders mark serve has printed" in browser.said
        assert not any(text in browser.source for text in TEXTS.values())
    browser.go(f"/question/2.1?token={browser.keys.address}")
    assert browser.status == 403
    welcome = browser.client.get(f"/?token={browser.keys.address}")
    cookie = welcome.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert browser.keys.address not in cookie
    assert cookie.startswith(f"graders-mark-{PORT}=")
    browser.go("/")
    assert (browser.status, "0 of 3" in browser.said) == (200, True)


@pytest.mark.parametrize(
    "host", ["example.org", f"example.org:{PORT}", "127.0.0.1", "127.0.0.1:80", f"127.0.0.1.example.org:{PORT}", ""]
)
def test_a_name_elsewhere_that_leads_here_reads_nothing(eleni, host):
    answer = eleni.client.get("/", headers={"Host": host})
    assert answer.status_code == 421
    assert "2.1" not in answer.text
    assert (
        eleni.client.get(
            "/", headers={"Host": f"localhost:{PORT}", "Cookie": f"graders-mark-{PORT}={eleni.keys.browser}"}
        ).status_code
        == 200
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "null"},
        {"Origin": "http://example.org"},
        {"Origin": f"https://127.0.0.1:{PORT}"},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_no_other_page_marks_anything(eleni, book, wrong):
    eleni.follow("n")
    fields = {**eleni.fields(), "chosen": ["4"]}
    eleni.send(eleni.path, fields, **wrong)
    assert (eleni.status, given(book)) == (403, [])


def test_a_form_without_its_key_marks_nothing(eleni, book):
    eleni.follow("n")
    path, fields = eleni.path, {**eleni.fields(), "chosen": ["4"]}
    for form in ([], ["x"], [eleni.keys.browser]):
        eleni.send(path, {**fields, "form": form})
        assert (eleni.status, given(book)) == (403, [])
    eleni.client.cookies.clear()
    eleni.send(path, fields)
    assert (eleni.status, given(book)) == (403, [])


def test_other_requests_are_refused(eleni):
    assert eleni.client.put("/", headers={"Origin": HERE}).status_code == 405
    assert eleni.client.get("/take-back").status_code == 405
    assert eleni.client.get("/nothing").status_code == 404
    assert eleni.client.get("/mark/2.1/nothing").status_code == 404
    assert eleni.client.get("/question/9.9").status_code == 404
    eleni.follow("n")
    eleni.send(eleni.path, {**eleni.fields(), "comment": ["x" * 300_000]})
    assert eleni.status == 413
    headers = eleni.client.get("/").headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "server" not in headers


# --- marking


def test_marks_are_given_one_after_another_until_all_are(eleni, book):
    eleni.follow("n")
    assert "Answer 1 of 3" in eleni.said
    seen = set()
    for done in range(3):
        seen.add(eleni.path)
        assert f"{done} of 3 marked" in eleni.said
        eleni.give("2", comment="σωστά,\r\nαλλά σύντομα")
    assert len(seen) == 3
    assert eleni.path == "/"
    assert "All answers are marked." in eleni.said
    assert given(book) == [("Ελένη", 0.5, "σωστά,\nαλλά σύντομα")] * 3
    history = [one for one in book.history() if one.what == "marked"]
    assert [one.after["points"] for one in history] == [0.5] * 3
    eleni.go("/question/2.1")
    assert "3 of 3 marked, 3 by you" in eleni.said


def test_an_answer_that_was_passed_over_comes_again(eleni, book):
    eleni.follow("n")
    first = eleni.path
    assert not eleni.has("k")
    eleni.follow("j")
    eleni.give("4")
    eleni.give("4")
    assert eleni.path == first
    eleni.follow("j")
    eleni.follow("j")
    assert not eleni.has("j")
    eleni.follow("k")
    assert "Answer 2 of 3" in eleni.said
    assert "Your mark: 1" in eleni.said


def test_what_was_given_stands_after_a_restart_and_its_comments_are_offered(eleni, book):
    eleni.follow("n")
    path = eleni.path
    eleni.give("1", comment="Ποια κλειδιά;")
    again = Browser(book, "Ελένη")
    again.go(path)
    assert again.status == 403
    again.open()
    assert "1 of 3" in again.said
    again.go(path)
    assert again.fields()["comment"] == ["Ποια κλειδιά;"]
    assert again.fields()["chosen"] == ["1"]
    again.follow("j")
    assert again.page.xpath("//button/@data-comment") == ["Ποια κλειδιά;"]


@pytest.mark.parametrize("points", ["2", "-0.5", "πολλά", "nan", "inf", "1e3", "1" * 500, "1_0", "0_1", "١"])
def test_points_that_do_not_fit_are_told_and_nothing_typed_is_lost(eleni, book, points):
    eleni.follow("n")
    eleni.give(points=points, comment="γιατί")
    assert eleni.status == 422
    assert "is no number of points between 0 and 1" in eleni.said
    assert eleni.fields()["comment"] == ["γιατί"]
    assert given(book) == []


def test_a_mark_without_points_is_none_and_other_points_may_be_typed(eleni, book):
    eleni.follow("n")
    eleni.give(comment="γιατί")
    assert (eleni.status, "choose points first" in eleni.said) == (422, True)
    eleni.give(points="0,3", comment="x" * 10_001)
    assert (eleni.status, "more than 10,000 characters" in eleni.said) == (422, True)
    path = eleni.path
    eleni.give(points="0,3", comment="\0a")
    assert given(book) == [("Ελένη", 0.3, "\ufffda")]
    eleni.go(path)
    assert (eleni.fields()["points"], eleni.fields().get("chosen")) == (["0.3"], None)


@pytest.mark.parametrize("chosen", [["99"], ["-1"], ["x"], ["٣"], ["9" * 5000], []])
def test_a_choice_that_is_not_there_is_none(eleni, book, chosen):
    eleni.follow("n")
    eleni.send(eleni.path, {**eleni.fields(), "chosen": chosen})
    assert (eleni.status, given(book)) == (422, [])


@pytest.mark.parametrize(("most", "wanted"), [(1, 5), (2, 9), (3, 7), (5, 6), (9, 10), (10, 6), (0.3, 3), (1000, 2)])
def test_each_question_has_keys_for_points_from_none_to_all(most, wanted):
    there = choices(msgspec.structs.replace(QUESTION, points=most))
    assert [one.key for one in there] == [str(place) for place in range(wanted)]
    assert (there[0].points, there[-1].points) == (0, most)
    assert sorted({one.points for one in there}) == [one.points for one in there]


def test_what_stands_in_the_form_is_the_mark_that_was_given(eleni, book):
    eleni.follow("n")
    path = eleni.path
    eleni.give(points="0.333333333333333")
    eleni.go(path)
    eleni.give()
    assert given(book) == [("Ελένη", 0.333333333333333, "")]


def test_keys_choose_lines_of_a_rubric_which_students_read(book):
    eleni = Browser(book, "Ελένη", [RUBRIC])
    eleni.open()
    eleni.follow("n")
    path = eleni.path
    eleni.give("1", "3", comment="Δες το βιβλίο.")
    assert given(book) == [("Ελένη", 0.0, "It counts the keys (+0.5)\nIt guesses (-0.5)\nΔες το βιβλίο.")]
    eleni.go(path)
    assert eleni.fields()["chosen"] == ["0", "2"]
    assert eleni.fields()["comment"] == ["Δες το βιβλίο."]
    eleni.give("1", "2", comment="")
    assert given(book) == [("Ελένη", 2.0, "It counts the keys (+0.5)\nIt breaks the cipher (+1.5)")]
    eleni.go(path)
    eleni.give("3")
    assert [one[1] for one in given(book)] == [0.0]
    eleni.go(path)
    eleni.give(points="1.75")
    eleni.go(path)
    assert (eleni.fields()["points"], eleni.fields()["chosen"]) == (["1.75"], ["2"])


@pytest.mark.parametrize("rubric", ['["a", { text = "b", points = 1 }]', '["a", "a"]', '[{ text = "b" }]'])
def test_a_rubric_has_points_in_all_its_lines_or_in_none(tmp_path, rubric):
    question = f'[[question]]\nid = "2.1"\nstep = 2\ntitle = "t"\nprompt = "p"\nrubric = {rubric}\n'
    with pytest.raises(BadCourse):
        load_questions(load_course(course_with(question, tmp_path)))


# --- taking back


def test_marks_are_taken_back_one_after_another_and_the_history_says_so(eleni, book):
    eleni.follow("n")
    first = eleni.path
    eleni.give("4", comment="καλό")
    eleni.give("3")
    eleni.go(first)
    eleni.give("0", comment="όχι")
    for expected in ([0.75, 1.0], [1.0], []):
        eleni.take_back()
        assert "Your mark was taken back" in eleni.said
        assert sorted(one[1] for one in given(book)) == expected
    assert not eleni.has("u")
    assert "0 of 3 marked" in eleni.said
    changes = [one for one in book.history() if one.what == "mark taken back"]
    assert [one.before["points"] for one in changes] == [0, 0.75, 1.0]
    assert changes[0].after == {"points": 1.0, "comment": "καλό", "marker": "Ελένη"}
    assert changes[2].after == {}


def test_a_mark_that_another_window_gave_is_not_taken_back_unseen(eleni, book):
    eleni.follow("n")
    eleni.give("4")
    fields = eleni.fields("//form[@action='/take-back']")
    eleni.give("4")
    eleni.send("/take-back", fields)
    assert (eleni.status, "nothing was taken back" in eleni.said) == (409, True)
    assert len(given(book)) == 2


def test_a_key_that_is_pressed_twice_takes_back_one_mark(eleni, book):
    eleni.follow("n")
    for _ in range(3):
        eleni.give("4")
    fields = eleni.fields("//form[@action='/take-back']")
    for status in (200, 409):
        eleni.send("/take-back", fields)
        assert (eleni.status, len(given(book))) == (status, 2)


def test_nobody_takes_back_the_mark_of_another(eleni, book):
    eleni.follow("n")
    eleni.give("4")
    nikos = Browser(book, "Νίκος")
    nikos.open()
    assert not nikos.has("u")
    nikos.follow("n")
    nikos.send("/take-back", {"form": [nikos.keys.form], "last": eleni.fields("//form[@action='/take-back']")["last"]})
    assert (nikos.status, len(given(book))) == (409, 1)


# --- two markers


def test_a_mark_that_another_gave_meanwhile_is_shown_and_nothing_is_lost(eleni, book):
    nikos = Browser(book, "Νίκος")
    nikos.open()
    for browser in (eleni, nikos):
        browser.follow("n")
    path = eleni.path
    assert nikos.path == path
    nikos.give("1", comment="λείπει το γιατί")
    eleni.give("4", comment="πλήρες")
    assert eleni.status == 409
    assert (
        "Not saved: the marks of this answer have changed meanwhile. Νίκος: 0.25 points λείπει το γιατί" in eleni.said
    )
    assert given(book) == [("Νίκος", 0.25, "λείπει το γιατί")]
    assert (eleni.fields()["chosen"], eleni.fields()["comment"]) == (["4"], ["πλήρες"])
    eleni.give()
    assert [one[:2] for one in given(book)] == [("Ελένη", 1.0), ("Νίκος", 0.25)]
    eleni.go(path)
    assert "You are 0.75 apart." in eleni.said
    eleni.go("/question/2.1")
    assert "Of 1 marked by several, 0 have the same points, and they are 0.75 apart on average" in eleni.said
    nikos.go(path)
    nikos.give("4")
    eleni.go(path)
    assert "You agree." in eleni.said
    eleni.go("/")
    assert "1 of 1; 0 apart on average" in eleni.said


def test_who_has_not_marked_an_answer_neither_agrees_with_others_nor_differs(eleni, book):
    (answer, *_) = book.answers()
    book.mark((answer, Marked("2.1", points, marker)) for marker, points in (("Νίκος", 0.25), ("Μαρία", 0.25)))
    eleni.go("/question/2.1")
    eleni.go(eleni.page.xpath("//tr[contains(., 'Νίκος')]//a/@href")[0])
    assert "Marks of others" in eleni.said
    assert "agree" not in eleni.said
    eleni.give("2")
    eleni.go("/question/2.1")
    assert "(0.25 apart)" in eleni.said


def test_ones_own_mark_in_another_window_is_not_written_over_unseen(eleni, book):
    other = Browser(book, "Ελένη")
    other.open()
    for browser in (eleni, other):
        browser.follow("n")
    other.give("1")
    eleni.give("4")
    assert (eleni.status, "changed meanwhile. You: 0.25 points" in eleni.said) == (409, True)
    assert [one[1] for one in given(book)] == [0.25]
    eleni.give("4")
    assert [one[1] for one in given(book)] == [1.0]


def test_the_same_mark_twice_is_one(eleni, book):
    eleni.follow("n")
    path, fields = eleni.path, {**eleni.fields(), "chosen": ["4"]}
    for _ in range(2):
        eleni.send(path, fields)
        assert eleni.status == 200
    assert len([one for one in book.history() if one.what == "marked"]) == 1


def test_a_mark_that_was_taken_back_meanwhile_is_told(eleni, book):
    eleni.follow("n")
    path = eleni.path
    eleni.give("4")
    nikos = Browser(book, "Νίκος")
    nikos.open()
    nikos.go(path)
    eleni.take_back()
    nikos.give("4")
    assert (nikos.status, "It has none now." in nikos.said) == (409, True)
    assert given(book) == []


def test_two_who_share_the_work_seldom_have_the_same_answer_before_them(book, tmp_path):
    record(book, tmp_path, {f"{number:03d}": f"Απάντηση {number}" for number in range(4, 25)})
    eleni, nikos = Browser(book, "Ελένη"), Browser(book, "Νίκος")
    for browser in (eleni, nikos):
        browser.open()
        browser.follow("n")
    conflicts = 0
    turns = [eleni, nikos, nikos] * 20
    while turns:
        browser = turns.pop()
        if browser.path == "/":
            continue
        browser.give("4")
        if browser.status == 409:
            conflicts += 1
            browser.follow("n" if browser.has("n") else "q")
    eleni.go("/")
    assert "24 of 24" in eleni.said
    assert len(given(book)) == 24
    assert {one[0] for one in given(book)} == {"Ελένη", "Νίκος"}
    assert conflicts <= 3


def test_who_marks_independently_sees_others_marks_only_after_their_own(eleni, book):
    eleni.follow("n")
    path = eleni.path
    eleni.give("4", comment="πλήρες")
    nikos = Browser(book, "Νίκος", independently=True)
    nikos.open()
    assert "0 of 3" in nikos.said
    nikos.follow("n")
    assert nikos.path == path
    nikos.go("/question/2.1")
    seen = nikos.source
    nikos.go(path)
    assert not any("Ελένη" in page or "πλήρες" in page for page in (seen, nikos.source))
    nikos.give("3")
    assert nikos.status == 200
    assert "1 of 3 marked" in nikos.said
    nikos.go(path)
    assert "Ελένη: 1 point πλήρες" in nikos.said
    assert "You are 0.25 apart." in nikos.said


def test_who_marks_independently_is_not_told_what_others_gave_meanwhile(eleni, book):
    nikos, again = (Browser(book, "Νίκος", independently=True) for _ in range(2))
    for browser in (nikos, again):
        browser.open()
        browser.follow("n")
    eleni.follow("n")
    path = eleni.path
    assert nikos.path == path
    eleni.give("4", comment="πλήρες")
    nikos.give("3")
    assert nikos.status == 200
    assert [one[:2] for one in given(book)] == [("Ελένη", 1.0), ("Νίκος", 0.75)]
    again.give("1")
    assert (again.status, "changed meanwhile. You: 0.75 points What you gave" in again.said) == (409, True)


# --- what students wrote, and who they are


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        f"```html\n{EVIL}\n```",
        "[x](javascript:alert(1)) <http://example.org> ![x](http://example.org/x.png) [a]: http://example.org",
        "<script>\ndocument.title='owned'\n</script>\n\n<svg onload=alert(1)>\n\n<b>",
        "\u202e\u2066\x9b31m\x1b[2J\u2028\ufeff" * 100,
        "<b>&" * (1 << 18),
        "*_`[" * 5000,
        "|a" * 400 + "\n" + "|-" * 400 + "\n" + "|\n" * 300,
        "> " * 5000,
        "# a\n## b\n3. c\n\n---\n\nd\n===\n",
    ],
)
def test_what_students_wrote_is_text_and_its_structure(book, tmp_path, text):
    record(book, tmp_path, {"004": text}, attempt=2)
    browser = Browser(book, "Ελένη")
    browser.open()
    found = next(one for one in book.answers() if one.students == ("004",))
    browser.go("/question/2.1")
    links = browser.page.xpath("//tr[contains(., '004')]//a/@href")
    browser.go(links[0])
    tree = html5lib.HTMLParser(namespaceHTMLElements=False).parse(browser.source)
    (shown,) = [one for one in tree.iter("div") if one.get("class") == "text"]
    for element in shown.iter():
        assert element is shown or element.tag in set(
            "p br strong em s code pre blockquote ol ul li hr table thead tbody tr th td".split()
        )
        assert element is shown or set(element.attrib) <= {"start"}
    for element in tree.iter():
        assert not any(
            name.startswith("on") or name in {"style", "src"} for name in element.attrib if element.tag != "script"
        )
        assert element.tag not in {"img", "svg", "iframe", "object", "embed", "base"}
    assert [(one.get("src"), one.text) for one in tree.iter("script")] == [("/marking.js", None)]
    for said in browser.page.itertext():
        assert not {unicodedata.category(char) for char in said if char != "\n"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(browser.source) < 2_000_000
    whole = browser.client.get(browser.path.replace("/mark/", "/text/"))
    assert whole.headers["content-type"] == "text/plain; charset=utf-8"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert len(whole.text) >= len(found.text.strip()) - 1


def test_markdown_shows_structure():
    page = html.fragment_fromstring(harmless("# Α\n\n*b* **c** `d`\n\n3. e\n\n| f |\n|---|\n| g |\n"), "div")
    assert [one.tag for one in page.iter()][1:] == [
        "p",
        "p",
        "em",
        "strong",
        "code",
        "ol",
        "li",
        "table",
        "thead",
        "tr",
        "th",
        "tbody",
        "tr",
        "td",
    ]
    assert page.xpath(".//ol/@start") == ["3"]


def test_what_markers_wrote_is_text_too(eleni, book):
    eleni.follow("n")
    path = eleni.path
    eleni.give("4", comment=EVIL)
    nikos = Browser(book, EVIL)
    nikos.open()
    nikos.go(path)
    for browser in (eleni, nikos):
        tree = html5lib.HTMLParser(namespaceHTMLElements=False).parse(browser.source)
        assert [one.tag for one in tree.iter() if one.tag in {"svg", "img"}] == []
        assert len(list(tree.iter("script"))) == 1
    assert nikos.page.xpath("//button/@data-comment")[0].startswith("<script>")


def test_anonymous_answers_name_nobody(book):
    names = re.compile("|".join([*TEXTS, "Όνομα"]))
    for anonymous in (True, False):
        browser = Browser(book, "Ελένη", anonymous=anonymous)
        browser.open()
        pages = [browser.source]
        browser.follow("n")
        pages.append(browser.source)
        browser.go("/question/2.1")
        pages.append(browser.source)
        assert any(names.search(" ".join(html.document_fromstring(page).itertext())) for page in pages) != anonymous


def test_a_new_attempt_takes_the_place_of_the_one_before(eleni, book, tmp_path):
    eleni.follow("n")
    path = eleni.path
    eleni.go("/question/2.1")
    student = eleni.page.xpath("//tr[.//a[@href=$path]]/td[1]", path=path)[0].text.split()[0]
    record(book, tmp_path, {student: "Το σκέφτηκα πάλι."}, attempt=2)
    eleni.go(path)
    assert (eleni.status, "has handed in another one since" in eleni.said) == (404, True)
    eleni.go("/question/2.1")
    assert "0 of 3 marked" in eleni.said


# --- gradebooks that do not answer


def test_a_locked_gradebook_is_told_and_the_mark_can_be_saved_again(eleni, book, tmp_path):
    eleni.follow("n")
    with contextlib.closing(sqlite3.connect(tmp_path / "class.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        eleni.give("4", comment="πλήρες")
        assert eleni.status == 503
        assert "the gradebook does not answer (database is locked); what was to be written is not." in eleni.said
    assert given(book) == []
    eleni.send(eleni.path, eleni.fields("//form"))
    assert (eleni.status, given(book)) == (200, [("Ελένη", 1.0, "πλήρες")])


def test_a_damaged_gradebook_is_told(eleni, book, tmp_path):
    book.close()
    (tmp_path / "class.db").write_bytes(b"no database" * 1000)
    for file in tmp_path.glob("class.db-*"):
        file.unlink()
    eleni.go("/")
    assert (eleni.status, "the gradebook does not answer" in eleni.said) == (503, True)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can be neither moved nor deleted there")
@pytest.mark.parametrize("happens", ["moved", "replaced", "moved between connections"])
def test_a_gradebook_that_is_no_longer_there_is_told_and_the_mark_can_be_saved_again(eleni, book, tmp_path, happens):
    file, elsewhere = tmp_path / "class.db", tmp_path / "elsewhere.db"
    eleni.follow("n")
    if happens == "moved between connections":
        book.close()
    file.rename(elsewhere)
    if happens == "replaced":
        shutil.copy(elsewhere, file)
    eleni.give("4", comment="πλήρες")
    eleni.send(eleni.path, eleni.fields("//form"))
    assert eleni.status == 503
    assert f"{file}: this file was moved, deleted or replaced since it was opened" in eleni.said
    assert file.exists() == (happens == "replaced")
    elsewhere.replace(file)
    eleni.send(eleni.path, eleni.fields("//form"))
    assert (eleni.status, given(book)) == (200, [("Ελένη", 1.0, "πλήρες")])


def test_a_damaged_result_is_told(book, tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "class.db")) as other, other:
        other.execute("UPDATE results SET document = '{'")
    browser = Browser(book, "Ελένη")
    browser.open()
    assert (browser.status, "A result in the gradebook is damaged" in browser.said) == (503, True)


# --- the command


def serve(*arguments: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(graders, ["mark", "serve", "--course", str(WORDS), *map(str, arguments)])
    return done.exit_code, done.stdout, done.stderr


def test_it_listens_on_this_machine_alone_and_ctrl_c_ends_it(book, tmp_path):
    command = [
        sys.executable,
        "-m",
        "graders",
        "mark",
        "serve",
        "--gradebook",
        tmp_path / "class.db",
        "--course",
        WORDS,
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stderr
        line = server.stdout.readline()
        found = re.fullmatch(
            r"Open http://127\.0\.0\.1:(\d+)/\?token=\S{43} in a browser of this machine; Ctrl-C ends it\.\n", line
        )
        assert found
        port = int(found[1])
        with socket.create_connection(("127.0.0.1", port)) as browser:
            browser.sendall(f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert b"403" in browser.recv(100)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", port)).close()
            server.send_signal(signal.SIGINT)
            assert server.wait() == 130
        assert server.stderr.read().strip() == "graders: interrupted."


def test_what_cannot_be_served_is_one_sentence(book, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, told = serve("--gradebook", tmp_path / "class.db", "--port", port)
        with pytest.raises(BadInput) as refused:
            listen(port)
    why = os.strerror(errno.EADDRINUSE)
    assert str(refused.value) == f"--port {port}: {why}; name another one, or none for a free one."
    ended = subprocess.run(
        [sys.executable, "-m", "graders", "mark", "serve", "--gradebook", tmp_path / "none.db", "--course", WORDS],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, "there is no such file" in ended.stderr, ended.stderr.count("\n")) == (2, True, 1)
    assert code != 0
    code, _, told = serve("--gradebook", tmp_path / "class.db", "--question", "9.9")
    assert (code, "no such question" in told) == (2, True)
    code, _, told = serve("--gradebook", tmp_path / "class.db", "--marker", " ")
    assert (code, "a name is wanted" in told) == (2, True)


def test_a_library_that_is_not_installed_is_told_with_its_extra(book, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "graders.marking.serving", raising=False)
    done = CliRunner().invoke(
        graders, ["mark", "serve", "--gradebook", str(tmp_path / "class.db"), "--course", str(WORDS)]
    )
    assert str(done.exception) == (
        "graders mark serve needs uvicorn, which comes with this package's extra: pip install '.[gradebook,marking]'."
    )


def test_marks_of_sheets_and_of_the_browser_are_the_same(eleni, book):
    first = book.answers()[0]
    book.mark([(first, Marked(QUESTION.id, 0.5, "Ελένη", "από φύλλο"))])
    eleni.go("/question/2.1")
    (path,) = eleni.page.xpath("//tr[td[contains(., '0.5')]]//a/@href")
    eleni.go(path)
    assert eleni.fields()["comment"] == ["από φύλλο"]
    eleni.give("4")
    assert given(book) == [("Ελένη", 1.0, "από φύλλο")]

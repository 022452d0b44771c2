"""Marking in Chromium: by keyboard alone, through reloads and restarts, with two markers; nothing is fetched from elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.rows import Marked
from tests.browser import faults, illegible
from tests.marking import course_with, record, served
from tests.pages import EVIL

pytestmark = pytest.mark.browser
NARROW = 360
TEXTS = {"001": "Επειδή η λέξη τελειώνει.", "002": "Είκοσι *πέντε* κλειδιά.", "003": "Δεν ξέρω."}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    with Gradebook(str(tmp_path / "class.db"), by="tests", new=True) as book:
        record(book, tmp_path, TEXTS)
    return tmp_path / "class.db"


def marks(file: Path) -> list[tuple[str, float, str]]:
    with Gradebook(str(file), by="tests") as book:
        return sorted((one.marker, one.points, one.comment) for answer in book.answers() for one in answer.marks)


def opened(browser: Any, address: str, **options: Any) -> tuple[Any, list[str]]:
    """Open the address; return the page, and what it asks of elsewhere, says on the console, or fails with."""
    page = browser.new_context(**options).new_page()
    wrong: list[str] = []
    here = address.partition("?")[0]
    page.on("request", lambda one: None if one.url.startswith((here, "data:")) else wrong.append(one.url))
    page.on("console", lambda one: wrong.append(one.text))
    page.on("pageerror", lambda one: wrong.append(str(one)))
    page.goto(address)
    return page, wrong


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def leads(page: Any, key: str, to: str) -> None:
    """Press a key, and wait for the page that it leads to."""
    with page.expect_navigation(url=re.compile(to)):
        page.keyboard.press(key)


def test_a_class_is_marked_by_keyboard_alone(browser: Any, file: Path) -> None:
    with served("--gradebook", file, "--marker", "Ελένη") as address:
        page, wrong = opened(browser, address)
        leads(page, "n", "/mark/")
        press(page, "2", "c")
        page.keyboard.type("λείπει το nk1?")
        press(page, "Enter")
        page.keyboard.type("γιατί")
        leads(page, "Control+Enter", "/mark/")
        assert page.get_by_text("1 of 3 marked").is_visible()
        press(page, "?")
        assert page.get_by_role("dialog", name="Keys").is_visible()
        press(page, "Escape")
        assert not page.get_by_role("dialog", name="Keys").is_visible()
        press(page, "p")
        page.keyboard.type("0,3")
        press(page, "Escape", "c", "ArrowDown", "Enter")
        assert page.get_by_label("Comment").input_value() == "λείπει το nk1?\nγιατί"
        leads(page, "Control+Enter", "/mark/")
        press(page, "1", "4")
        leads(page, "Enter", r"/$")
        assert page.get_by_text("All answers are marked.").is_visible()
        comment = "λείπει το nk1?\nγιατί"
        assert marks(file) == [("Ελένη", 0.3, comment), ("Ελένη", 0.5, comment), ("Ελένη", 1.0, "")]
        leads(page, "u", "taken-back")
        assert page.get_by_text("Answer 3 of 3").is_visible()
        leads(page, "k", "/mark/")
        leads(page, "j", "/mark/")
        leads(page, "l", "/question/")
        leads(page, "q", r"/$")
        assert wrong == []
    assert len(marks(file)) == 2


def test_number_keys_choose_lines_of_a_rubric(browser: Any, file: Path, tmp_path: Path) -> None:
    rubric = '[{ text = "counts the keys", points = 0.5 }, { text = "breaks it", points = 1.5 }, { text = "no", points = -1 }]'
    question = f'[[question]]\nid = "2.1"\nstep = 2\ntitle = "t"\nprompt = "p"\npoints = 2\nrubric = {rubric}\n'
    with served("--gradebook", file, "--marker", "Ελένη", course=course_with(question, tmp_path)) as address:
        page, wrong = opened(browser, address)
        leads(page, "n", "/mark/")
        press(page, "2", "3")
        assert page.get_by_text("= 0.5").is_visible()
        press(page, "1", "3")
        assert page.get_by_text("= 2").is_visible()
        assert faults(page) == []
        page.screenshot(path=tmp_path / "rubric.png", full_page=True)
        leads(page, "Enter", "/mark/")
        press(page, "1", "0")
        assert page.get_by_label("Or all the points").input_value() == "0"
        leads(page, "Enter", "/mark/")
        press(page, "3")
        leads(page, "Enter", r"/$")
        assert wrong == []
    breaks = "counts the keys (+0.5)\nbreaks it (+1.5)"
    assert [one[1:] for one in marks(file)] == [(0.0, ""), (0.0, "no (-1)"), (2.0, breaks)]


def test_a_keyboard_of_greek_letters_has_the_same_keys(browser: Any, file: Path) -> None:
    with served("--gradebook", file) as address:
        page, _ = opened(browser, address)
        with page.expect_navigation(url=re.compile("/mark/")):
            page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ν', code: 'KeyN'}))")
        page.evaluate("document.dispatchEvent(new KeyboardEvent('keydown', {key: 'ψ', code: 'KeyC'}))")
        assert page.evaluate("document.activeElement.id") == "comment"


def test_what_is_typed_outlives_the_server(browser: Any, file: Path) -> None:
    with served("--gradebook", file, "--marker", "Ελένη") as address:
        port = address.partition("?")[0].rpartition(":")[2].strip("/")
        page, _ = opened(browser, address)
        leads(page, "n", "/mark/")
        press(page, "4")
        leads(page, "Enter", "/mark/")
        press(page, "3", "c")
        page.keyboard.type("χωρίς διακομιστή")
    press(page, "Control+Enter")
    page.get_by_text("the marking server does not answer").wait_for()
    with served("--gradebook", file, "--marker", "Ελένη", "--port", port) as address:
        press(page, "Control+Enter")
        page.get_by_text("the marking server was started again").wait_for()
        assert marks(file) == [("Ελένη", 1.0, "")]
        page.context.new_page().goto(address)
        leads(page, "Control+Enter", "/mark/")
        page.reload()
        assert page.get_by_text("2 of 3 marked").is_visible()
    assert marks(file) == [("Ελένη", 0.75, "χωρίς διακομιστή"), ("Ελένη", 1.0, "")]


def test_two_mark_at_once_and_neither_overwrites_what_they_have_not_seen(browser: Any, file: Path) -> None:
    with (
        served("--gradebook", file, "--marker", "Ελένη") as of_eleni,
        served("--gradebook", file, "--marker", "Νίκος") as of_nikos,
    ):
        (eleni, _), (nikos, _) = opened(browser, of_eleni), opened(browser, of_nikos)
        for page in (eleni, nikos):
            leads(page, "n", "/mark/")
        press(nikos, "1")
        leads(nikos, "Enter", "/mark/")
        press(eleni, "4", "c")
        eleni.keyboard.type("πλήρες")
        leads(eleni, "Control+Enter", "/mark/")
        assert eleni.get_by_text("Not saved: the marks of this answer have changed meanwhile.").is_visible()
        assert marks(file) == [("Νίκος", 0.25, "")]
        leads(eleni, "Enter", "/mark/")
        assert marks(file) == [("Ελένη", 1.0, "πλήρες"), ("Νίκος", 0.25, "")]
        leads(eleni, "k", "/mark/")
        assert eleni.get_by_text("You are 0.75 apart.").is_visible()


def test_what_is_not_saved_is_not_left_unasked(browser: Any, file: Path) -> None:
    with served("--gradebook", file) as address:
        page, _ = opened(browser, address)
        leads(page, "n", "/mark/")
        asked: list[str] = []

        def refuse(dialog: Any) -> None:
            asked.append(dialog.type)
            dialog.dismiss()

        page.on("dialog", refuse)
        press(page, "4", "j")
        page.wait_for_timeout(100)
        assert asked == ["beforeunload"]
        assert page.get_by_text("Answer 1 of 3").is_visible()


def test_its_pages_fit_are_legible_and_have_no_faults_that_axe_finds(browser: Any, tmp_path: Path) -> None:
    wide = "# Α\n\n- β\n\n```\nγ\n```\n\n| δ | ε |\n|---|---|\n| " + "ζ" * 300 + " | η |\n"
    with Gradebook(str(tmp_path / "class.db"), by="tests", new=True) as book:
        record(book, tmp_path, {"001": "Επειδή.", "002": EVIL, "003": wide})
        one = book.answers()[0]
        book.mark([(one, Marked("2.1", 1.0, "Ελένη", "πλήρες")), (one, Marked("2.1", 0.5, "Νίκος"))])
    with served("--gradebook", tmp_path / "class.db", "--marker", "Ελένη") as address:
        here = address.partition("?")[0]
        for scheme in ("light", "dark"):
            for width in (NARROW, 1280):
                page, wrong = opened(browser, address, viewport={"width": width, "height": 900}, color_scheme=scheme)
                shown = {"questions": "", "question": "question/2.1", "message": "mark/2.1/nothing"}
                for name, path in shown.items() if width == NARROW else ():
                    page.goto(here + path)
                    _check(page, width, tmp_path / f"{name}-{width}-{scheme}.png")
                for number in (1, 2, 3):
                    page.goto(f"{here}question/2.1")
                    page.get_by_role("link", name=f"Answer {number}", exact=True).click()
                    page.wait_for_url("**/mark/**")
                    _check(page, width, tmp_path / f"answer-{number}-{width}-{scheme}.png")
                assert [one for one in wrong if "status of 404" not in one] == []
                page.context.close()


def _check(page: Any, width: int, picture: Path) -> None:
    page.screenshot(path=picture, full_page=True)
    assert page.title() != "owned"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert illegible(page) == []
    if width == NARROW:
        assert faults(page) == []

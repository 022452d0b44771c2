"""Pages in Chromium: on a telephone and on a desk, light and dark, on paper; students' text stays text, nothing is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graders.pages.classroom import class_page
from graders.pages.submission import Known, page_of
from graders.results.gradebook.grades import Mark, Total
from graders.statistics.judged import every
from tests.browser import faults, illegible
from tests.pages import EVIL, better, result_of

pytestmark = pytest.mark.browser
WIDE = 1280


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    first, evil = result_of("Παπαδοπούλου Άννα", 1), result_of("x", 2, text=EVIL)
    made = {
        "feedback": page_of(
            better(first), Known(first, {}, Total(11, 20, {}, 0, 2, 0, 0, ("attempt 2 of 2 counts: the last one",)))
        ),
        "hostile": page_of(evil),
        "large": page_of(result_of("x", 3, text="<b>x" * (1 << 18))),
        "class": class_page(every([evil, *(result_of(f"S{index}", index, checks=30) for index in range(12))])),
    }
    for name, page in made.items():
        (folder / f"{name}.html").write_bytes(page)
    return {name: folder / f"{name}.html" for name in made}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, WIDE])
@pytest.mark.parametrize("name", ["feedback", "hostile", "large", "class"])
def test_it_fits_is_legible_and_asks_for_nothing(
    browser: Any, pages: dict[str, Path], name: str, width: int, scheme: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.goto(pages[name].as_uri())
    assert [one for one in asked if not one.startswith("data:")] == [pages[name].as_uri()]
    assert said == []
    assert page.title() != "owned"
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert illegible(page) == []
    if width == WIDE and name != "large":
        assert faults(page) == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") == (scheme == "light")
    page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png", full_page=name != "large")
    context.close()


def test_it_is_printed_in_black_on_white(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(pages["feedback"].as_uri())
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.pdf()[:5] == b"%PDF-"
    context.close()


def test_it_needs_no_script(browser: Any, pages: dict[str, Path]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["feedback"].as_uri())
    more = page.locator("details", has=page.locator("summary", has_text="passed")).first
    assert not more.locator("li").first.is_visible()
    more.locator("summary").click()
    assert more.locator("li").first.is_visible()
    context.close()


def test_a_page_that_is_hard_to_read_would_be_found(browser: Any) -> None:
    page = browser.new_page()
    page.set_content("<p style='color: #999'>pale</p><img src='data:,'>")
    assert [element[0] for element in illegible(page)] == ["P"]
    assert any(fault.startswith("image-alt: ") for fault in faults(page))
    page.close()


def test_a_comment_keeps_its_lines(browser: Any, tmp_path: Path) -> None:
    known = Known(None, {"2.1": Mark(1, ("counts the keys (+0.5)\nbreaks it (+0.5)",))})
    (tmp_path / "page.html").write_bytes(page_of(result_of("Άννα", 1, steps=1), known))
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    assert "counts the keys (+0.5)\nbreaks it (+0.5)" in page.locator("body").inner_text()
    page.close()

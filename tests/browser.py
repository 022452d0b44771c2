"""Chromium for tests of pages, and what a page in it must not have: text that is hard to read, faults that axe finds."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3, of text against its background
CONTRAST = """() => {
  const parts = colour => (colour.match(/[0-9.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => { for (; element; element = element.parentElement) {
    const colour = parts(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour; } return [255, 255, 255]; };
  const found = [];
  for (const element of document.querySelectorAll("body *")) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())) continue;
    if (!element.checkVisibility()) continue;
    const [a, b] = [light(parts(getComputedStyle(element).color)), light(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < LEAST) found.push([element.tagName, element.className, contrast.toFixed(2)]);
  }
  return found;
}"""


@contextmanager
def started() -> Iterator[Any]:
    """Start Chromium; what needs it is skipped where it is not installed."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="playwright is not installed; the group tests has it"
    )
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; Debian's package chromium has what this needs")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def illegible(page: Any) -> list[Any]:
    """Return the elements whose text has too little contrast."""
    found: list[Any] = page.evaluate(CONTRAST.replace("LEAST", str(LEAST_CONTRAST)))
    return found


def faults(page: Any) -> list[str]:
    """Return what axe finds wrong with a page for those who see or hear it in another way."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    violations = axe.run(page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in violations for node in one["nodes"]]

"""The figures of a class as one SVG, which needs nothing besides itself and follows a light or a dark page."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from graders.exports.words import for_xml, rounded
from graders.statistics.advice import ALL_FAULTY, counted
from graders.statistics.figures import TENTHS, ClassFigures
from graders.text import beginning, printable

NAMESPACE = "http://www.w3.org/2000/svg"
WIDTH, MARGIN = 760, 24
LABELS, VALUES = 300, 150  # columns beside bars
ROW, BAR = 20, 13
HEADING = 34
TALL = 150  # of the histogram
LABEL_CHARACTERS = 44
NOBODY = "nobody was judged"
STYLE = """
svg { color-scheme: light dark; --page: #ffffff; --ink: #1b1f24; --soft: #57606a; --bar: #2f6fab; --rest: #dde3ea; }
@media (prefers-color-scheme: dark) {
  svg { --page: #14181d; --ink: #e8edf2; --soft: #a5b0bb; --bar: #6cb0f0; --rest: #333c46; }
}
.page { fill: var(--page); } .bar { fill: var(--bar); } .rest { fill: var(--rest); }
text { fill: var(--ink); font: 12px system-ui, sans-serif; } .soft { fill: var(--soft); }
.heading { font-size: 15px; font-weight: 600; } .right { text-anchor: end; } .middle { text-anchor: middle; }
"""


def as_svg(figures: ClassFigures, title: str) -> str:
    """Return the drawing: scores by tenths, the mean of each step, and the pass rate of each check."""
    root = ET.Element("svg", xmlns=NAMESPACE, role="img")
    ET.SubElement(root, "title").text = _text(title)
    ET.SubElement(root, "style").text = STYLE
    ET.SubElement(root, "rect", {"class": "page"}, width="100%", height="100%")
    scores = figures.scores
    bottom = _heading(root, MARGIN, f"{title}: {counted(scores.count, 'result')}")
    said = (
        f"mean {rounded(scores.mean)}, quartiles {rounded(scores.lower)}, {rounded(scores.median)}, "
        f"{rounded(scores.upper)} of {rounded(scores.of)} points"
    )
    _write(root, MARGIN, bottom, said if scores.count else ALL_FAULTY, "soft")
    bottom = _histogram(root, bottom + ROW, figures.tenths)
    bottom = _heading(root, bottom + ROW, "Mean of each step")
    for step, spread in figures.steps.items():
        share = spread.mean / spread.of if spread.of else 0.0
        value = f"{rounded(spread.mean)} of {rounded(spread.of)}" if spread.count else NOBODY
        bottom = _bar(root, bottom, f"Step {step}", share, value)
    bottom = _heading(root, bottom + ROW, "Share that passed each check")
    for check in figures.checks:
        label, rate = f"{check.step}  {check.title}", check.rate
        value = NOBODY if rate is None else f"{rate:.0%} of {check.judged}"
        bottom = _bar(root, bottom, label, rate or 0.0, f"{value}, lost {rounded(check.lost)}")
    root.set("viewBox", f"0 0 {WIDTH} {bottom + MARGIN}")
    root.set("width", str(WIDTH))
    root.set("height", str(bottom + MARGIN))
    return ET.tostring(root, encoding="unicode") + "\n"


def _histogram(root: ET.Element, top: int, tenths: Sequence[int]) -> int:
    """Draw how many scores are in each tenth; return where that ends."""
    width = (WIDTH - 2 * MARGIN) // TENTHS
    most = max(*tenths, 1)
    floor = top + TALL
    for at, count in enumerate(tenths):
        left, height = MARGIN + at * width, round((TALL - ROW) * count / most)
        _rect(root, "bar", left + 3, floor - height, width - 6, height)
        _write(root, left + width // 2, floor - height - 5, str(count), "middle")
        share = 100 // TENTHS
        _write(root, left + width // 2, floor + 16, f"{at * share}–{(at + 1) * share} %", "middle soft")
    return floor + ROW


def _bar(root: ET.Element, top: int, label: str, share: float, value: str) -> int:
    """Draw a row with a bar; return where it ends."""
    group = ET.SubElement(root, "g")
    ET.SubElement(group, "title").text = _text(f"{label}: {value}")
    full = WIDTH - 2 * MARGIN - LABELS - VALUES
    _write(group, MARGIN, top + BAR, beginning(label, LABEL_CHARACTERS))
    _rect(group, "rest", MARGIN + LABELS, top + 3, full, BAR)
    _rect(group, "bar", MARGIN + LABELS, top + 3, round(full * min(1.0, max(0.0, share))), BAR)
    _write(group, WIDTH - MARGIN, top + BAR, value, "right soft")
    return top + ROW


def _heading(root: ET.Element, top: int, text: str) -> int:
    _write(root, MARGIN, top + ROW, text, "heading")
    return top + HEADING + 6


def _rect(parent: ET.Element, kind: str, left: int, top: int, width: int, height: int) -> None:
    place = {"x": left, "y": top, "width": width, "height": height}
    ET.SubElement(parent, "rect", {"class": kind, **{name: str(value) for name, value in place.items()}})


def _write(parent: ET.Element, left: int, top: int, text: str, kind: str = "") -> None:
    settings = {"x": str(left), "y": str(top), **({"class": kind} if kind else {})}
    ET.SubElement(parent, "text", settings).text = _text(text)


def _text(text: str) -> str:
    return for_xml(printable(text))

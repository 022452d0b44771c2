"""A table of exceptions: what each means in a student's module, and what to do about it.

The first rule that fits counts. A course adds rules for the libraries that it uses: `hints` in its `course.toml`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

from graders.judging.hints import names
from graders.judging.hints.files import missing_file, missing_folder
from graders.judging.hints.situation import Situation
from graders.text import quoted

Say = Callable[[re.Match[str], Situation], str | None]
GROUP_CHARACTERS = 60
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
EXIT = (
    "exit(), quit(), sys.exit() and os._exit() end the whole program: take it out; a function returns its result, it "
    "does not exit."
)
NOTEBOOK = "That is a line for notebooks: take it out of the module."


@dataclass(frozen=True)
class Rule:
    """One kind of exception.

    Attributes:
        bases: names of built-in classes, of one of which it is; none for all.
        pattern: is found in the name of its class and what it says: `KeyError: 'a'`.
        hint: what to do, with groups of the pattern in braces; or a function that says it, or None.
    """

    bases: frozenset[str]
    pattern: re.Pattern[str]
    hint: str | Say

    def advice(self, situation: Situation) -> str | None:
        """Return what to do if the exception is of this kind, else None."""
        raised = situation.raised
        if raised is None or (self.bases and not self.bases.intersection(raised.bases)):
            return None
        found = self.pattern.search(f"{raised.kind}: {raised.text}")
        if found is None:
            return None
        if callable(self.hint):
            return self.hint(found, situation)
        groups = {name: quoted(text or "", GROUP_CHARACTERS) for name, text in found.groupdict().items()}
        groups["package"] = situation.package
        return re.sub(r"\{(\w+)\}", lambda name: groups.get(name[1], name[0]), self.hint)


def rule(bases: str, pattern: str, hint: str | Say) -> Rule:
    """Return a rule; the names of the bases are separated by blanks."""
    return Rule(frozenset(bases.split()), re.compile(pattern, re.DOTALL), hint)


def _no_python(_: re.Match[str], situation: Situation) -> str:
    source = situation.raised.source.strip() if situation.raised else ""
    if source.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return "That is a mark of git's, left by a merge: keep one of the two versions, and delete the marks."
    if source.startswith(("%", "!")):
        return NOTEBOOK
    which = "with which it runs here" if situation.at_home else "with which it is graded"
    return (
        f"Python {PYTHON}, {which}, cannot read that line: look there and on the line before for a bracket, quote or "
        f"colon that is missing. If your own Python reads it, yours is newer: write it so that {PYTHON} can."
    )


RULES = (
    rule("SystemExit", "", EXIT),
    rule(
        "EOFError",
        "EOF when reading a line",
        "Nobody types while it is graded: take input() out; let the function take the value as an argument.",
    ),
    # Imports
    rule("ModuleNotFoundError", r"No module named '(?P<name>[^']+)'", names.missing_module),
    rule(
        "ImportError",
        r"partially initialized module '(?P<module>[^']*)'",
        "{module} and a module that it imports import one another: move what both need into a third one, or one of the "
        "imports into the function that needs it.",
    ),
    rule(
        "ImportError",
        r"IProgress|ipywidgets|[Jj]upyter",
        "This part of the library works in notebooks alone: import the plain one, or do without.",
    ),
    rule("ImportError", r"cannot import name '(?P<name>[^']*)' from '(?P<module>[^']*)'", names.missing_in_module),
    rule(
        "ImportError",
        "relative import",
        "The module was loaded outside {package}: write each import of a file of {package} with a dot, "
        "`from .NAME import …`, and take changes of sys.path out.",
    ),
    # Names
    rule(
        "NameError",
        r"is (?:not defined|missing): .*\bcell \d",
        "Mend that cell of the notebook: what it gives is missing wherever it is used.",
    ),
    rule("NameError", r"name '(?:get_ipython|display)' is not defined", NOTEBOOK),
    rule(
        "UnboundLocalError",
        r"local variable '(?P<name>\w+)'",
        "A function that assigns to {name} on any line has a {name} of its own, and no line before this one gave it a "
        "value: do that first.",
    ),
    rule(
        "NameError",
        r"name '(?P<name>\w+)' is not defined",
        "Nothing is called {name} there: mend the spelling, or import or define it in this very module, above that "
        "line and outside `if __name__ == '__main__':`.",
    ),
    # Source that is no Python
    rule(
        "TabError IndentationError",
        "",
        "The indentation of that line does not fit the lines around it: use four blanks for each level, and no tabs.",
    ),
    rule("SyntaxError", "Missing parentheses in call to 'print'", "That is Python 2: write print(...) with brackets."),
    rule(
        "SyntaxError",
        r"\(U\+(?:201[89A-F]|00AB|00BB|203[2-5])\)",
        "Those are typographic quotes, as word processors and web pages make them: type them again as ' or \".",
    ),
    rule(
        "SyntaxError",
        r"invalid (?:non-printable )?character",
        "A character that Python does not know stands there, perhaps an invisible one: delete it and type it again.",
    ),
    rule("SyntaxError", "codec can't decode|Non-UTF-8|null bytes", "The file is not UTF-8 text: save it as UTF-8."),
    rule("SyntaxError", "", _no_python),
    # Files, network, machine
    rule("FileNotFoundError NotADirectoryError", r"'(?P<path>[^']+)'", missing_file),
    rule("RuntimeError OSError", r"Parent directory (?P<path>\S+) does not exist", missing_folder),
    rule(
        "OSError",
        r"urlopen|Temporary failure in name|Name or service|getaddrinfo|Max retries|Connection|[Nn]etwork|socket",
        "There is no network where it is graded: take the download out; use the files that are passed in.",
    ),
    rule("", r"^locale\.Error", "That language is not installed where it is graded: leave setlocale out."),
    rule("UnicodeDecodeError", "", "Say how the text is encoded: open(path, encoding='utf-8')."),
    # Calls and values
    rule(
        "RecursionError",
        "",
        "The function calls itself without end: it needs a case that returns without another call, or was to call "
        "something else.",
    ),
    rule("TypeError", r"'(?P<kind>\w+)' object is not callable", names.not_callable),
    rule(
        "TypeError AttributeError",
        "NoneType",
        "Something is None there: most often the result of a function that ends without `return`.",
    ),
    rule(
        "TypeError",
        r"(?P<function>[\w.<>]+)\(\) (?:got an unexpected|missing \d+ required|takes |got multiple values|got some )",
        names.arguments,
    ),
    rule(
        "AttributeError",
        r"(?:module|type object) '(?P<owner>[\w.]+)' has no attribute '(?P<name>\w+)'",
        names.not_in_library,
    ),
    rule(
        "AttributeError",
        r"'(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'",
        "This {owner} has no {name}: mend the spelling; if it is a class of yours, set self.{name} in __init__.",
    ),
    rule("ZeroDivisionError", "", "What it is divided by is 0 there: see why, or say what comes out then."),
    rule("IndexError", "", "That place is beyond the end: places count from 0, so the last is the length less one."),
    rule("KeyError", "", "There is no such key: see which keys there are, and how this one is made."),
    rule("AssertionError", "", "An `assert` of your own does not hold there."),
)

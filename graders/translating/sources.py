"""What there is to translate, found in sources: an f-string becomes a template, with places for its values."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from graders.authoring.check import check as check_decorator
from graders.course import ENGINE, FILE, PROJECT, Course
from graders.results.imports import sources_of

WORDS = "words.po"  # of a course, besides those of its steps
SAY, COUNT, MARK = "say", "count", "marked"  # functions whose first texts are to be translated
WORD = re.compile(r"[\"'(]?[A-Za-z][a-z'’-]+[\"')]?[.,;:?!…]*")
PATTERN = re.compile(r"\\[\w.()\[{]|\(\?|\.\*|\[\^")  # a regular expression
CODE_STARTS = ("import ", "from ", "\nimport ", '"""')
CODE = re.compile(r"`[^`]*`")
NOT_SHOWN = frozenset(
    {"compile", "match", "search", "fullmatch", "sub", "findall", "finditer", "split", "run", "option", "execute"}
)
LISTING = frozenset({"split", "join"})  # of a text that is a list of names, or stands between others
OF_HELP = frozenset({"help", "show_default", "epilog"})
FILE_OPTION, FILE_HELP = "file_option", "{text} ('-' prints it)."
RULE = "rule"  # its first two texts are looked for, the third is shown
CALLED_IN_PAGES = re.compile(r"""\b(say|count)\(\s*("[^"]*"|'[^']*')(?:\s*,\s*("[^"]*"|'[^']*'))?""")
# The modules of the engine in which messages for students are made where something happens. Others, which only show
# what there is, ask for their words by `say` and `count`.
SPEAKING = (
    "authoring/describe.py", "authoring/differences.py", "authoring/doubles.py", "authoring/expect.py",
    "authoring/thresholds.py", "authoring/withheld.py",
    "commands/check.py", "commands/errors.py", "commands/home/*.py", "commands/options.py", "commands/writing.py",
    "intake/*.py", "intake/notebooks/*.py", "intake/packed/*.py",
    "judging/confined.py", "judging/debugging.py", "judging/hints/*.py", "judging/judge.py", "judging/local.py",
    "judging/output.py", "judging/replay.py",
    "notebooks/writing.py", "outcomes.py", "results/gradebook/grades.py", "results/scoring.py",
    "sandbox/client.py", "sandbox/failures.py", "sandbox/proxies.py", "sandbox/watch.py",
    "words/choice.py",
)  # fmt: skip
SHOWING = ("commands/help/*.py", "notebooks/*.py", "exports/*.py", "feedback/*.py", "pages/*.py", "words/*.py")
PAGES = ("pages/templates/base.html.j2", "pages/templates/submission.html.j2")
HELPFUL = ("student.py", "commands/check.py", "commands/errors.py", "commands/home/*.py", "commands/options.py")
# The same of what instructors read: the page about a class, those for marking, and `graders --help`.
TO_INSTRUCTORS_SPEAKING = ("marking/given.py", "results/gradebook/database.py", "results/gradebook/sessions.py")
TO_INSTRUCTORS_SHOWING = ("marking/*.py", "statistics/*.py")
TO_INSTRUCTORS_PAGES = ("pages/templates/class.html.j2", "marking/templates/*.j2")
TO_INSTRUCTORS_HELPFUL = ("cli.py", "commands/*.py", "commands/*/*.py")


@dataclass(frozen=True)
class Text:
    """A text to be translated.

    Attributes:
        text: in English; a template if it has places.
        plural: the same for many; empty if it is about no number.
        where: file and line, from the folder of the project.
    """

    text: str
    plural: str
    where: tuple[str, int]


def engine_texts() -> list[Text]:
    """Return what the engine says to students, and to whoever asks its commands for help."""
    return _engine_texts(SPEAKING, SHOWING, PAGES, HELPFUL)


def instructor_texts() -> list[Text]:
    """Return what the engine says to instructors alone."""
    known = {one.text for one in engine_texts()}
    found = _engine_texts(TO_INSTRUCTORS_SPEAKING, TO_INSTRUCTORS_SHOWING, TO_INSTRUCTORS_PAGES, TO_INSTRUCTORS_HELPFUL)
    return [one for one in found if one.text not in known]


def _engine_texts(
    speaking: Sequence[str], showing: Sequence[str], pages: Sequence[str], helpful: Sequence[str]
) -> list[Text]:
    """Return the texts of modules and templates, each given by patterns of their paths."""
    found: list[Text] = []
    for path in _modules((*speaking, *showing)):
        found += texts_of_module(path, prose=path in _modules(speaking))
    for path in _modules(pages):
        found += _of_page(path)
    for path in _modules(helpful):
        found += help_of_module(path)
    return _unique(found)


def _modules(patterns: Iterable[str]) -> list[Path]:
    folder = PROJECT / ENGINE
    return list(dict.fromkeys(path for pattern in patterns for path in sorted(folder.glob(pattern))))


def read_source(path: Path) -> str:
    """Return what stands in a module."""
    return path.read_text(encoding="utf-8")


def course_texts(course: Course, read: Callable[[Path], str] = read_source) -> dict[str, list[Text]]:
    """Return what a course says to students, by the file of translations that it belongs to.

    These are titles, hints and messages of checks, questions, the first lines of docstrings of what students write, and
    what `course.toml` says to them. What several steps say belongs to the file of all.

    Args:
        course: the course.
        read: returns what stands in a module of checks; nothing, if what it says does not count.
    """
    found: dict[str, list[Text]] = {WORDS: _of_toml(course)}
    asking = [f"{course.checks}.{step.module}" for step in course.steps] + ([course.figures] if course.figures else [])
    shared = sources_of(asking, {course.checks: course.folder_of(course.checks)})
    steps = set(course.modules)
    for path in shared:
        if path.stem in steps:
            found[f"{path.stem}.po"] = texts_of_module(path, prose=True, read=read)
        else:
            found[WORDS] += texts_of_module(path, prose=True, read=read)
    for module in course.modules:
        found[f"{module}.po"] += _promises(course.skeletons / f"{module}.py")
    for question in _questions(course):
        step = course.step(int(question["step"])).module
        where = (course.written.questions, 1)
        found[f"{step}.po"] += [Text(" ".join(question[name].split()), "", where) for name in ("title", "prompt")]
    several = _several(found)
    found[WORDS] += [one for name, texts in found.items() if name != WORDS for one in texts if one.text in several]
    return {
        name: _unique(one for one in texts if name == WORDS or one.text not in several) for name, texts in found.items()
    }


def _several(found: Mapping[str, Iterable[Text]]) -> set[str]:
    """Return the texts that several files have, or that of all."""
    seen: dict[str, set[str]] = {}
    for name, texts in found.items():
        for one in texts:
            seen.setdefault(one.text, set()).add(name)
    return {text for text, names in seen.items() if len(names) > 1 or WORDS in names}


def _unique(texts: Iterable[Text]) -> list[Text]:
    return list({one.text: one for one in reversed(list(texts))}.values())[::-1]


def texts_of_module(path: Path, *, prose: bool, read: Callable[[Path], str] = read_source) -> list[Text]:
    """Return the texts of a module.

    Args:
        path: its file.
        prose: whether all that reads as words counts, and titles of checks; else only what is asked for by `say`,
            `count` and `marked`.
        read: returns what stands in it.
    """
    tree = ast.parse(read(path))
    no_words = _documenting(tree) | set(_not_shown(tree))
    where = _place(path)
    found: list[tuple[int, str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (asked := _asked(node)):
            found.append((node.lineno, *asked))
        elif prose and isinstance(node, ast.FunctionDef) and _is_check(node):
            found.append((node.lineno, inspect.cleandoc(ast.get_docstring(node) or "").splitlines()[0], ""))
        elif prose and isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in no_words:
            text = template(node)
            if is_prose(text):
                found.append((node.lineno, text.strip(), ""))
    return _unique(Text(text, plural, (where, line)) for line, text, plural in sorted(found))


def help_of_module(path: Path) -> list[Text]:
    """Return what `--help` says of the commands of a module, paragraph by paragraph, and of their options."""
    tree = ast.parse(read_source(path))
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found += [(node.lineno, template(one.value)) for one in node.keywords if one.arg in OF_HELP]
            if _function(node) == FILE_OPTION:
                found += [(node.lineno, FILE_HELP.format(text=template(one))) for one in node.args[2:3]]
        elif isinstance(node, ast.FunctionDef) and _is_command(node):
            told = inspect.cleandoc(ast.get_docstring(node) or "")
            found += [(node.lineno, " ".join(part.split())) for part in re.split(r"\n\s*\n", told)]
    return _unique(Text(text, "", (_place(path), line)) for line, text in sorted(found) if text)


def _is_command(node: ast.FunctionDef) -> bool:
    """Tell whether a function is a command, or a group of them."""
    calls = (one for one in node.decorator_list if isinstance(one, ast.Call))
    return any(_function(one) in {"command", "group"} for one in calls)


def template(node: ast.expr) -> str:
    """Return the text of a literal; of an f-string, with a name in the place of each expression."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    names: dict[str, str] = {}
    parts: list[str] = []
    for part in node.values if isinstance(node, ast.JoinedStr) else []:
        if isinstance(part, ast.FormattedValue):
            code = ast.unparse(part.value)
            parts.append(f"{{{names.setdefault(code, _free(_name(part.value), names.values()))}}}")
        elif isinstance(part, ast.Constant):
            parts.append(str(part.value).replace("{", "{{").replace("}", "}}"))
    return "".join(parts)


def is_prose(text: str) -> bool:
    """Tell whether a text has words in it, and is not only code, a name, or a pattern."""
    if " " not in text.strip() or PATTERN.search(text) or text.startswith(CODE_STARTS):
        return False
    bare = CODE.sub(" ", re.sub(r"\{\w*\}", " ", text)).split()
    return any(WORD.fullmatch(word) for word in bare)


def _free(name: str, taken: Iterable[str]) -> str:
    numbered = [name, *(f"{name}{number}" for number in range(2, 20))]
    return next(one for one in numbered if one not in taken)


def _name(node: ast.expr) -> str:
    """Return a name for what an expression stands for; `choice` for one of several texts."""
    match node:
        case ast.Name(id=name):
            return name.lower().strip("_") or "value"
        case ast.Attribute(attr=name):
            return name.lower().strip("_")
        case (
            ast.Call(args=[ast.Name() | ast.Attribute() | ast.Call() | ast.Subscript() as inner, *_])
            | ast.Call(func=inner)
            | ast.Subscript(value=inner)
            | ast.Starred(value=inner)
            | ast.UnaryOp(operand=inner)
            | ast.BinOp(left=inner)
        ):
            return _name(inner)
        case ast.IfExp():
            return "choice"
    return "value"


def _documenting(tree: ast.Module) -> set[int]:
    """Return the nodes that are docstrings or stand on their own, and the parts of f-strings."""
    found = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            found |= {id(part) for part in node.values}
            found |= {id(part.format_spec) for part in node.values if isinstance(part, ast.FormattedValue)}
    return found


def _not_shown(tree: ast.Module) -> Iterator[int]:
    """Yield the nodes in calls of what shows nothing, such as `re.compile`, and those that are asked for otherwise."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = _function(node)
        hidden = 2 if name == RULE else len(node.args) if name in NOT_SHOWN or _asked(node) else 0
        yield from map(id, node.args[:hidden])
        if name in NOT_SHOWN:
            yield from (id(one.value) for one in node.keywords)
        if name in LISTING and isinstance(node.func, ast.Attribute):
            yield id(node.func.value)


def _function(node: ast.Call) -> str:
    function = node.func
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _asked(node: ast.Call) -> tuple[str, str] | None:
    texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    function, of_words = _function(node), isinstance(node.func, ast.Attribute)
    if texts and (function == MARK or (function == SAY and of_words)):
        return texts[0], ""
    return (texts[0], texts[1]) if of_words and function == COUNT and len(texts) > 1 else None


def _is_check(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Call) and _function(one) == check_decorator.__name__ for one in node.decorator_list)


def _promises(path: Path) -> list[Text]:
    """Return the first lines of the docstrings of what students write."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        Text(told.splitlines()[0], "", (_place(path), getattr(node, "lineno", 1)))
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (told := ast.get_docstring(node))
    ]


def _questions(course: Course) -> list[dict[str, str]]:
    if not course.written.questions:
        return []
    whole = tomllib.loads(course.path(course.written.questions).read_text(encoding="utf-8"))
    return list(whole["question"])


def _of_toml(course: Course) -> list[Text]:
    told = [course.title, *(one.hint for one in course.hints), *(one.reason for one in course.dropped.values())]
    return [Text(one, "", (FILE, 1)) for one in told]


def _of_page(path: Path) -> list[Text]:
    """Return what a page's template asks for."""
    return [
        Text(found[2][1:-1], (found[3] or "")[1:-1] if found[1] == COUNT else "", (_place(path), 1))
        for found in CALLED_IN_PAGES.finditer(path.read_text(encoding="utf-8"))
    ]


def _place(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.name

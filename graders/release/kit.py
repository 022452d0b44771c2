"""The starter kit of a course: what students are given, as one zip with one folder.

The folder mirrors the checkout, so that paths in `course.toml` stay as they are. The harness comes as source, of
which only what `lab` needs is in it; it is installed where it lies, by a build backend that is in the folder too, so
that nothing but libraries has to be fetched for it.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import tomli_w
from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined

from graders.course import ENGINE, FILE, PROJECT, BadCourse, Course
from graders.intake.packed.zips import zip_of
from graders.judging.rubric import Check, load_rubric
from graders.notebooks.writing import EXTRA
from graders.questions import load_questions
from graders.release.public import (
    imported_from,
    public_course,
    public_part,
    public_questions,
    public_thresholds,
    public_words,
)
from graders.release.requirements import Requirements, requirements_of
from graders.release.skeleton import ANSWERS
from graders.release.spoken import spoken_skeletons
from graders.results.imports import sources_of
from graders.translating.catalogues import ENGINE_FILE
from graders.translating.sources import course_texts
from graders.words.choice import OWN_WORDS, chosen_words, languages
from graders.words.po import read_entries
from graders.words.spoken import ENGLISH, ENGLISH_WORDS, Words

BACKEND, BACKEND_PACKAGE = "build_backend", "flit_core"
COMMAND = f"{ENGINE}.student"
ENTRY = f"{ENGINE}.commands.entry.points"  # it loads the former
CACHES = re.compile(r"__pycache__|\..*|.*\.pyc|Thumbs\.db|desktop\.ini")


@dataclass(frozen=True)
class Kit:
    """What students are given.

    Attributes:
        name: of its one folder.
        files: their contents by their paths in that folder.
        package: path of what students write.
        course: path of the folder with `course.toml`, `.` for the kit's own.
        left_out: files of the students' package that are no part of it.
    """

    name: str
    files: Mapping[str, bytes]
    package: str
    course: str
    left_out: Sequence[str] = ()

    def unpack(self, folder: Path) -> None:
        """Write the files below a folder."""
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)

    def pack(self) -> bytes:
        """Return the zip; the same files make the same one."""
        return zip_of({f"{self.name}/{name}": content for name, content in sorted(self.files.items())})


def kit_of(course: Course, words: Words = ENGLISH_WORDS) -> Kit:
    """Return the starter kit of a course.

    Args:
        course: the course.
        words: the language of what students read in the skeletons, and of the questions; the kit has all languages.

    Raises:
        BadCourse: something that students need stands outside the folder that holds course and packages, or a public
            check needs a hidden one.
        HarnessFault: the harness is not installed.
    """
    places = _Places(Path(os.path.commonpath([course.folder, course.root])))
    rubric = load_rubric(course)
    public = [check for check in rubric if check.info.visibility == "public"]
    _expect_public_needs(public)
    modules = _modules(course, rubric, places)
    skeletons = _skeletons(course, places)
    spoken = spoken_skeletons(skeletons, load_questions(course), words)
    files = {**modules, **spoken, **_other_files(course, public, places), **_words(course, public, modules, places)}
    reference = [path.read_bytes() for path in sorted(course.reference_folder.glob("step*.py"))]
    libraries = requirements_of(
        [*(text for name, text in files.items() if name.endswith(".py")), *reference],
        [*course.libraries, *(name for loads in course.loads for name in loads.server)],
        [EXTRA],
    )
    files |= _installation(course, libraries)
    package = places.of(course.skeletons)
    readmes = {
        _readme_of(language): text.encode()
        for language in _languages(course)
        if (text := _readme(course, package, language, has_questions=bool(load_questions(course))))
    }
    return Kit(
        course.release.name or re.sub(r"\W+", "-", course.title.lower()).strip("-"),
        {**files, **readmes},
        package,
        places.of(course.folder),
        sorted(name for path in _plain_files(course.skeletons) if (name := places.of(path)) not in skeletons),
    )


@dataclass(frozen=True)
class _Places:
    base: Path

    def of(self, path: Path) -> str:
        """Return where a file of the course or of the engine stands in the kit."""
        if path.is_relative_to(self.base):
            return path.relative_to(self.base).as_posix()
        if path.is_relative_to(PROJECT / ENGINE):
            return path.relative_to(PROJECT).as_posix()
        raise BadCourse(f"{path} is not below {self.base}, which becomes the kit: move it there.")


def _expect_public_needs(public: Sequence[Check]) -> None:
    ids = {check.id for check in public}
    for check in public:
        if hidden := set(check.needs) - ids:
            raise BadCourse(f"{check.id} is public and needs {min(hidden)}, which is hidden: students cannot run it.")


def _modules(course: Course, rubric: Sequence[Check], places: _Places) -> dict[str, bytes]:
    """Return the source files that `lab` runs: of the engine, the checks, the kit and what these import."""
    hidden = {check.node for check in rubric if check.info.visibility == "hidden"}
    checks = course.folder_of(course.checks)
    with tempfile.TemporaryDirectory(prefix="graders-release-") as folder:
        copy = Path(folder, "checks")
        shutil.copytree(checks, copy, ignore=shutil.ignore_patterns("__pycache__"))
        imported = imported_from(path.read_bytes() for path in checks.rglob("*.py"))
        for step in course.steps:
            module = copy / f"{step.module}.py"
            mine = {node.rpartition("::")[2] for node in hidden if Path(node.partition("::")[0]).stem == step.module}
            text = public_part(module.read_text(encoding="utf-8"), mine, imported.get(step.module, ()))
            module.write_text(text, encoding="utf-8")
        packages = {course.checks: copy, ENGINE: PROJECT / ENGINE, course.reference: course.reference_folder}
        packages |= {name: course.folder_of(name) for name in course.decisive}
        wanted = [ENTRY, COMMAND, *(f"{course.checks}.{step.module}" for step in course.steps)]
        wanted += [name for name in (course.sandbox.kit, course.sandbox.adaptations, course.figures) if name]
        files: dict[str, bytes] = {}
        for path in sources_of(wanted, packages):
            if path.is_relative_to(course.reference_folder):
                raise BadCourse(f"what students run imports the reference ({path}): give checks another oracle.")
            place = checks / path.relative_to(copy) if path.is_relative_to(copy) else path
            files[places.of(place)] = path.read_bytes()
    return files


def _skeletons(course: Course, places: _Places) -> dict[str, bytes]:
    """Return the step modules that students fill in, what these import of their package, and the files for answers."""
    modules = [course.package, *(f"{course.package}.{path.stem}" for path in course.skeletons.glob("step*.py"))]
    paths = [*sources_of(modules, {course.package: course.skeletons}), *sorted(course.skeletons.glob(ANSWERS))]
    return {places.of(path): path.read_bytes() for path in paths}


def _readme_of(language: str) -> str:
    return "README.md" if language == ENGLISH else f"README.{language}.md"


def _languages(course: Course) -> list[str]:
    return languages([OWN_WORDS, *([course.words_folder] if course.words_folder else [])])


def _words(course: Course, public: Sequence[Check], modules: Mapping[str, bytes], places: _Places) -> dict[str, bytes]:
    """Return the translations of the engine, and those of the course that are of what students may see."""
    files = {places.of(path): path.read_bytes() for path in sorted(OWN_WORDS.glob(f"*/{ENGINE_FILE}"))}
    if course.words_folder is None:
        return files
    dropped = {check.id: course.dropped[check.id] for check in public if check.id in course.dropped}
    texts = course_texts(replace(course, dropped=dropped), lambda path: modules.get(places.of(path), b"").decode())
    told = {one.text for several in texts.values() for one in several}
    for path in sorted(course.words_folder.glob("*/*.po")):
        files[places.of(path)] = public_words(read_entries(path), told)
    return files


def _other_files(course: Course, public: Sequence[Check], places: _Places) -> dict[str, bytes]:
    files = {places.of(course.folder / FILE): public_course(course, public)}
    if course.audit.thresholds:
        path = course.path(course.audit.thresholds)
        files[places.of(path)] = public_thresholds(path.read_bytes(), public)
    if course.written.questions:
        path = course.path(course.written.questions)
        files[places.of(path)] = public_questions(path.read_bytes())
    if course.data:
        held_out = {course.path(name) for name in course.held_out.files}
        data = course.path(course.data)
        files |= {places.of(path): path.read_bytes() for path in _plain_files(data) if path not in held_out}
    return files


def _plain_files(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder, without caches and what file managers leave."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(CACHES.fullmatch(part) for part in path.relative_to(folder).parts):
            yield path


def _installation(course: Course, libraries: Requirements) -> dict[str, bytes]:
    """Return what `pip install -e .` needs; the build backend is flit's, with its licence."""
    project = {
        "build-system": {"requires": [], "build-backend": f"{BACKEND_PACKAGE}.buildapi", "backend-path": [BACKEND]},
        "project": {
            "name": "lab-starter-kit",
            "version": libraries.version,
            "description": course.title,
            "requires-python": libraries.python,
            "dependencies": list(libraries.direct),
            "optional-dependencies": {name: list(extra) for name, extra in libraries.extras.items()},
            "scripts": {"lab": f"{ENTRY}:lab"},
        },
        "tool": {"flit": {"module": {"name": ENGINE}}},
    }
    backend = metadata.distribution(BACKEND_PACKAGE)
    files = {
        f"{BACKEND}/{BACKEND_PACKAGE}/{file.name}": Path(str(file.locate())).read_bytes()
        for file in backend.files or []
        if str(file.parent) == BACKEND_PACKAGE or file.match("*.dist-info/licenses/LICENSE")
    }
    licence = PROJECT / "LICENSE"
    files |= {licence.name: licence.read_bytes()} if licence.is_file() else {}
    return {
        **files,
        "pyproject.toml": tomli_w.dumps(project).encode(),
        "constraints.txt": "".join(f"{pin}\n" for pin in libraries.pins).encode(),
    }


def _readme(course: Course, package: str, language: str, *, has_questions: bool) -> str:
    """Return the README in a language, by the template of the course or of the engine; nothing if there is none."""
    own = course.words_folder / language if course.words_folder else course.folder
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(own), PackageLoader("graders.release")]),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown, of the course's own words
    )
    names = {
        one: _readme_of(one) for one in _languages(course) if f"{_readme_of(one)}.j2" in environment.list_templates()
    }
    if language not in names:
        return ""
    further = ""
    if course.release.readme:
        readme = course.path(course.release.readme)
        spoken = readme.with_suffix(f".{language}{readme.suffix}")
        further = (spoken if spoken.is_file() else readme).read_text(encoding="utf-8")
    first, last = course.steps[0], course.steps[-1]
    title = chosen_words(language, {}, course.words_folder).text(course.title)
    return environment.get_template(f"{names[language]}.j2").render(
        title=title,
        others=[name for one, name in names.items() if one != language],
        package=package,
        first=first,
        last=last,
        questions=has_questions,
        drawn=course.load(course.figures).FIGURES[0].step if course.figures else 0,
        further=further,
    )

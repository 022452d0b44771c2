"""`graders similar`: pairs of submissions that agree, for a person to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graders.commands.classroom.reading import readable_results
from graders.commands.errors import Command, ExitCode, say
from graders.commands.options import Number, Whole, course_option, expect_steps
from graders.commands.writing import STDOUT, file_option, write, write_folder
from graders.course import Course
from graders.intake.layouts.handin import Handin, whose
from graders.spreadsheets import csv_text, for_excel
from graders.text import cell, name_of_file, printable

if TYPE_CHECKING:
    from graders.intake.submission import Submission
    from graders.similarity.dolos import Entry
    from graders.similarity.pairs import Pair

HINT = "A hint, never a verdict: look at the passages, and hear both sides."
LEAST = 0.3


@click.command(cls=Command)
@click.argument("submissions", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option("--results", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Folder for results: whose submissions are; without SUBMISSIONS, these are compared.")  # fmt: skip
@click.option("--step", type=Whole(min=1), help="Compare the module of this step alone.")
@click.option("--least", type=Number(0, 1), metavar="SHARE", default=LEAST, show_default=True,
              help="Show pairs that agree in this share, of the smaller one or of a file.")  # fmt: skip
@file_option("--csv", "file", "Write the pairs as CSV")
@click.option("--dolos", type=click.Path(file_okay=False, path_type=Path),
              help="Also write a new folder that Dolos reads: dolos run -l python FOLDER/info.csv")  # fmt: skip
@course_option
@click.pass_context
def similar(
    context: click.Context,
    submissions: tuple[Path, ...],
    results: Path | None,
    step: int | None,
    least: float,
    file: Path | None,
    dolos: Path | None,
    course: Course,
) -> None:
    """Show pairs of SUBMISSIONS that agree beyond what was given and what many have.

    Nothing of them runs. Names, literals, comments, layout and the order of definitions are seen through. It is a
    hint for a person, never a verdict.
    """
    expect_steps(course, step)
    handins = _handins(results) if results else {}
    paths = list(dict.fromkeys(submissions)) or [Path(source) for source in handins]
    read, refused = _read(paths, handins, course)
    if len(read) < 2:  # noqa: PLR2004
        raise click.UsageError("there is nothing to compare: give two SUBMISSIONS or more that can be read.")
    pairs = _compared(read, handins, step, least, course, dolos)
    if file:
        write("--csv", file, for_excel(_table(pairs)))
    if file != STDOUT:
        _show(pairs, len(read), least, course)
    if refused:
        context.exit(ExitCode.BAD_INPUT)


def _handins(results: Path) -> dict[str, Handin | None]:
    """Return whose each graded submission is, by where it was read from."""
    found = list(readable_results(results, "not compared"))
    if not found:
        raise click.UsageError(f"--results {results}: there is no result in it; graders run --out writes them.")
    return {one.source: one.handin for one in found if one.source}


def _read(
    paths: Sequence[Path], handins: Mapping[str, Handin | None], course: Course
) -> tuple[dict[Path, Submission], int]:
    """Read submissions; tell which cannot be, and whose these are, and return how many."""
    from graders.intake.archives import NoSubmission, UnreadableSubmission  # noqa: PLC0415 - `--help` needs none
    from graders.intake.submission import read_submission  # noqa: PLC0415

    read, refused = {}, 0
    for path in paths:
        owner = whose(_handin_of(path, handins))
        before = f"not compared: {owner}: " if owner else "not compared: "
        try:
            read[path] = read_submission(path, course)
        except (NoSubmission, UnreadableSubmission) as error:
            refused += 1
            say("graders", f"{before}{error}")
        except OSError as error:
            refused += 1
            say("graders", f"{before}{path}: cannot be read ({error.strerror}).")
    return read, refused


def _handin_of(path: Path, handins: Mapping[str, Handin | None]) -> Handin:
    return handins.get(name_of_file(str(path.resolve()))) or Handin(name="")


def _compared(
    read: Mapping[Path, Submission],
    handins: Mapping[str, Handin | None],
    step: int | None,
    least: float,
    course: Course,
    dolos: Path | None,
) -> list[Pair]:
    from graders.grading.names import names_of  # noqa: PLC0415
    from graders.similarity.dolos import Entry  # noqa: PLC0415
    from graders.similarity.pairs import pairs_of  # noqa: PLC0415
    from graders.similarity.texts import skeleton_of, sources_of, text_of  # noqa: PLC0415
    from graders.similarity.tokens import passages_of  # noqa: PLC0415

    mine = {path: _handin_of(path, handins) for path in read}
    known = all(one.students or one.name for one in mine.values())
    names = names_of(list(read), mine if known else None)
    texts, entries = [], []
    for (path, submission), name in zip(read.items(), names, strict=True):
        handin = mine[path]
        sources = sources_of(submission, course, step)
        texts.append(text_of(name, handin.students or [handin.name or name], sources))
        entries.append(Entry(name, handin.name or name, "late" if handin.late else "", handin.submitted, sources))
    given = skeleton_of(course)
    if not given:
        say("graders", f"{course.skeletons} holds no skeleton: what all were given counts as agreement.")
    if dolos:
        _write_dolos(dolos, entries, given)
    return pairs_of(texts, passages_of(given.items()), least)


def _show(pairs: Sequence[Pair], compared: int, least: float, course: Course) -> None:
    from graders.similarity.pairs import common_most  # noqa: PLC0415

    most = common_most(compared)
    besides = f" and what more than {most} have" if compared > most else ""
    beyond = f"beyond {course.package}/ as it was given{besides}"
    if not pairs:
        click.echo(f"No two of {compared} submissions agree in {least:.0%} or more,\n{beyond}.")
        return
    click.echo(f"{len(pairs)} pairs of {compared} submissions agree in {least:.0%} or more,\n{beyond}.\n{HINT}")
    for pair in pairs:
        click.echo(f"\n{printable(pair.left.name)} and {printable(pair.right.name)}")
        click.echo(f"  {pair.share:.0%} of the smaller one; {pair.file_share:.0%} of {printable(pair.file)}")
        for line in _passages(pair):
            click.echo(f"  {line}")


def _passages(pair: Pair) -> list[str]:
    """Return the longest passages of a pair, each with its places in both."""
    return [
        printable(f"{one.tokens} tokens: {pair.left.where(*one.left)} and {pair.right.where(*one.right)}")
        for one in pair.passages
    ]


def _table(pairs: Sequence[Pair]) -> str:
    rows = [["left", "right", "share", "file", "file_share", "longest_passages", "note"]]
    for pair in pairs:
        names = (cell(pair.left.name), cell(pair.right.name))
        file_of = (cell(pair.file), f"{pair.file_share:.3f}", cell("; ".join(_passages(pair))))
        rows.append([*names, f"{pair.share:.3f}", *file_of, HINT])
    return csv_text(rows)


def _write_dolos(folder: Path, entries: Sequence[Entry], given: Mapping[str, str]) -> None:
    from graders.similarity.dolos import dolos_files  # noqa: PLC0415

    if folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"--dolos {folder}: is not empty; name a new folder.")
    write_folder("--dolos", folder, dolos_files(entries, given))

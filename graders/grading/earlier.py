"""Earlier results of the same name: none is lost when another one takes its place."""

from __future__ import annotations

from pathlib import Path

from graders.results.files import keep_earlier, read_result
from graders.results.schema import Result


def make_room(result: Result, folder: Path) -> str:
    """Keep an earlier result in a folder if another submission's, or another version's, is about to replace it.

    Returns:
        What is to be said about that: nothing, if it was the same submission and had no more points.
    """
    before = read_result(folder)
    if before is None or not before.digest or (before.source, before.digest) == (result.source, result.digest):
        return ""
    was = f"{before.score:g} of {before.max_score:g}"
    of_another = before.source != result.source and not _of_the_same(before, result)
    if before.digest == result.digest:
        return f"{result.submission}: takes the place of a result of the same files, {before.source} ({was})"
    kept = keep_earlier(folder)
    if of_another:
        return (
            f"{result.submission}: takes the place of an earlier result of another submission, {before.source} "
            f"({was}), which is kept as {kept}; graded in one run, both would be in the summary"
        )
    if before.score > result.score:
        return (
            f"{result.submission}: {result.score:g} of {result.max_score:g} takes the place of an earlier {was}, "
            f"which is kept as {kept}"
        )
    return ""


def _of_the_same(before: Result, result: Result) -> bool:
    """Tell whether two results are of one student or group: in a new download, the path of a hand-in is another.

    A name alone does not tell it, which two may share: the students' ids do, or else an id of the platform's.
    """
    old, new = before.handin, result.handin
    if old is None or new is None:
        return False
    if old.students or new.students:
        return sorted(old.students) == sorted(new.students)
    return any(new.ids.get(kind) == number for kind, number in old.ids.items())

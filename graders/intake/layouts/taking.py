"""A bulk download, a folder or a zip, becomes hand-ins on disk."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from graders.intake.archives import Damaged, Member, UnreadableSubmission, open_members
from graders.intake.layouts import Layout, canvas, gradescope, moodle, plain
from graders.intake.layouts.handin import Handin
from graders.intake.layouts.parts import Part, Parts, below_one_folder
from graders.text import folder_name, quoted

DIGEST_DIGITS = 12  # in names of folders: enough for two hand-ins of a student not to be alike by chance
NAME_CHARACTERS = 80


@dataclass(frozen=True)
class HandedIn:
    """The hand-ins of a class.

    Attributes:
        layout: the layout that the download has.
        handins: the hand-ins, each with its path and digest.
        left: what fits no hand-in, with the reason, a sentence each.
    """

    layout: Layout
    handins: list[Handin]
    left: list[str]


def take_apart(source: Path, layout: Layout, into: Path, package: str) -> HandedIn:
    """Take a bulk download apart.

    What is a file or a folder of its own in a folder stays where it is; all else is written below `into`, in a folder
    for each hand-in whose name holds the digest of its content, so that the same one is written once.

    Args:
        source: a folder, or an archive as the platform makes it.
        layout: how it is laid out; "auto" finds out.
        into: a folder for what is taken out of an archive; it is made when it is needed.
        package: name of the students' package, by which a single hand-in is told from a folder of them.

    Raises:
        UnreadableSubmission: it cannot be read, holds nothing, or is itself a hand-in.
    """
    try:
        with open_members(source) as members:
            found = {member.name: member for member in members}
            shared, names = below_one_folder(found, moodle.NAME.match)
            if len({name.parts[0] for name in names}) == len(names) == 1 and shared.parts:
                shared, names = shared.parent, [PurePosixPath(shared.name, *name.parts) for name in names]
            chosen = _layout_of(names) if layout == "auto" else layout
            if chosen in ("plain", "github"):
                shared = _folder_of_handins(source, shared, names, package)
                names = [name.relative_to(shared) for name in found]
            parts = _parts(chosen, names, {name: found[shared / name] for name in names})
            place = source / shared if source.is_dir() else None
            handins, damaged = [], []
            for part in parts.parts:
                try:
                    handins.append(_on_disk(part, found, shared, place, into))
                except Damaged as error:
                    damaged.append(f"{part.handin.name}: {error}; download it again")
    except Damaged as error:
        raise UnreadableSubmission(f"{source.name}: {error}") from error
    if not handins:
        raise UnreadableSubmission(f"{source.name}: holds no hand-in; --layout names how it is laid out.")
    return HandedIn(chosen, handins, [*parts.left, *damaged])


def _folder_of_handins(source: Path, shared: PurePosixPath, names: list[PurePosixPath], package: str) -> PurePosixPath:
    """Return the folder in which hand-ins stand: where all files share one, it may be that of the only hand-in.

    Then the hand-in's folder stands in the download, or in a folder of its name in it.

    Raises:
        UnreadableSubmission: there is no folder above that of the hand-in.
    """
    of_its_name = shared.parts[:1] == (source.name.partition(".")[0],)
    above = PurePosixPath(*shared.parts[:1]) if of_its_name else PurePosixPath()
    sign = plain.sign_of_a_handin(names, package)
    if sign and above == shared:
        raise UnreadableSubmission(
            f"it is itself a hand-in, since it holds {quoted(sign, NAME_CHARACTERS)}, and not a folder of hand-ins; "
            "leave --layout out, or take that away."
        )
    return above if sign or len(plain.take_apart(names).parts) == 1 else shared


def _layout_of(names: list[PurePosixPath]) -> Layout:
    if gradescope.fits(names):
        return "gradescope"
    if moodle.fits(names):
        return "moodle"
    return "canvas" if canvas.fits(names) else "plain"


def _parts(layout: Layout, names: list[PurePosixPath], members: Mapping[PurePosixPath, Member]) -> Parts:
    match layout:
        case "canvas":
            return canvas.take_apart(names)
        case "moodle":
            return moodle.take_apart(names)
        case "gradescope":
            metadata = members.get(PurePosixPath(gradescope.METADATA))
            if metadata is None:
                raise UnreadableSubmission(
                    f"there is no {gradescope.METADATA} in it, by which Gradescope says whose its folders are."
                )
            try:
                return gradescope.take_apart(names, metadata.read())
            except ValueError as error:
                raise UnreadableSubmission(f"{error}.") from error
        case "github":
            return plain.take_repositories_apart(names)
        case _:
            return plain.take_apart(names)


def _on_disk(
    part: Part, members: Mapping[PurePosixPath, Member], shared: PurePosixPath, place: Path | None, into: Path
) -> Handin:
    digest = _digest(part, members, shared)
    tops = {path.parts[0] for path in part.files.values()}
    single = next(iter(tops)) if len(tops) == 1 else ""
    # In a folder, what is called as it was handed in can be read where it is.
    as_it_is = single and (len(part.files) > 1 or next(iter(part.files)) == next(iter(part.files.values())))
    if place and as_it_is:
        path = place / single
    else:
        # Two students may hand in the same: the platform's number tells their folders apart.
        number = next(iter(part.handin.ids.values()), "")
        parts = (part.handin.name[:NAME_CHARACTERS], number[:NAME_CHARACTERS], digest[:DIGEST_DIGITS])
        folder = into / folder_name("-".join(filter(None, parts)))
        if not folder.exists():
            _write(part, members, shared, folder)
        only = list(part.files)
        path = folder / only[0] if len(only) == 1 and len(only[0].parts) == 1 else folder
    return msgspec.structs.replace(part.handin, path=str(path), digest=digest)


def _digest(part: Part, members: Mapping[PurePosixPath, Member], shared: PurePosixPath) -> str:
    """Return a hash of the names and the contents of a hand-in's files."""
    total = hashlib.sha256()
    for inside, name in sorted(part.files.items()):
        with members[shared / name].opened() as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        total.update(f"{content} {inside}\n".encode("utf-8", "surrogateescape"))
    return total.hexdigest()


def _write(part: Part, members: Mapping[PurePosixPath, Member], shared: PurePosixPath, folder: Path) -> None:
    """Write the files of a hand-in, all or none of them."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as unfinished:
        whole = Path(unfinished, "whole")
        for inside, name in part.files.items():
            target = whole / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            with members[shared / name].opened() as file, target.open("wb") as written:
                shutil.copyfileobj(file, written)
        try:
            whole.rename(folder)
        except OSError:
            if not folder.exists():  # otherwise another run has written the same meanwhile
                raise

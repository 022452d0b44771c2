"""The roster of a class: who is in it, and whose a hand-in is."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from graders.intake.layouts.handin import Handin
from graders.spreadsheets import BadSheet, read_table, records

COLUMNS = ("id", "name", "email", "group", "section", "extra_days", "known_as")
NEEDED = ("id", "name")
DAYS = re.compile(r"[0-9]{1,4}")
NO_LETTERS = re.compile(r"[\W\d_]+")
MOST_PARTS = 4  # of a name, whose orders are all tried
# Ids on platforms that are the university's or the student's own, not numbers that the platform gave.
OWN_IDS = ("gradescope_sid", "gradescope_email", "github")
# Those that are a person's or a group's, and not a hand-in's.
PERSONAL_IDS = ("moodle_participant", "canvas_user", *OWN_IDS)


class Student(msgspec.Struct, frozen=True):
    """A student of a class.

    Attributes:
        id: what the university calls them.
        name: their name.
        email: their address; empty if nobody knows.
        group: the group with which they hand in; empty for none.
        section: the part of the class that they are in.
        extra_days: late days that cost them nothing, besides everybody's.
        known_as: what platforms call them, numbers or logins, with blanks between them.
    """

    id: str
    name: str
    email: str = ""
    group: str = ""
    section: str = ""
    extra_days: int = 0
    known_as: str = ""


@dataclass(frozen=True)
class Roster:
    """A class, as a file or a gradebook says who is in it.

    Attributes:
        source: what that is called.
        students: the class.
        notes: what is to be said of the file, a sentence each.
    """

    source: str
    students: list[Student]
    notes: list[str]


@dataclass(frozen=True)
class Assigned:
    """Hand-ins, each with its students, and what is odd about them.

    Attributes:
        handins: the hand-ins; those that fit nobody, or several, have no students.
        problems: a sentence for each hand-in without a student.
        missing: the students who have handed nothing in: not those whom an unclear hand-in may be of.
        former: a sentence for each hand-in of somebody who has left the class.
    """

    handins: list[Handin]
    problems: list[str]
    missing: list[Student]
    former: list[str] = field(default_factory=list)


def read_roster(path: Path) -> Roster:
    """Read a CSV file with the columns id and name, and maybe email, group, section, extra_days and known_as.

    Commas, semicolons or tabs are told apart by the first line.

    Raises:
        BadSheet: it cannot be read, lacks a column, or a line has no id, what another has, or no number of days.
    """
    students: dict[str, Student] = {}
    known_as: dict[str, str] = {}
    text, _, notes = read_table(path)
    for line, row in _rows(path, text):
        values = {name: row.get(name, "") for name in COLUMNS}
        where = f"{path}: line {line}"
        if not values["id"]:
            raise BadSheet(f"{where} has no id.")
        if values["id"] in students:
            raise BadSheet(f"{where}: {values['id']} is there twice.")
        if values["extra_days"] and not DAYS.fullmatch(values["extra_days"]):
            raise BadSheet(f"{where}: extra_days is {values['extra_days'][:40]!r}, which is no number of days.")
        days = int(values.pop("extra_days") or 0)
        for name in values["known_as"].split():
            if known_as.setdefault(name, values["id"]) != values["id"]:
                raise BadSheet(f"{where}: {known_as[name]} is known as {name} too.")
        students[values["id"]] = Student(**values, extra_days=days)
    return Roster(str(path), list(students.values()), notes)


def _rows(path: Path, text: str) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        yield from records(text, NEEDED)
    except BadSheet as error:
        raise BadSheet(
            f"{path}: {error} A roster has the columns {', '.join(COLUMNS)}; only id and name are needed."
        ) from error


def assign(
    handins: Iterable[Handin],
    roster: Sequence[Student],
    former: Sequence[Student] = (),
) -> Assigned:
    """Say whose each hand-in is: by what platforms call the students, an e-mail address, the group, or the name.

    Names are compared without accents, case, and order of their parts, since platforms write them differently. What
    fits several students of one name is called after the platform's number too: they must not become one.

    Args:
        handins: what was handed in.
        roster: the class.
        former: students who have left the class: what is theirs stays theirs, and becomes nobody else's.
    """
    by_key, by_former_key = _keys(roster), _keys(former)
    found, problems, left = [], [], []
    may_be: set[str] = set()
    for handin in handins:
        known, once_known = _known(handin, by_key), _known(handin, by_former_key)
        who = known or once_known or _students_of(handin, by_key)
        gone = not known and bool(once_known)
        fitting = _fitting(handin, by_key)
        several = len(fitting) > 1
        if isinstance(who, str) and not several and not isinstance(once := _students_of(handin, by_former_key), str):
            who, gone = once, True
        if gone:
            left.append(f"{handin.name}: {' and '.join(who)} has left the class")
        if isinstance(who, str):
            problems.append(f"{handin.name}: {who}")
            may_be.update(student.id for student in fitting)
            found.append(_with_number(handin) if several else handin)
        else:
            found.append(msgspec.structs.replace(handin, students=who))
    there = {student for handin in found for student in handin.students} | may_be
    return Assigned(found, problems, [student for student in roster if student.id not in there], left)


def told_apart(handins: Iterable[Handin]) -> list[Handin]:
    """Return hand-ins in which nobody's and another nobody's have different names, if the platform has two numbers."""
    handins = list(handins)
    numbers: dict[str, set[str]] = {}
    for handin in handins:
        if not handin.students:
            numbers.setdefault(handin.name, set()).add(_number_of(handin))
    return [_with_number(one) if not one.students and len(numbers[one.name]) > 1 else one for one in handins]


def _number_of(handin: Handin) -> str:
    return next((handin.ids[name] for name in PERSONAL_IDS if handin.ids.get(name)), "")


def _with_number(handin: Handin) -> Handin:
    return msgspec.structs.replace(handin, name=f"{handin.name} {_number_of(handin)}".rstrip())


def _keys(roster: Iterable[Student]) -> dict[str, list[Student]]:
    """Return the students by all that may stand for them, with a word before it that says what it is."""
    keys: dict[str, list[Student]] = defaultdict(list)
    for student in roster:
        mine = {("id", student.id.casefold()), ("group", student.group.casefold())}
        mine |= {("address", student.email.casefold()), ("user", student.email.partition("@")[0].casefold())}
        mine |= {("name", spelled) for spelled in _spellings(student.name)}
        mine |= {("known", name) for name in student.known_as.split()}
        for kind, key in mine:
            if key:
                keys[f"{kind} {key}"].append(student)
    return keys


def _known(handin: Handin, keys: dict[str, list[Student]]) -> list[str]:
    """Return the ids of those of whom the roster says that a platform calls them so."""
    known = [student.id for one in (*handin.ids.values(), handin.name) for student in keys.get(f"known {one}", ())]
    return list(dict.fromkeys(known))


def _fitting(handin: Handin, keys: dict[str, list[Student]]) -> list[Student]:
    """Return those whom a hand-in's name fits: of several, nobody knows whose it is."""
    return _called(handin.name, keys) or keys.get(f"name {_spelled(handin.name)}", [])


def _called(word: str, keys: dict[str, list[Student]]) -> list[Student]:
    """Return the students of an id, or else of an address, or else of what stands before an address's @."""
    wanted = (f"{kind} {word.casefold()}" for kind in ("id", "address", "user"))
    return next((keys[key] for key in wanted if key in keys), [])


def _students_of(handin: Handin, keys: dict[str, list[Student]]) -> list[str] | str:
    """Return whose a hand-in is, their ids, or why nobody can tell; a group alone gives one to several by one name."""
    own = [word for name in OWN_IDS for word in handin.ids.get(name, "").split()]
    if known := _each(_called(word, keys) for word in own) or _each([_called(handin.name, keys)]):
        return known
    if group := keys.get(f"group {handin.name.casefold()}"):
        return [student.id for student in group]
    if together := _each(keys.get(f"name {_spelled(one)}", []) for one in handin.name.split(", ")):
        return together
    same = [student.id for student in _fitting(handin, keys)]
    if len(same) > 1:
        number = _number_of(handin)
        way_out = f"; write {number} into the column `known_as` of whose it is" if number else ""
        return f"{len(same)} students are called so ({', '.join(same)}){way_out}"
    # Numbers that a platform gave by itself may be those of the roster, but for other students: names come first.
    numbered = _each(_called(word, keys) for value in handin.ids.values() for word in value.split())
    return same or numbered or "nobody in the roster is called so"


def _each(found: Iterable[list[Student]]) -> list[str]:
    """Return the ids of the students who were found, if each time it was one; otherwise nothing."""
    found = list(found)
    certain = all(len(one) == 1 for one in found)
    return list(dict.fromkeys(one[0].id for one in found)) if certain else []


def _spellings(name: str) -> set[str]:
    """Return how a name may be written: its parts in any order, without what stands between them."""
    parts = name.replace(",", " ").split()
    orders = itertools.permutations(parts) if len(parts) <= MOST_PARTS else (parts, parts[::-1])
    return {_spelled(" ".join(order)) for order in orders}


def _spelled(name: str) -> str:
    """Return the letters of a name, without accents and case."""
    plain = unicodedata.normalize("NFD", name.casefold())
    return NO_LETTERS.sub("", "".join(sign for sign in plain if not unicodedata.combining(sign)))

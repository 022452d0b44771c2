"""What lies before a marker: the answers of each question in order, their marks, and which comes next."""

from __future__ import annotations

import statistics
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from graders.marking.chosen import to_be_marked
from graders.marking.given import remembered
from graders.marking.sheets import in_order, key_of
from graders.policy import Grades
from graders.questions import Question
from graders.results.gradebook.answers import Answer, version_of
from graders.results.gradebook.book import Gradebook
from graders.results.gradebook.rows import Key, Marked, Marks, of_marker


class NotThere(Exception):
    """The desk has no such answer, or no longer."""


@dataclass(frozen=True)
class Place:
    """An answer on the desk: its question, and what sheets call it."""

    question: str
    key: str

    @property
    def path(self) -> str:
        """Where its page is."""
        return f"/mark/{self.question}/{self.key}"


@dataclass(frozen=True)
class Agreement:
    """How far markers agree: answers that several marked, how many of these got the same points, and how far apart."""

    both: int
    same: int
    apart: float


@dataclass(frozen=True)
class Pile:
    """The answers to one question, in an order that says nothing of whose they are.

    Attributes:
        question: the question.
        answers: its answers, with the marks of now.
        done: for each, whether it counts as marked.
        theirs: for each, whether others have marked it and this marker has not; nobody's, for who marks independently.
        mine: how many this marker has marked.
        agreement: of markers, as far as this marker may know.
    """

    question: Question
    answers: list[Answer]
    done: list[bool]
    theirs: list[bool]
    mine: int
    agreement: Agreement

    def place(self, index: int) -> Place:
        """Return the place of an answer."""
        return Place(self.question.id, key_of(self.answers[index]))

    @property
    def marked(self) -> int:
        """How many answers count as marked."""
        return sum(self.done)

    @property
    def left(self) -> Iterator[int]:
        """The indices of the answers that are not marked yet."""
        return (index for index, done in enumerate(self.done) if not done)


@dataclass(frozen=True)
class _Seen:
    """An answer whose marks are those that the marker may see: the marker's own, and others'."""

    mine: Marked | None
    others: tuple[Marked, ...]

    @property
    def apart(self) -> float:
        """How far apart the points of its markers are."""
        return _spread([*([self.mine] if self.mine else []), *self.others])


@dataclass(frozen=True)
class Line(_Seen):
    """An answer in the list of those to its question."""

    place: Place
    answer: Answer
    done: bool


@dataclass(frozen=True)
class Sight(_Seen):
    """One answer, as its marker sees it.

    Attributes:
        pile: those of its question.
        index: which one it is, from 0.
        version: a hash of the marks that a new one depends on, to be given back with it.
        previous, following, unmarked: the answers before and after it, and the next that is not marked.
        comments: those that were given before, the most frequent first.
    """

    pile: Pile
    index: int
    version: str
    previous: Place | None
    following: Place | None
    unmarked: Place | None
    comments: list[str]

    @property
    def answer(self) -> Answer:
        """The answer itself."""
        return self.pile.answers[self.index]

    @property
    def place(self) -> Place:
        """Its place."""
        return self.pile.place(self.index)


@dataclass(frozen=True)
class LastMark:
    """The mark that this marker gave last, for an answer on the desk.

    Attributes:
        place: where the answer is.
        number: which of its question's it is, from 1.
        key: what its marks are kept for.
        mark: the mark.
    """

    place: Place
    number: int
    key: Key
    mark: Marked

    @property
    def version(self) -> str:
        """A hash of the mark and of what it is for, to be given back by who takes it back."""
        return f"{self.place.key}-{version_of([self.mark])}"


class Desk:
    """The desk of one marker. Results are read again when there are new ones; marks, each time.

    Args:
        book: the gradebook, open.
        questions: those to mark.
        policy: the course's, which says which attempts count.
        marker: who marks.
        independently: answers that others have marked are to be marked too, without seeing their marks before.
        every_attempt: also those that do not count.
    """

    def __init__(
        self,
        book: Gradebook,
        questions: Sequence[Question],
        policy: Grades,
        marker: str,
        *,
        independently: bool = False,
        every_attempt: bool = False,
    ) -> None:
        self.book = book
        self.questions = {question.id: question for question in questions}
        self.marker = marker
        self._policy = policy
        self.independently = independently
        self._every_attempt = every_attempt
        self._read = -1
        self._answers: dict[str, list[Answer]] = {}
        self._keys: dict[str, list[Key]] = {}
        self._reading = threading.Lock()

    def piles(self) -> list[Pile]:
        """Return what there is to mark, question by question; those without answers are left out."""
        self._refresh()
        marks = self.book.marks_now()
        return [self._pile(question, marks) for question in self.questions.values() if self._answers.get(question.id)]

    def look(self, question: str, key: str) -> Sight:
        """Return one answer, with what its marker may see.

        Raises:
            NotThere: there is none.
        """
        piles = self.piles()
        pile = _pile_of(question, piles)
        keys = [key_of(answer) for answer in pile.answers]
        if key not in keys:
            raise NotThere
        index = keys.index(key)
        marks = pile.answers[index].marks
        told = [one for answer in pile.answers for one in answer.marks if self._may_quote(one)]
        return Sight(
            *self._mine_and_others(marks),
            pile,
            index,
            version_of(one for one in marks if self._may_quote(one)),
            pile.place(index - 1) if index else None,
            pile.place(index + 1) if index + 1 < len(keys) else None,
            next_unmarked(piles, pile, index),
            remembered(told, pile.question),
        )

    def lines(self, question: str) -> tuple[Pile, list[Line]]:
        """Return all answers to a question.

        Raises:
            NotThere: there are none.
        """
        pile = _pile_of(question, self.piles())
        return pile, [
            Line(*self._mine_and_others(answer.marks), pile.place(index), answer, done)
            for index, (answer, done) in enumerate(zip(pile.answers, pile.done, strict=True))
        ]

    def give(self, sight: Sight, mark: Marked, seen: str) -> None:
        """Keep a mark for an answer; raises `ChangedMeanwhile` if it has other marks than those that were seen."""
        self.book.mark_as_seen(sight.answer, mark, seen, blind=self.independently)

    def last(self) -> LastMark | None:
        """Return the mark that this marker gave last, if its answer is on the desk."""
        found = self.book.last_mark(self.marker)
        if found is None:
            return None
        key, mark = found
        for number, answer in enumerate(self._answers.get(mark.question, ()), start=1):
            if answer.key == key:
                return LastMark(Place(mark.question, key_of(answer)), number, key, mark)
        return None

    def take_back(self, version: str) -> Place | None:
        """Take back the mark that this marker gave last, and return its place; None if that is another one by now."""
        self._refresh()
        last = self.last()
        if last is None or last.version != version:
            return None
        self.book.take_back(self.marker, last.key, last.mark)
        return last.place

    def _refresh(self) -> None:
        with self._reading:
            newest = self.book.newest_result()
            if newest == self._read:
                return
            found, _ = to_be_marked(
                self.book, list(self.questions.values()), self._policy, every_attempt=self._every_attempt
            )
            bare = [replace(one, marks=()) for one in found]
            self._answers = {
                question: in_order([one for one in bare if one.question == question]) for question in self.questions
            }
            self._keys = {question: [one.key for one in answers] for question, answers in self._answers.items()}
            self._read = newest

    def _pile(self, question: Question, marks: Marks) -> Pile:
        held = zip(self._answers[question.id], self._keys[question.id], strict=True)
        answers = [replace(one, marks=marks[key]) if key in marks else one for one, key in held]
        mine = [of_marker(self.marker, one.marks) is not None for one in answers]
        done = mine if self.independently else [bool(one.marks) for one in answers]
        theirs = [marked and not own for marked, own in zip(done, mine, strict=True)]
        return Pile(question, answers, done, theirs, sum(mine), self._agreement(answers))

    def _agreement(self, answers: Sequence[Answer]) -> Agreement:
        spreads = [_spread(one.marks) for one in answers if len(one.marks) > 1 and self._may_see(one.marks)]
        return Agreement(len(spreads), spreads.count(0), statistics.fmean(spreads) if spreads else 0.0)

    def _mine_and_others(self, marks: Sequence[Marked]) -> tuple[Marked | None, tuple[Marked, ...]]:
        mine = of_marker(self.marker, marks)
        others = tuple(one for one in marks if one.marker != self.marker)
        return mine, others if self._may_see(marks) else ()

    def _may_see(self, marks: Sequence[Marked]) -> bool:
        return not self.independently or of_marker(self.marker, marks) is not None

    def _may_quote(self, mark: Marked) -> bool:
        return not self.independently or mark.marker == self.marker


def _pile_of(question: str, piles: Sequence[Pile]) -> Pile:
    for pile in piles:
        if pile.question.id == question:
            return pile
    raise NotThere


def _spread(marks: Sequence[Marked]) -> float:
    """Return how far apart the points of several markers are; 0 where there are none."""
    points = [one.points for one in marks] or [0.0]
    return round(max(points) - min(points), 6)


def next_unmarked(piles: Sequence[Pile], pile: Pile | None = None, index: int = -1) -> Place | None:
    """Return the next answer that is not marked: of this question, or else of another one."""
    for one in [*([pile] if pile else []), *(other for other in piles if other is not pile)]:
        found = _next_in(one, index if one is pile else -1)
        if found is not None:
            return one.place(found)
    return None


def _next_in(pile: Pile, index: int) -> int | None:
    """Return which answer of a pile comes after another one: the next one, or else the first.

    Where others are at work on the same pile, whoever comes to it, or to where they have been, goes to the middle of
    the longest row of answers that nobody has marked, so that two seldom have the same answer before them.
    """
    left = [one for one in pile.left if one != index]
    if not left:
        return None
    following = next((one for one in left if one > index), left[0])
    goes_on = index >= 0 and following == index + 1 and not pile.theirs[index]
    if goes_on or not any(pile.theirs):
        return following
    rows: list[list[int]] = []
    for one in left:
        if rows and rows[-1][-1] == one - 1:
            rows[-1].append(one)
        else:
            rows.append([one])
    longest = max(rows, key=len)
    return longest[len(longest) // 2]

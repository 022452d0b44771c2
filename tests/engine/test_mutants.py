"""Mutants: what is made of a source, and what is not."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import libcst as cst

from graders.audit.mutants import Mutant, mutants_in
from graders.course import Step

STEP = Step(1, "step01_counting")
SOURCE = '''"""Sums."""

from __future__ import annotations

LIMIT = 10


class Counter:
    @property
    def half(self: Counter) -> "int":
        return self.count // 2

    def of(self, items: list[int]) -> int:
        if not items:
            raise ValueError(f"{len(items)} items; expected {LIMIT + 1}")
        return sum(
            [
                item
                for item in items
                if item > LIMIT
            ]
        )


def many(items: list[int]) -> bool:
    return len(items) > 5
'''


def one_more(node: cst.Integer) -> Iterator[cst.BaseExpression]:
    yield cst.Integer(str(node.evaluated_value + 1))


def other_way(node: cst.GreaterThan) -> Iterator[cst.CSTNode]:
    yield cst.LessThan()


def in_brackets(node: cst.Integer) -> Iterator[cst.CSTNode]:
    yield node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def without_argument(node: cst.Call) -> Iterator[cst.CSTNode]:
    yield node.with_changes(args=[])


def no_python(node: cst.Integer) -> Iterator[cst.CSTNode]:
    yield cst.Name("return")


def again(node: cst.Call) -> Iterator[cst.CSTNode]:
    if isinstance(node.args[0].value, cst.ListComp):
        yield node.with_changes(func=cst.Name("max"))


def changes(made: list[Mutant]) -> list[tuple[str, str, int, str]]:
    new = [[line for line in one.diff.splitlines()[3:] if line[0] == "+"] for one in made]
    return [(one.operator, one.place, one.line, lines[0][1:].strip()) for one, lines in zip(made, new, strict=True)]


def test_each_operator_changes_each_node_that_it_is_about() -> None:
    made = mutants_in(SOURCE, STEP, [(cst.Integer, one_more), (cst.GreaterThan, other_way)])
    assert changes(made) == [
        ("one more", "", 5, "LIMIT = 11"),
        ("one more", "Counter.half", 11, "return self.count // 3"),
        ("other way", "Counter.of", 20, "if item < LIMIT"),
        ("other way", "many", 26, "return len(items) < 5"),
        ("one more", "many", 26, "return len(items) > 6"),
    ]
    assert all(ast.parse(one.source) for one in made)


def test_messages_annotations_and_imports_are_left_alone_and_len_keeps_its_argument() -> None:
    made = mutants_in(SOURCE, STEP, [(cst.Call, without_argument), (cst.Name, lambda _: [cst.Name("other")])])
    text = "".join(line for one in made for line in one.diff.splitlines()[3:] if line[0] == "+")
    assert {one.place for one in made} == {"", "Counter", "Counter.half", "Counter.of", "many"}
    assert "len()" not in text
    assert "expected" not in text
    assert "list[other]" not in text
    assert "from other" not in text


def test_what_is_the_same_bytecode_or_no_python_is_no_mutant() -> None:
    operators = [(cst.Integer, in_brackets), (cst.Integer, no_python)]
    assert mutants_in(SOURCE, STEP, operators) == []
    twice = mutants_in(SOURCE, STEP, [(cst.Integer, one_more), (cst.Integer, one_more)])
    assert len(twice) == 3


def test_what_students_are_given_has_no_mutants() -> None:
    given = "LIMIT = 10  # given\n\n\ndef many(items: list[int]) -> bool:\n    raise NotImplementedError\n"
    made = mutants_in(SOURCE, STEP, [(cst.Integer, one_more)], given)
    assert [one.place for one in made] == ["Counter.half", "many"]


def test_what_goes_over_several_lines_keeps_its_indentation() -> None:
    (made,) = mutants_in(SOURCE, STEP, [(cst.Call, again)])
    changed = [line for line in made.diff.splitlines()[3:] if line[0] in "+-"]
    assert changed == ["-        return sum(", "+        return max("]


def test_a_mutant_keeps_its_key_while_other_parts_change() -> None:
    operators = [(cst.Integer, one_more)]
    before = mutants_in(SOURCE, STEP, operators)
    after = mutants_in(SOURCE.replace("LIMIT = 10", "# A limit.\n\nLIMIT = 12"), STEP, operators)
    assert len({one.key for one in before}) == len(before)
    assert [one.key for one in before[1:]] == [one.key for one in after[1:]]
    assert before[0].key != after[0].key


def test_equal_changes_in_one_place_have_keys_of_their_own() -> None:
    made = mutants_in("def f(x):\n    return [x + 1, x - 1]\n", STEP, [(cst.Integer, one_more)])
    assert len({one.key for one in made}) == 2

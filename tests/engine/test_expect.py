"""How checks compare: each one passes, fails, meets a wrong type, and says what was asked and came."""

import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import graders.checks  # noqa: F401 - PyTorch is registered there
from graders.authoring.describe import AsItIs, describe, describe_call
from graders.authoring.expect import (
    DTYPE_NAMES,
    Recognised,
    as_array,
    expect_array,
    expect_as_before,
    expect_dtype,
    expect_equal,
    expect_error,
    expect_length,
    expect_number,
    expect_shape,
    expect_text,
    plain,
)
from graders.outcomes import HarnessFault, NotImplementedYet, SubmissionError, TimedOut, WrongType
from graders.sandbox.failures import from_report

STEADY = settings(deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])

CALL = "step01.f(5)"


def message(kind: type[Exception], compare: Callable[..., object], *args: Any) -> str:
    with pytest.raises(kind) as caught:
        compare(*args)
    assert str(caught.value).startswith(CALL)
    return str(caught.value)


not_arrays = pytest.mark.parametrize(
    "value", [None, 5, 1.5, "a", [1, 2], (1,), {}, True, object()], ids=lambda value: type(value).__name__
)
makers = pytest.mark.parametrize("make", [np.array, torch.tensor])


# Arrays


@makers
def test_arrays_and_tensors_are_arrays(make: Callable[[Any], Any]) -> None:
    assert as_array(make([1.0, 2.0]), CALL).tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2)),
        torch.ones(2, dtype=torch.complex64).conj(),
    ],
)
def test_tensors_of_every_make_are_arrays(tensor: torch.Tensor) -> None:
    assert np.array_equal(as_array(tensor, CALL), [1, 1])


@pytest.mark.parametrize("tensor", [torch.ones(2, dtype=torch.bfloat16), torch.eye(2).to_sparse()])
def test_tensors_that_are_no_arrays_are_of_the_wrong_type(tensor: torch.Tensor) -> None:
    assert "returned tensor" in message(WrongType, as_array, tensor, CALL)


@not_arrays
@pytest.mark.parametrize(
    "compare",
    [
        lambda value: as_array(value, CALL),
        lambda value: expect_shape(value, (2,), CALL),
        lambda value: expect_dtype(value, "f", CALL),
        lambda value: expect_array(value, [1, 2], CALL),
    ],
)
def test_what_is_no_array_is_of_the_wrong_type(compare: Callable[[Any], object], value: object) -> None:
    assert message(WrongType, compare, value).endswith("expected an array.")


@makers
def test_shapes(make: Callable[[Any], Any]) -> None:
    assert expect_shape(make([[1, 2, 3]]), (1, 3), CALL).tolist() == [[1, 2, 3]]
    assert (
        message(AssertionError, expect_shape, make([1, 2]), (3,), CALL) == f"{CALL} returned shape (2,); expected (3,)."
    )


def test_swapped_axes_are_named() -> None:
    assert message(AssertionError, expect_shape, np.zeros((3, 4)), [4, 3], CALL).endswith(
        "returned shape (3, 4); expected (4, 3). The axes are swapped: transpose the array."
    )
    assert "transpose" not in message(AssertionError, expect_shape, np.zeros((3, 4, 5)), (5, 4, 3), CALL)


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("float32", "f"), ("float64", "f"), ("int8", "i"), ("uint8", "i"), ("int64", "i"), ("bool", "b")],
)
def test_kinds_of_dtype(dtype: str, kind: str) -> None:
    expect_dtype(np.zeros(2, dtype), kind, CALL)
    for other in set("fib") - {kind}:
        text = message(AssertionError, expect_dtype, np.zeros(2, dtype), other, CALL)
        assert f"has dtype {dtype}; expected {DTYPE_NAMES[other]}." in text


# Values


@STEADY
@given(npst.arrays(np.float64, npst.array_shapes(min_dims=0, min_side=0), elements=st.floats(-1e6, 1e6)))
def test_equal_arrays_pass_in_every_make(array: np.ndarray) -> None:
    for value in (array, array.copy(order="F"), torch.from_numpy(array.copy())):
        assert np.array_equal(expect_array(value, array, CALL), array)


def test_the_first_wrong_place_is_named() -> None:
    assert message(AssertionError, expect_array, np.array([[1, 2], [3, 5.5]]), [[1, 2], [3, 4]], CALL) == (
        f"{CALL} is wrong at 1 of 4 places, first at index (1, 1): got 5.5; expected 4."
    )


def test_the_tolerance_is_relative_to_the_largest_magnitude() -> None:
    expect_array(np.array([1000.0, 0.009]), [1000.0, 0.0], CALL)
    message(AssertionError, expect_array, np.array([1.0, 0.009]), [1.0, 0.0], CALL)
    expect_array(np.array([0.1]), [0.2], CALL, 0.2)


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble"])
def test_not_a_number_and_infinity_never_pass(wrong: float, dtype: str) -> None:
    assert "got " in message(AssertionError, expect_array, np.array([1, wrong], dtype), [1.0, 2.0], CALL)
    message(AssertionError, expect_array, np.array(math.nan), math.nan, CALL)


def test_an_infinity_that_is_expected_forgives_nothing_else() -> None:
    expect_array(np.array([math.inf, 1.0]), [math.inf, 1.0], CALL)
    message(AssertionError, expect_array, np.array([math.inf, 2.0]), [math.inf, 1.0], CALL)
    message(AssertionError, expect_array, np.array([-math.inf, 1.0]), [math.inf, 1.0], CALL)


def test_truth_values_compare() -> None:
    expect_array(np.array([True, False]), [True, False], CALL)
    message(AssertionError, expect_array, np.array([True, True]), [True, False], CALL)


@pytest.mark.parametrize(
    "value", [np.array(["a", "b"]), np.array([None, 1]), np.array([1j, 2]), np.array([b"a", b"b"])]
)
def test_arrays_of_no_numbers_are_of_the_wrong_type(value: np.ndarray) -> None:
    assert message(WrongType, expect_array, value, [1, 2], CALL).endswith("expected numbers.")


def test_shape_comes_before_values() -> None:
    assert "transpose" in message(AssertionError, expect_array, np.zeros((3, 2)), np.zeros((2, 3)), CALL)
    expect_array(np.zeros((0, 3)), np.zeros((0, 3)), CALL)


# Numbers


@pytest.mark.parametrize(
    "value",
    [
        2,
        2.0,
        np.float32(2),
        np.int8(2),
        np.uint64(2),
        np.array(2.0),
        torch.tensor(2),
        torch.tensor(2.0, requires_grad=True),
    ],
    ids=repr,
)
def test_numbers_of_every_make_pass(value: object) -> None:
    expect_number(value, 2, CALL)
    assert message(AssertionError, expect_number, value, 3, CALL).endswith("expected 3.")


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, -math.inf, np.float32("nan"), torch.tensor(math.nan), 2**1024 - 1, -(2**1024)],
)
def test_numbers_beyond_all_bounds_never_pass(value: object) -> None:
    message(AssertionError, expect_number, value, 2.0, CALL)


@pytest.mark.parametrize(
    "value",
    [
        True,
        np.True_,
        torch.tensor(True),
        None,
        "2",
        np.str_("2"),
        [2],
        np.array([2.0]),
        torch.ones(1, 1),
        2j,
        np.complex64(2),
        np.array("2"),
        {},
    ],
    ids=repr,
)
def test_what_is_no_number_is_of_the_wrong_type(value: object) -> None:
    assert message(WrongType, expect_number, value, 2, CALL).endswith("expected a number.")


def test_numbers_have_a_relative_tolerance() -> None:
    expect_number(1e6 + 0.5, 1e6, CALL)
    message(AssertionError, expect_number, 0.1 + 1e-5, 0.1, CALL)
    expect_number(0.1 + 1e-5, 0.1, CALL, 1e-4)


# Plain data


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([1, 2], (1, 2)),
        (np.array([1, 2]), [1, 2]),
        (torch.tensor([[1], [2]]), [(1,), (2,)]),
        ([np.str_("α"), np.int64(1)], ["α", 1]),
        ({"a": np.array([1.5])}, {"a": [1.5]}),
        ({np.int64(1): (1, 2), (1, 2): None}, {1: [1, 2], (1, 2): None}),
        ([1, 2], np.array([1, 2])),
        (None, None),
        ("α", "α"),
    ],
)
def test_the_same_items_are_equal(value: object, expected: object) -> None:
    expect_equal(value, expected, CALL)


@pytest.mark.parametrize(
    ("value", "expected", "words"),
    [
        ([1, 2], [1, 3], "item 1 is 2; expected 3."),
        ([1, 2], (1, 2, 3), "has 2 items; expected 3."),
        (np.arange(9), np.arange(8), "has 9 items; expected 8."),
        ([1], [], "has 1 item; expected 0."),
        ([0, [1, 2, 3, 4]], [0, [1, 2, 3, 5]], "item 3 of item 1 is 4; expected 5."),
        ([{"α": [1, 2, 3, 4]}], [{"α": [1, 2, 3]}], "key 'α' of item 0 has 4 items; expected 3."),
        (["x" * 80 + "a"], ["x" * 80 + "b"], "item 0 is …'xxxxxxxxxxxxa'; expected …'xxxxxxxxxxxxb'."),
        ("x" * 90, "x" * 91, "returned …'xxxxxxxxxxxx'; expected …'xxxxxxxxxxxxx'."),
        ([1, [2, 3]], np.array([1, 2]), "item 1 is [2, 3]; expected 2."),
        ("a", "b", "returned 'a'; expected 'b'."),
        ("1", 1, "returned '1'; expected 1."),
        (None, [], "returned None; expected []."),
        ({"a": 1}, {"a": 2}, "key 'a' is 1; expected 2."),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, "key 'c' of key 'b' is 2; expected 3."),
        ({"a": 1}, {"b": 1}, "lacks the key 'b' and has the key 'a', which is not expected."),
        ({}, dict.fromkeys(range(9), 1), "lacks the key 0, 1, 2, 3 and 5 more."),
        ({"a": 1}, [1], "is {'a': 1}; expected [1]."),
        (math.nan, math.nan, "returned nan; expected nan."),
    ],
)
def test_what_differs_is_named(value: object, expected: object, words: str) -> None:
    assert message(AssertionError, expect_equal, value, expected, CALL).endswith(words)


def test_items_are_called_by_the_names_that_they_are_about() -> None:
    labels = message(AssertionError, lambda call: expect_equal([8, 1], [8, 5], call, names=["Rock", "Τζαζ"]), CALL)
    assert labels == f"{CALL}: item 1 (Τζαζ) is 1; expected 5."
    rows = message(AssertionError, lambda call: expect_array(np.zeros((2, 2)), np.eye(2), call, names=["α", "β"]), CALL)
    assert "first at index (0, 0) (α): got 0; expected 1." in rows


def test_numbers_that_differ_are_written_apart() -> None:
    words = message(AssertionError, lambda call: expect_array(np.array([1.0]), [1.00000001], call, 1e-12), CALL)
    assert "got 1; expected 1.00000001." in words


@pytest.mark.parametrize(
    ("compare", "value", "expected", "wrong"),
    [
        (expect_number, 3.0, 2.0, 3.0),
        (expect_array, np.array([1.0, 2.0]), [1.0, 3.0], np.array([1.0, 2.0])),
        (expect_equal, {"a": [1]}, {"a": [2]}, {"a": (1,)}),
    ],
)
def test_a_well_known_mistake_has_its_own_hint(compare: Any, value: Any, expected: Any, wrong: Any) -> None:
    for known, hint in ((wrong, "Διαίρεσε με το πλήθος."), (expected, "")):
        with pytest.raises(Recognised) as caught:
            compare(value, expected, CALL, mistakes=[(known, "Διαίρεσε με το πλήθος.")])
        assert caught.value.hint == hint
    compare(expected if compare is not expect_array else np.array(expected), expected, CALL, mistakes=[(wrong, "no")])


@pytest.mark.parametrize(
    "value", [object(), [object()], {"a": {1}}, b"a", np.array([1j]), lambda: 0, pathlib.Path("a")]
)
def test_what_is_not_plain_is_of_the_wrong_type(value: object) -> None:
    assert "expected plain data" in message(WrongType, expect_equal, value, 1, CALL)
    message(WrongType, plain, value, CALL)


# Lengths and texts


@pytest.mark.parametrize("value", [[1, 2], (1, 2), np.zeros((2, 5))])
def test_lengths(value: Any) -> None:
    assert expect_length(value, 2, CALL) is value
    assert message(AssertionError, expect_length, value, 3, CALL) == f"{CALL} has 2 items; expected 3."


@pytest.mark.parametrize("value", [None, "ab", {1: 2}, np.array(2), 5, iter([1, 2])])
def test_what_has_no_length_is_of_the_wrong_type(value: object) -> None:
    assert message(WrongType, expect_length, value, 2, CALL).endswith("expected a sequence of 2.")


def test_texts() -> None:
    assert expect_text("κείμενο", CALL) == "κείμενο"
    for value in (None, b"a", 5, ["a"]):
        assert message(WrongType, expect_text, value, CALL).endswith("expected text.")


# Errors


def reported(kind: type[Exception]) -> SubmissionError:
    bases = [base.__name__ for base in kind.__mro__]
    return from_report(CALL, {"bases": bases, "type": kind.__name__, "text": "it broke"})


def raising(error: BaseException | None, *kinds: type[Exception]) -> None:
    with expect_error(kinds if len(kinds) > 1 else kinds[0], CALL):
        if error:
            raise error


@pytest.mark.parametrize("kinds", [(ValueError,), (TypeError, ValueError), (Exception,)])
def test_the_error_that_is_expected_passes(kinds: tuple[type[Exception], ...]) -> None:
    raising(ValueError("bad"), *kinds)
    raising(UnicodeError("bad"), *kinds)
    raising(reported(ValueError), *kinds)


def test_no_error_fails() -> None:
    assert (
        message(AssertionError, raising, None, TypeError, ValueError)
        == f"{CALL} raised nothing; expected TypeError or ValueError."
    )


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("labels.txt, line 12: no tab", ""),
        ("LINE12 of labels.txt", ""),
        ("labels.txt, line 120", "12"),
        ("12", "labels.txt"),
        ("my_labels.txt, 12", "labels.txt"),
        ("", "12"),
    ],
)
def test_an_error_names_what_it_has_to(text: str, missing: str) -> None:
    def refusing(error: Exception) -> None:
        with expect_error(ValueError, CALL, naming={"12": "the line", "labels.txt": "the file"}):
            raise error

    told = from_report(CALL, {"bases": ["ValueError", "Exception"], "type": "ValueError", "text": text})
    for error in (ValueError(text), told):
        if missing:
            assert message(AssertionError, refusing, error).endswith(f": {missing}.")
        else:
            refusing(error)


@pytest.mark.parametrize("error", [KeyError("bad"), reported(KeyError), reported(ZeroDivisionError)], ids=repr)
def test_another_error_fails_and_is_named(error: Exception) -> None:
    text = message(AssertionError, raising, error, ValueError)

    assert "xpected ValueError." in text
    assert "KeyError" in text or "ZeroDivisionError" in text


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedError("todo"),
        reported(NotImplementedError),
        reported(MemoryError),
        TimedOut("late"),
        HarnessFault("ours"),
    ],
    ids=repr,
)
@pytest.mark.parametrize("kind", [ValueError, RuntimeError])
def test_what_is_no_answer_to_bad_input_goes_on(error: Exception, kind: type[Exception]) -> None:
    with pytest.raises(type(error)) as caught:
        raising(error, kind)
    assert caught.value is error


def test_an_unwritten_exercise_does_not_pass_as_a_runtime_error() -> None:
    with pytest.raises(NotImplementedYet):
        raising(reported(NotImplementedError), RuntimeError)


# Descriptions


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.zeros((2, 3), np.float32), "array float32 [2, 3]"),
        (torch.zeros(2, dtype=torch.int64), "tensor int64 [2]"),
        (pathlib.Path("/secret/folder/a.npy"), "'a.npy'"),
        ([1, "a", None], "[1, 'a', None]"),
        ((1, [2.5]), "(1, [2.5])"),
        ([1, 2, 3, 4], "list of 4 items"),
        ({"a": 1}, "{'a': 1}"),
        (dict.fromkeys(range(4)), "dict of 4 items"),
        (len, "len"),
        ("α\x1b[2J\u202e", r"'α\x1b[2J\u202e'"),
        ("a" * 100, "'" + "a" * 58 + "…"),
    ],
)
def test_descriptions(value: object, words: str) -> None:
    assert describe(value) == words


def test_calls_are_written_as_code() -> None:
    assert describe_call("step01.f", (1, [2]), {"mode": "a"}) == "step01.f(1, [2], mode='a')"
    assert describe_call("f", (AsItIs("40 items"),), {"by": AsItIs("RULES")}) == "f(40 items, by=RULES)"


# What is as before


STATE = np.array([[0.1, -0.2, 0.3], [0.4, 0.0, -0.1]])
OTHERS = np.array([[-0.3, 0.1, 0.2], [0.0, 0.5, 0.4]])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e9])
def test_rounding_is_as_before_whatever_the_magnitude(scale: float) -> None:
    expect_as_before(scale * (STATE + 1e-6), scale * STATE, scale * OTHERS, CALL)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e9])
def test_a_difference_is_one_whatever_the_magnitude(scale: float) -> None:
    assert "got" in message(
        AssertionError, lambda call: expect_as_before(scale * OTHERS, scale * STATE, scale * OTHERS, call), CALL
    )


@pytest.mark.parametrize(
    "huge", [1e6 * np.eye(2, 3), 1e6 * np.ones((2, 3)), np.array([1e6, 0.0, 0.0])], ids=["rows", "all", "column"]
)
def test_a_huge_term_hides_no_difference(huge: np.ndarray) -> None:
    changed = STATE + 0.01
    with pytest.raises(AssertionError, match=r"not as before|depend on the input"):
        expect_as_before(changed + huge, STATE + huge, OTHERS + huge, CALL)


def test_what_is_the_same_for_everything_is_not_as_before() -> None:
    with pytest.raises(AssertionError, match="depend on the input"):
        expect_as_before(STATE, STATE, STATE, CALL)


def test_what_is_no_number_is_not_as_before() -> None:
    with pytest.raises(AssertionError, match="is wrong at 6"):
        expect_as_before(np.full_like(STATE, np.nan), STATE, OTHERS, CALL)

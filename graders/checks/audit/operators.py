"""Faults of deep learning, as operators over a syntax tree: `graders audit` makes mutants of the reference with them.

Each takes a node of libcst and yields what a student might have written in its place.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst
import libcst.matchers as m

FORGOTTEN = {"zero_grad", "step", "backward", "train", "eval", "shuffle"}
MODES = {"train": "eval", "eval": "train"}
REDUCTIONS = {"mean": "sum", "sum": "mean", "max": "min", "min": "max", "median": "mean", "argmax": "argmin"}
ACTIVATIONS = {"ReLU": "Tanh", "Tanh": "ReLU", "Sigmoid": "Softmax", "Softmax": "LogSoftmax", "LogSoftmax": "Softmax"}
LAYERS = {"ReLU", "Dropout", "Dropout2d", "BatchNorm1d", "BatchNorm2d", "MaxPool2d", "Softmax"}
AXES = {"dim", "axis"}
SHAPING = {"cat", "flatten", "size", "squeeze", "stack", "transpose", "unsqueeze"}
REDUCING = {"argmax", "mean", "softmax", "sum"}
RATES = {"lr", "learning_rate", "weight_decay"}
SIZES = {"padding", "stride", "kernel_size", "dilation"}
OF_NO_GRADIENT = {"detach", "clone"}
ONE = cst.Integer("1")


def forgotten_call(node: cst.Expr) -> Iterator[cst.BaseSmallStatement]:
    """`optimizer.step()` is not there."""
    if _method(node.value) in FORGOTTEN:
        yield cst.Pass()


def mode_swapped(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """`model.eval()` stands where `model.train()` should."""
    if (name := _method(node)) in MODES and not node.args:
        yield node.with_deep_changes(cst.ensure_type(node.func, cst.Attribute).attr, value=MODES[name])


def dimension(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """The dimension before the right one is taken; mutmut takes the one after it."""
    positional = _method(node) in SHAPING | REDUCING
    for arg in node.args:
        is_axis = arg.keyword.value in AXES if arg.keyword else positional
        if is_axis and isinstance(arg.value, cst.Integer):
            yield node.with_deep_changes(arg, value=_one_less(arg.value))


def reduction(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """A sum is taken instead of a mean, a minimum instead of a maximum."""
    if (name := _method(node)) in REDUCTIONS:
        yield node.with_deep_changes(cst.ensure_type(node.func, cst.Attribute).attr, value=REDUCTIONS[name])


def activation(node: cst.Attribute) -> Iterator[cst.BaseExpression]:
    """Another activation."""
    if (name := node.attr.value) in ACTIVATIONS:
        yield node.with_changes(attr=cst.Name(ACTIVATIONS[name]))


def layer_left_out(node: cst.Attribute) -> Iterator[cst.BaseExpression]:
    """A layer does nothing."""
    if node.attr.value in LAYERS:
        yield node.with_changes(attr=cst.Name("Identity"))


def order_changed(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """What is to be shuffled keeps its order, and the reverse."""
    if (name := _method(node)) in {"permutation", "randperm"}:
        library = cst.Name("np" if name == "permutation" else "torch")
        yield node.with_changes(func=cst.Attribute(library, cst.Name("arange")), args=node.args[:1])
    for arg in node.args:
        if arg.keyword and arg.keyword.value == "shuffle" and not isinstance(arg.value, cst.Integer):
            yield node.with_deep_changes(arg, value=cst.UnaryOperation(cst.Not(), _in_brackets(arg.value)))


def labels_shifted(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """Each item has the label of the one before it."""
    for arg in node.args:
        if m.matches(arg.value, m.Name("targets")):
            rolled = cst.Call(cst.Attribute(arg.value, cst.Name("roll")), [cst.Arg(ONE), cst.Arg(cst.Integer("0"))])
            yield node.with_deep_changes(arg, value=rolled)


def gradient_kept(node: cst.Call) -> Iterator[cst.BaseExpression]:
    """A tensor is not detached, or is no copy."""
    if _method(node) in OF_NO_GRADIENT and not node.args:
        yield cst.ensure_type(node.func, cst.Attribute).value


def gradient_cut(node: cst.Return) -> Iterator[cst.BaseSmallStatement]:
    """A loss, which is the first of what is returned, has no gradient."""
    if node.value and m.matches(node.value, m.Tuple([m.Element(m.Call()), m.Element(m.Name())])):
        loss = cst.ensure_type(node.value, cst.Tuple).elements[0]
        cut = cst.Call(cst.Attribute(loss.value, cst.Name("detach")))
        yield node.with_deep_changes(loss, value=cut)


def rate(node: cst.Arg | cst.Param) -> Iterator[cst.CSTNode]:
    """The learning rate, or the weight decay, is ten times as large."""
    ten = cst.Integer("10")
    if isinstance(node, cst.Param) and node.name.value in RATES and node.default:
        yield node.with_changes(default=cst.BinaryOperation(_in_brackets(node.default), cst.Multiply(), ten))
    if isinstance(node, cst.Arg) and node.keyword and node.keyword.value in RATES:
        yield node.with_changes(value=cst.BinaryOperation(_in_brackets(node.value), cst.Multiply(), ten))


def bound_of_slice(node: cst.Slice) -> Iterator[cst.CSTNode]:
    """A slice begins one later, or ends one earlier."""
    if node.lower:
        yield node.with_changes(lower=cst.BinaryOperation(_in_brackets(node.lower), cst.Add(), ONE))
    if node.upper:
        yield node.with_changes(upper=cst.BinaryOperation(_in_brackets(node.upper), cst.Subtract(), ONE))


def size(node: cst.Arg) -> Iterator[cst.CSTNode]:
    """A padding, a stride or a kernel is one less; mutmut makes it one more."""
    if node.keyword and node.keyword.value in SIZES and isinstance(node.value, cst.Integer):
        yield node.with_changes(value=_one_less(node.value))


def _method(node: cst.BaseExpression) -> str:
    """Return the last part of the name that a call calls, `step` of `optimizer.step()`; nothing of any other node."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        return node.func.attr.value
    return ""


def _in_brackets(node: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(node, cst.Name | cst.BaseNumber | cst.Attribute | cst.Call | cst.Subscript):
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _one_less(node: cst.Integer) -> cst.BaseExpression:
    value = node.evaluated_value - 1
    return cst.Integer(str(value)) if value >= 0 else cst.UnaryOperation(cst.Minus(), cst.Integer(str(-value)))


OPERATORS = (
    (cst.Expr, forgotten_call),
    (cst.Call, mode_swapped),
    (cst.Call, dimension),
    (cst.Call, reduction),
    (cst.Attribute, activation),
    (cst.Attribute, layer_left_out),
    (cst.Call, order_changed),
    (cst.Call, labels_shifted),
    (cst.Call, gradient_kept),
    (cst.Return, gradient_cut),
    (cst.Arg, rate),
    (cst.Param, rate),
    (cst.Slice, bound_of_slice),
    (cst.Arg, size),
)

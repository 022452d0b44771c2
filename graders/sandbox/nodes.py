"""The nodes of a frame's tree, as it is read: of the right types, and otherwise unchecked."""

from __future__ import annotations

from typing import Annotated

import msgspec

DEPTH = 32
Shape = Annotated[list[int], msgspec.Meta(max_length=DEPTH)]


class Node(msgspec.Struct, array_like=True, forbid_unknown_fields=True, gc=False):
    """A node `[tag, ...]` of the tree."""


class List(Node, tag="list"):
    items: list[Tree]


class Tuple(Node, tag="tuple"):
    items: list[Tree]


class Dict(Node, tag="dict"):
    pairs: list[tuple[Tree, Tree]]


class Int(Node, tag="int"):
    digits: str


class Bytes(Node, tag="bytes"):
    data: bytes


class Text(Node, tag="text"):
    data: bytes


class Path(Node, tag="path"):
    text: str | Text


class Array(Node, tag="array"):
    dtype: str
    shape: Shape
    layout: str


class Scalar(Node, tag="scalar"):
    dtype: str
    shape: Shape
    layout: str


class Tensor(Node, tag="tensor"):
    library: str
    dtype: str
    shape: Shape
    layout: str


class Handle(Node, tag="handle"):
    number: int
    kind: str


class Library(Node, tag="library"):
    name: str


Tree = (
    bool | int | float | str | List | Tuple | Dict | Int | Bytes | Text | Path | Array | Scalar | Tensor
    | Handle | Library | None
)  # fmt: skip

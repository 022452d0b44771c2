"""`docs/authoring.md`: its recipes work as they are written, each on a copy of the project of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from graders import course
from tests.courses.checkout import Checkout
from tests.courses.recipes import NoRecipe, places, prints, read_recipes
from tests.support import ROOT

DOCUMENT = (ROOT / "docs" / "authoring.md").read_text(encoding="utf-8")
RECIPES = read_recipes(DOCUMENT)
KEY = re.compile(r"^\| `([a-z_.]+)` \|", re.MULTILINE)


# --- the document


@pytest.mark.parametrize("title", [one.title for one in RECIPES])
def test_a_recipe_works_as_it_is_written(title: str, tmp_path: Path) -> None:
    checkout = Checkout.copy_to(tmp_path / "project")
    srv = tmp_path / "srv"
    srv.mkdir()
    for name in ("music", "held-out"):  # the synthetic data stand in for the real ones
        (srv / name).symlink_to(ROOT / "fixtures" / "data")
    recipe = next(one for one in read_recipes(places(DOCUMENT, srv)) if one.title == title)
    recipe.follow(checkout)


def test_the_recipes_are_numbered() -> None:
    assert [one.number for one in RECIPES] == list(range(1, len(RECIPES) + 1))


def keys_of(struct: type[msgspec.Struct], prefix: str = "") -> Iterator[str]:
    """Yield what `course.toml` may hold: `points`, `sandbox.kit`, `dropped.check`."""
    for field in msgspec.structs.fields(struct):
        kinds = [field.type, *getattr(field.type, "__args__", ())]
        tables = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
        if tables:
            yield from keys_of(tables[0], f"{field.name}.")
        else:
            yield prefix + field.name


def test_the_table_has_every_key_of_a_course() -> None:
    listed = KEY.findall(DOCUMENT.partition("## All keys of course.toml")[2])
    keys = set(keys_of(course._File))
    assert (keys - set(listed), set(listed) - keys) == (set(), set())
    assert len(listed) == len(keys)


# --- commands run on the copy


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout.copy_to(tmp_path_factory.mktemp("project"))


@pytest.mark.parametrize("program", [["python", "-c"], ["python", "tell.py"], ["pytest", "-q", "-s", "tell.py"]])
def test_commands_use_the_packages_of_the_copy(program: list[str], copy: Checkout) -> None:
    tell = (
        "import graders.cli, graders.student, lab, solutions, fixtures\n"
        "print(*(module.__file__ for module in (graders, lab, solutions, fixtures)), sep='\\n')\n"
    )
    copy.path("tell.py").write_text(tell, encoding="utf-8")
    done = copy.run([*program, tell] if program[-1] == "-c" else program)
    for package in ("graders", "lab", "solutions", "fixtures"):
        assert f"{copy.folder / package / '__init__.py'}\n" in done.output


@pytest.mark.parametrize("program", ["graders", "lab"])
def test_programs_use_the_packages_of_the_copy(program: str, tmp_path: Path) -> None:
    copy = Checkout.copy_to(tmp_path / "project")
    place = "cli" if program == "graders" else "student"
    with copy.path(f"graders/{place}.py").open("a", encoding="utf-8") as file:
        file.write("\nprint(__file__)\n")
    done = copy.run([program, "--help"])
    assert done.code == 0
    assert done.output.startswith(f"{copy.folder}/graders/{place}.py\nUsage: {program} ")


def test_no_file_outside_of_the_copy_is_changed(copy: Checkout) -> None:
    with pytest.raises(AssertionError):
        copy.path("fixtures/data/manifest.json")
    with pytest.raises(AssertionError):
        copy.path("../elsewhere.py")


# --- what does not work is noticed


def follow(text: str, copy: Checkout) -> None:
    for recipe in read_recipes(f"# Title\n\n## 1. A recipe\n\n{text}"):
        recipe.follow(copy)


RIGHT = """Write `{name}.py`:

```python
number = 1
```

In `{name}.py`, replace:

```python
= 1
```

with:

```python
= 2
```

Add to the end of `{name}.py`:

```python
print("The", "number  is", number)
print("and ends with 3")
raise SystemExit(3)
```

It is so: `python {name}.py` exits with 3.

```console
$ python {name}.py
The number is 2
...
$ python -c "print('a\\n\\nb\\nc')"
a
...
c
```
"""
WRONG = {
    "another line": ("The number is 2", "The number is 3"),
    "a line too few": ("a\n...\nc", "a\nc"),
    "a line too many": ("c\n```", "c\nd\n```"),
    "another exit code": ("exits with 3", "exits with 4"),
    "no exit code": ("exits with 3", "ends"),
    "text that is not there": ("= 1\n```\n\nwith", "= 4\n```\n\nwith"),
    "text that is there twice": ("= 1\n```\n\nwith", "n\n```\n\nwith"),
    "a file that is there already": ("Write `{name}.py`", "Write `README.md`"),
}


def test_a_recipe_that_works_passes(copy: Checkout) -> None:
    follow(RIGHT.format(name="right"), copy)
    assert copy.path("right.py").read_text(encoding="utf-8").startswith('number = 2\n\n\nprint("The"')


@pytest.mark.parametrize("name", WRONG)
def test_a_recipe_that_does_not_work_fails(name: str, copy: Checkout) -> None:
    old, new = WRONG[name]
    assert RIGHT.count(old) == 1
    with pytest.raises(AssertionError):
        follow(RIGHT.replace(old, new).format(name=f"wrong_{sorted(WRONG).index(name)}"), copy)


NO_RECIPES = {
    "no command": ("Write `a.py`:\n\n```python\n```\n", "no command shows"),
    "a block for nothing": ("See:\n\n```python\n```\n", "nothing says what to do"),
    "nothing in its stead": ("In `a.py`, replace:\n\n```\na\n```\n\n```console\n$ lab\n```\n", "comes"),
    "something in nothing's stead": ("with:\n\n```python\n```\n", "only there"),
    "a block without an end": ("```console\n$ lab\n", "no end"),
    "no prompt": ("```console\nlab check\n```\n", "does not begin"),
    "an exit code of no command": ("`lab` exits with 1:\n\n```console\n$ lab check\n```\n", "no command like it"),
}


@pytest.mark.parametrize("name", NO_RECIPES)
def test_what_cannot_be_followed_is_refused(name: str) -> None:
    text, says = NO_RECIPES[name]
    with pytest.raises(NoRecipe, match=says):
        read_recipes(f"## 1. A recipe\n\n{text}")


def test_white_space_and_what_is_left_out_do_not_matter() -> None:
    output = "\n one   2 s\n\ntwo\nthree\n"
    assert prints(output, ("one ... s", "two", "three"))
    assert prints(output, ("...", "three"))
    assert prints(output, ("one 2 s", "...", "three", "..."))
    assert not prints(output, ("one 2 s", "three"))
    assert not prints(output, ("...", "two"))
    assert not prints(output, ("one ...", "two three"))
    assert not prints(output, ())
    assert prints("\n", ())

"""Names that mean nothing, or something else than was meant: modules, functions, parameters, attributes."""

from __future__ import annotations

import re

from graders.judging.hints.situation import Situation
from graders.text import quoted

NAME_CHARACTERS = 60


def _group(found: re.Match[str], name: str) -> str:
    return quoted(found[name], NAME_CHARACTERS)


def missing_module(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about a module that is not there: a file of the submission, of the harness, or a library."""
    top, _, rest = _group(found, "name").partition(".")
    package = situation.package
    if top == package and rest:
        file = f"{rest.replace('.', '/')}.py"
        return f"There is no {file} in {package}: hand in that file too, inside {package}, or mend its name."
    if top in situation.modules:
        return f"{top}.py is in {package}, beside this module: write the import with a dot, `from .{top} import …`."
    if top in situation.no_part:
        return f"{top} is not there where it is graded, and no part of a submission: take the import out."
    own = (
        f"If {top} is a file of your own, it belongs in {package}, and its import needs a dot: `from .{top} import …`."
    )
    if situation.at_home:
        return (
            f"{top} is not installed here. If it is one of the course's libraries, install the course again; any other "
            f"is not installed where it is graded either: leave it out. {own}"
        )
    return (
        f"{top} is not installed where it is graded, even if it is on your computer: leave it out, or import it inside "
        f"a function that no check calls. {own}"
    )


def missing_in_module(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about a name that a module does not have."""
    name, module = _group(found, "name"), _group(found, "module")
    if module == situation.package or module.startswith(f"{situation.package}."):
        return f"{module} defines no {name}: keep the names of the skeleton, and spell them alike in both modules."
    return f"The {_version(module, situation)} has no {name}: see its documentation."


def not_in_library(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about an attribute that a module or class does not have."""
    name, owner = _group(found, "name"), _group(found, "owner")
    if owner.startswith(f"{situation.package}."):
        return f"{owner} defines no {name}: keep the names of the skeleton, and spell them alike in both modules."
    return f"The {_version(owner, situation)} has no {name}: see its documentation."


def _version(library: str, situation: Situation) -> str:
    top = library.partition(".")[0]
    return f"{top} that is installed here" if situation.at_home else f"{top} that is installed where it is graded"


def arguments(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about arguments that do not fit: those of a check, or of the submission's own call."""
    function = _group(found, "function")
    asked = asked_of(situation)
    name = function.rpartition(".")[2]
    called_by_check = not (situation.raised and situation.raised.lines)
    if called_by_check and asked and asked in function.split("."):
        return (
            f"The check calls {asked} as the skeleton declares it: keep the parameters, with their names, order and "
            "defaults."
        )
    if name.startswith("__") or "positional argument but" in found.string or "positional arguments but" in found.string:
        return f"The call gives {name} other arguments than its `def` takes; the first parameter of a method is self."
    return (
        f"The call gives {name} other arguments than it takes: compare with its `def`, or with the library's "
        "documentation."
    )


def asked_of(situation: Situation) -> str:
    """Return the last name of what was called: `f` for `MODULE.f(1)`."""
    return situation.call.partition("(")[0].rpartition(".")[2]


def stranger_of(name: str, situation: Situation) -> str:
    """Say that a name of the contract is not the submission's own function, if the check used it and it is not."""
    full = next((full for full in situation.strangers if full.rpartition(".")[2] == name), "")
    return stranger_hint(full, situation.strangers[full]) if full else ""


def stranger_hint(name: str, owner: str) -> str:
    """Say that a name of a step module is that of a library's function."""
    module, _, short = name.rpartition(".")
    public = quoted(owner, NAME_CHARACTERS).partition("._")[0]
    return (
        f"{short} in {module} is the one of {public}: an import gives it that name. "
        f"Write your own, and import the other under another name."
    )


def not_callable(found: re.Match[str], situation: Situation) -> str:
    """Say what to do about a value that is called: most often a variable that has taken a function's name."""
    kind = _group(found, "kind")
    taken = [name for name, value in situation.values.items() if value == kind]
    if taken:
        module, _, short = taken[-1].rpartition(".")
        return (
            f"{short} in {module} is no function but a value of type {kind}: a line of the module gives it that name, "
            "after or in place of the function. Give the value another name."
        )
    return (
        f"What is called there is no function but a value of type {kind}: give variables other names than functions, "
        "and see that no operator is missing before the bracket."
    )

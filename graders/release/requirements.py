"""What has to be installed for a kit: the libraries that its files import, in the versions that grade."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import Requirement

from graders.course import ENGINE
from graders.outcomes import HarnessFault
from graders.results.imports import statements


@dataclass(frozen=True)
class Requirements:
    """What a kit installs.

    Attributes:
        version: the harness's.
        python: the versions of Python that it runs with.
        direct: the libraries, as `pip` reads them.
        extras: the libraries of each extra, the same way.
        pins: these and all that they need, in the versions that are installed here.
    """

    version: str
    python: str
    direct: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    pins: tuple[str, ...]


def requirements_of(sources: Iterable[bytes], further: Iterable[str] = (), extras: Iterable[str] = ()) -> Requirements:
    """Return what source files need.

    Args:
        sources: Python modules.
        further: more names of modules that students may import, or of libraries.
        extras: names of the harness's extras that students may install too.

    Raises:
        HarnessFault: the harness runs without being installed.
    """
    providers = metadata.packages_distributions()
    if ENGINE not in providers:
        raise HarnessFault(
            "the harness is not installed: pip install -e . in its checkout, so that its version is known."
        )
    harness = metadata.distribution(providers[ENGINE][0])
    imported = {name for source in sources for name in _imported(source)} | {name.partition(".")[0] for name in further}
    optional = {
        extra: {_normal(one.name): one for one in map(Requirement, harness.requires or []) if _is_of(one, extra)}
        for extra in extras
    }
    stated = {_normal(one.name): one for one in map(Requirement, harness.requires or []) if not _is_extra(one)}
    wanted = {_normal(found) for name in imported for found in providers.get(name, [name])} - {_normal(harness.name)}
    only_optional = {name for libraries in optional.values() for name in libraries} - stated.keys()
    wanted = {name for name in wanted - only_optional if name in stated or _is_installed(name)}
    pins = _versions(wanted | only_optional)
    direct = [str(stated[name]) if name in stated else f"{name}>={pins[name]}" for name in sorted(wanted)]
    return Requirements(
        harness.version,
        str(harness.metadata["Requires-Python"]),
        tuple(direct),
        {
            extra: tuple(f"{one.name}{one.specifier}" for _, one in sorted(libraries.items()))
            for extra, libraries in optional.items()
        },
        tuple(f"{name}=={version}" for name, version in sorted(pins.items())),
    )


def _imported(source: bytes) -> set[str]:
    names: set[str] = set()
    for node in statements(ast.parse(source)):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name.partition(".")[0] for alias in aliases)
            case ast.ImportFrom(module=str(module), level=0):
                names.add(module.partition(".")[0])
    return names


def _versions(wanted: Iterable[str]) -> Mapping[str, str]:
    """Return the installed versions of libraries, and of all that they need here."""
    found: dict[str, str] = {}
    waiting = list(wanted)
    while waiting:
        name = waiting.pop()
        if name in found or not _is_installed(name):
            continue
        library = metadata.distribution(name)
        found[name] = library.version.partition("+")[0]  # a build for one kind of machine is not on every index
        waiting += [_normal(one.name) for one in map(Requirement, library.requires or []) if not _is_extra(one)]
    return found


def _is_extra(requirement: Requirement) -> bool:
    """Tell whether a requirement is not for this machine, or only for those who ask for an extra."""
    return requirement.marker is not None and not requirement.marker.evaluate({"extra": ""})


def _is_of(requirement: Requirement, extra: str) -> bool:
    """Tell whether a requirement is for those who ask for an extra."""
    return _is_extra(requirement) and bool(requirement.marker and requirement.marker.evaluate({"extra": extra}))


def _is_installed(name: str) -> bool:
    try:
        metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

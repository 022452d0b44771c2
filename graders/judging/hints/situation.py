"""What is known where a check ended: from this, and from nothing else, a hint is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from graders.outcomes import Raised


@dataclass(frozen=True)
class Situation:
    """What happened on the submission's side, as far as the subject knows.

    Attributes:
        package: import name of what students write.
        raised: the exception of student code, if there was one.
        importing: the module that was being imported, with its package, if one was.
        call: what was being asked, as a student would write it.
        at_home: whether it happened at a student's home; else it was where work is graded.
        modules: the names of the modules that the package has.
        no_part: the names of packages that no submission may use, such as that of the checks.
        given: folders that checks wrote for the submission to read.
        staged: the folder that holds the package.
        strangers: functions and classes that the check found in step modules and that a library defines, each as
            `MODULE.NAME` with the module that does.
        values: plain data that the check found in step modules, each as `MODULE.NAME` with the name of its type.
    """

    package: str
    raised: Raised | None = None
    importing: str = ""
    call: str = ""
    at_home: bool = False
    modules: frozenset[str] = frozenset()
    no_part: frozenset[str] = frozenset()
    given: tuple[str, ...] = ()
    staged: str = ""
    strangers: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)

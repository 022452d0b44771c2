"""The `lab` command, for students."""

from __future__ import annotations

import os
from typing import NoReturn

import click

from graders.commands.check import check
from graders.commands.errors import ExitCode, Group, run_group, say
from graders.commands.home.notebook import notebook
from graders.commands.home.show import show
from graders.commands.home.submit import submit
from graders.commands.home.supervised import Done, notes_of_this_process
from graders.outcomes import BadInput
from graders.words.choice import chosen_words


def main() -> NoReturn:
    """Run the command line."""
    notes = notes_of_this_process()
    try:
        run_group(lab, "lab", chosen_words("", os.environ))
    except BadInput as error:  # the locale's catalogue is damaged, before any command has begun
        say("lab", str(error))
        raise SystemExit(ExitCode.BAD_INPUT) from None
    except SystemExit as end:
        if notes:
            notes.write(Done(end.code if isinstance(end.code, int) else 0))
        raise


@click.group(
    cls=Group,
    epilog="Exit codes: 0 every check passed, 1 a check failed, 2 wrong usage, 3 harness fault, 130 interrupted.",
)
def lab() -> None:
    """Work on the lab: fill in the step modules, check what you have, and hand it in."""


lab.add_command(check)
lab.add_command(notebook)
lab.add_command(show)
lab.add_command(submit)

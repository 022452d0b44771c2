"""The `lab` command, for students."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import NoReturn

import click

from graders.commands.check import check
from graders.commands.errors import Group, run_group
from graders.commands.help.spoken import language_in
from graders.commands.home.notebook import notebook
from graders.commands.home.show import show
from graders.commands.home.submit import submit
from graders.commands.home.supervised import Done, notes_of_this_process
from graders.words.choice import OWN_WORDS, chosen_words, languages
from graders.words.spoken import Words


def main(let_interrupts_through: Callable[[], None] = lambda: None) -> NoReturn:
    """Run the command line.

    Args:
        let_interrupts_through: is called once whatever interrupts the command would be told.
    """
    notes = notes_of_this_process()
    try:
        run_group(lab, "lab", let_interrupts_through, _words_at_first)
    except SystemExit as end:
        if notes:
            notes.write(Done(end.code if isinstance(end.code, int) else 0))
        raise


def _words_at_first() -> Words:
    """Return the words of errors before a command has begun, which knows its course's words too."""
    wanted = language_in(sys.argv[1:])
    return chosen_words(wanted if wanted in languages([OWN_WORDS]) else "", os.environ)


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

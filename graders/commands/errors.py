"""How commands end: their exit codes, and the one place where errors become a sentence."""

from __future__ import annotations

import io
import platform
import sys
import traceback
from dataclasses import dataclass
from enum import IntEnum
from importlib import metadata
from typing import Any, NoReturn

import click

from graders.course import ENGINE
from graders.outcomes import BadInput, HarnessFault
from graders.text import printable, text_of


class ExitCode(IntEnum):
    """What a command ends with."""

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    HARNESS_FAULT = 3
    INTERRUPTED = 130


@dataclass
class Settings:
    """What holds for a whole command line.

    Attributes:
        debug: whether errors come with their tracebacks.
        restartable: whether this process does nothing else, so that its own command line starts the same again.
    """

    debug: bool = False
    restartable: bool = False


class Command(click.Command):
    """A command that takes `--debug`, before and after whatever else stands there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(_debug_option())


class Group(click.Group):
    """A group of such commands, which takes `--debug` too."""

    command_class = Command

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params += [_debug_option(), _version_option()]


def _version_option() -> click.Option:
    return click.Option(
        ["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_version,
        help="Show the version and exit.",
    )


def _show_version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        found = metadata.packages_distributions().get(ENGINE, [])
        version = metadata.version(found[0]) if found else "of a checkout that is not installed"
        click.echo(f"{context.info_name} {version}, Python {platform.python_version()}")
        context.exit()


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"], is_flag=True, expose_value=False, callback=_set_debug, help="Show the traceback of an error."
    )


def _set_debug(context: click.Context, _: click.Parameter, value: bool) -> None:
    context.ensure_object(Settings).debug |= value


def run_group(group: click.Group, name: str) -> NoReturn:
    """Run a command line; an error ends it with one sentence on stderr, or with its traceback under `--debug`."""
    settings = Settings(restartable=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where it is no UTF-8, some signs are not to be had
    try:
        sys.exit(group(prog_name=name, obj=settings, standalone_mode=False))
    except click.ClickException as misuse:
        misuse.show()
        sys.exit(ExitCode.BAD_INPUT)
    except (click.Abort, KeyboardInterrupt):
        say(name, "interrupted.")
        sys.exit(ExitCode.INTERRUPTED)
    except (BadInput, HarnessFault) as error:
        if settings.debug:
            traceback.print_exc()
        say(name, str(error))
        sys.exit(ExitCode.HARNESS_FAULT if isinstance(error, HarnessFault) else ExitCode.BAD_INPUT)
    except Exception as error:  # noqa: BLE001 - nobody but a developer wants to see more than a sentence
        if settings.debug:
            traceback.print_exc()
        say(name, f"internal error, {type(error).__name__}: {text_of(error)}; --debug shows where.")
        sys.exit(ExitCode.HARNESS_FAULT)


def say(name: str, text: str) -> None:
    """Write one line to stderr, which begins with the command's name."""
    click.echo(f"{name}: {printable(text)}", err=True)

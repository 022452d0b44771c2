"""How commands end: their exit codes, and the one place where errors become a sentence."""

from __future__ import annotations

import io
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from importlib import metadata
from typing import Any, NoReturn

import click

from graders.commands.help.spoken import help_in, language_in
from graders.course import ENGINE, Course
from graders.outcomes import BadInput, HarnessFault
from graders.text import printable, text_of
from graders.words.choice import chosen_words
from graders.words.spoken import ENGLISH, ENGLISH_WORDS, Words, marked

LANGUAGE = "graders.language"  # what `--lang` says, before the rest of a command line is looked at


class ExitCode(IntEnum):
    """What a command ends with."""

    DONE = 0
    CHECK_FAILED = 1
    BAD_INPUT = 2
    HARNESS_FAULT = 3
    INTERRUPTED = 130


# What click says of a wrong command line; templates of its messages.
WRONG_USAGE = (
    marked("Error: {message}"),
    marked("Usage: {usage}"),
    marked("Try '{command}' for help."),
    marked("No such option {name}."),
    marked("No such option {name}. Did you mean {possibility}?"),
    marked("No such command {name}."),
    marked("Missing option {name}."),
    marked("Missing command."),
    marked("Option {name} requires an argument."),
    marked("Option {name} does not take a value."),
    marked("Got unexpected extra argument ({arguments})"),
    marked("Got unexpected extra arguments ({arguments})"),
    marked("Invalid value for {name}: {message}"),
    marked("File {name} does not exist."),
    marked("Directory {name} does not exist."),
    marked("File {name} is a directory."),
    marked("Directory {name} is a file."),
)


@dataclass
class Settings:
    """What holds for a whole command line.

    Attributes:
        debug: whether errors come with their tracebacks.
        words: the language of errors.
        restartable: whether this process does nothing else, so that its own command line starts the same again.
    """

    debug: bool = False
    restartable: bool = False
    words: Words = ENGLISH_WORDS


class _Helpful(click.Command):
    """What has its help in the language of `--lang`, or else of the locale."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[LANGUAGE] = language_in(args)
        return super().parse_args(ctx, args)

    def get_help(self, ctx: click.Context) -> str:
        words = chosen_words(ctx.meta.get(LANGUAGE, ""), os.environ)
        return super().get_help(ctx) if words.language == ENGLISH else help_in(words, self, ctx)


class Command(_Helpful):
    """A command that takes `--debug`, before and after whatever else stands there."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.params.append(_debug_option())


class Group(_Helpful, click.Group):
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


def end_in_order() -> None:
    """Let what asks a command to end do what Ctrl-C does: folders are removed, processes ended, and that is told.

    A shell that starts a command in the background ignores Ctrl-C for it: here it counts all the same. Where other
    signals are ignored, as SIGHUP is under nohup, they stay so.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for ending in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # Windows has one of them
        if signal.getsignal(ending) is signal.SIG_DFL:
            signal.signal(ending, signal.default_int_handler)


def run_group(
    group: click.Group,
    name: str,
    begin: Callable[[], None] = lambda: None,
    words: Callable[[], Words] = lambda: ENGLISH_WORDS,
) -> NoReturn:
    """Run a command line; an error ends it with one sentence on stderr, or with its traceback under `--debug`.

    Args:
        group: its commands.
        name: what it is called.
        begin: what to do first, whose errors are told too.
        words: chooses the language of errors, until a command has chosen another.
    """
    settings = Settings(restartable=True)

    def run() -> int | None:
        settings.words = words()
        begin()
        return group(prog_name=name, obj=settings, standalone_mode=False)  # type: ignore[no-any-return]

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # where it is no UTF-8, some signs are not to be had
    sys.exit(exit_code_of(run, name, settings))


def exit_code_of(action: Callable[[], int | None], name: str, settings: Settings) -> int:
    """Return the exit code with which an action ends; an error is told as by `run_group`."""
    try:
        return action() or ExitCode.DONE
    except click.ClickException as misuse:
        show(misuse, settings.words)
        return ExitCode.BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        say(name, settings.words.say("interrupted."))
        return ExitCode.INTERRUPTED
    except (BadInput, HarnessFault) as error:
        if settings.debug:
            traceback.print_exc()
        say(name, settings.words.text(str(error)))
        return ExitCode.HARNESS_FAULT if isinstance(error, HarnessFault) else ExitCode.BAD_INPUT
    except Exception as error:  # noqa: BLE001 - nobody but a developer wants to see more than a sentence
        if settings.debug:
            traceback.print_exc()
        said = f"internal error, {type(error).__name__}: {text_of(error)}; --debug shows where."
        say(name, settings.words.text(said))
        return ExitCode.HARNESS_FAULT


def show(misuse: click.ClickException, words: Words) -> None:
    """Write to stderr what is wrong with a command line, as click does, in some language."""
    if words is ENGLISH_WORDS:
        misuse.show()
        return
    context = misuse.ctx if isinstance(misuse, click.UsageError) else None
    if context:
        usage = context.get_usage().partition(" ")[2]
        click.echo(words.say("Usage: {usage}", usage=usage), err=True)
        click.echo(words.say("Try '{command}' for help.", command=f"{context.command_path} --help"), err=True)
        click.echo(err=True)
    click.echo(words.say("Error: {message}", message=printable(words.text(misuse.format_message()))), err=True)


def words_for(language: str, course: Course) -> Words:
    """Return the words that a command line or the locale asks for; errors are told in them from now on.

    Args:
        language: what `--lang` says; empty for the locale's.
        course: the course, which has words of its own.

    Raises:
        BadInput: nothing is translated to the language.
    """
    words = chosen_words(language, os.environ, course.words_folder)
    settings = click.get_current_context().find_object(Settings)
    if settings:
        settings.words = words
    return words


def say(name: str, text: str) -> None:
    """Write one line to stderr, which begins with the command's name."""
    click.echo(f"{name}: {printable(text)}", err=True)

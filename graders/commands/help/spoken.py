"""The page of `--help` in another language, laid out as click does."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Sequence

import click

from graders.words.spoken import Words, marked

LANG = "--lang"
# What click writes of its own.
CLICK = (
    marked("Show this message and exit."),
    marked("[OPTIONS]"),
    marked("COMMAND [ARGS]..."),
    marked("default: {value}"),
    marked("env var: {value}"),
    marked("required"),
)
DESCRIBED = re.compile(r"\((.*)\)")  # how click shows a default that is said in words
SPACE = 6  # that click leaves beside the names of commands
Row = tuple[str, str]


def language_in(arguments: Sequence[str]) -> str:
    """Return the language that a command line asks for, which may be wrong elsewhere; empty if for none."""
    for at, argument in enumerate(arguments):
        if argument == LANG and at + 1 < len(arguments):
            return arguments[at + 1]
        if argument.startswith(f"{LANG}="):
            return argument.removeprefix(f"{LANG}=")
    return ""


def help_in(words: Words, command: click.Command, context: click.Context) -> str:
    """Return what `--help` says of a command.

    Args:
        words: the language.
        command: the command.
        context: that in which it is called.
    """
    formatter = context.make_formatter()
    pieces = " ".join(map(words.text, command.collect_usage_pieces(context)))
    formatter.write_usage(context.command_path, pieces, words.say("Usage: {usage}", usage=""))
    if command.help:
        _write(formatter, _paragraphs(command.help, words))
    for heading, rows in (
        (words.say("Options"), _options(command, context, words)),
        (words.say("Commands"), _commands(command, context, formatter.width, words)),
    ):
        if rows:
            with formatter.section(heading):
                formatter.write_dl(rows)
    if command.epilog:
        _write(formatter, _paragraphs(command.epilog, words))
    return formatter.getvalue().rstrip("\n")


def _write(formatter: click.HelpFormatter, text: str) -> None:
    formatter.write_paragraph()
    with formatter.indentation():
        formatter.write_text(text)


def _paragraphs(text: str, words: Words) -> str:
    parts = re.split(r"\n\s*\n", inspect.cleandoc(text).partition("\f")[0])
    return "\n\n".join(words.text(" ".join(part.split())) for part in parts)


def _options(command: click.Command, context: click.Context, words: Words) -> list[Row]:
    """Return the names of each option, and its text; behind that, its default, its range, whether it is required."""
    rows = []
    for option in command.get_params(context):
        record = option.get_help_record(context)
        if record is None or not isinstance(option, click.Option):
            continue
        extra = option.get_help_extra(context)
        said = [words.say("env var: {value}", value=name) for name in extra.get("envvars", ())]
        if "default" in extra:
            shown = DESCRIBED.sub(r"\1", str(extra["default"]))
            said.append(words.say("default: {value}", value=words.text(shown)))
        said += [extra["range"]] if "range" in extra else []
        said += [words.say("required")] if "required" in extra else []
        told = [words.text(option.help or ""), f"[{'; '.join(said)}]" if said else ""]
        rows.append((record[0], "  ".join(filter(None, told))))
    return rows


def _commands(command: click.Command, context: click.Context, width: int, words: Words) -> list[Row]:
    if not isinstance(command, click.Group):
        return []
    there = {name: command.get_command(context, name) for name in command.list_commands(context)}
    shown = {name: one for name, one in there.items() if one and not one.hidden}
    room = width - SPACE - max(map(len, shown), default=0)
    firsts = {name: _paragraphs(one.help or "", words).partition("\n")[0] for name, one in shown.items()}
    return [(name, textwrap.shorten(text, room, placeholder="...")) for name, text in firsts.items()]

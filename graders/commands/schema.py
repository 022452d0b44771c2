"""`graders schema`: the JSON Schema of `result.json`."""

from __future__ import annotations

import json

import click

from graders.commands.errors import Command


@click.command(cls=Command)
def schema() -> None:
    """Print the JSON Schema of result.json, made from the types that write it."""
    from graders.results.schema import json_schema  # noqa: PLC0415

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))

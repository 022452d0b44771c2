"""`python -m graders`: the same as the `graders` command."""

from graders.commands.entry.points import graders

graders()

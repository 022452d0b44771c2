"""`python -m graders`: the same as the `graders` command."""

from graders.cli import main

main()

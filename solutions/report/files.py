"""The files of the report's folder: each is there as a whole, or as it was before."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

RUNS: Final = "runs"
CHECKPOINTS: Final = "checkpoints"
FIGURES: Final = "figures"


class OutFault(OSError):
    """A file of the report cannot be written; the message says which and why, and what to do."""


def write(path: Path, content: bytes) -> None:
    """Write a file, and its folder if there is none.

    Raises:
        OutFault: there is no room, or no right to write there.
    """
    temporary = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise OutFault(
            f"{path} cannot be written ({error.strerror}); what is done is kept, so make room there or allow writing, "
            "and start again."
        ) from error
    finally:
        # Where it cannot be removed, it could not be written.
        with suppress(OSError):
            temporary.unlink(missing_ok=True)

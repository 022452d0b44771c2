"""What student code prints while it is judged at home: kept, and shown below its check; the report has its own way out.

Student code may replace or close standard output, in Python or by its descriptor: the report is written to a duplicate,
and each check begins with streams that are whole. A debugger gets the terminal.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import Any, TextIO

KEPT_BYTES = 1 << 14
SHOWN_LINES, SHOWN_CHARACTERS = 12, 160
STANDARD = (1, 2)


class _Kept(io.RawIOBase):
    """Takes what is written: its beginning is kept, or all of it goes on to a descriptor."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.more = 0
        self.to: int | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return STANDARD[0]

    def write(self, data: Any) -> int:
        written = bytes(data)
        if self.to is not None:
            os.write(self.to, written)
            return len(written)
        room = max(0, KEPT_BYTES - len(self.data))
        self.data += written[:room]
        self.more += len(written[room:])
        return len(written)

    def take(self) -> tuple[str, int]:
        text, more = self.data.decode(errors="replace"), self.more
        self.data.clear()
        self.more = 0
        return text, more


class Output:
    """Standard output and error of this process, while checks run in it.

    Attributes:
        report: where the report goes, whatever student code does.
        on_debugger: called when a debugger takes the terminal.
    """

    def __init__(self) -> None:
        self._streams = sys.stdin, sys.stdout, sys.stderr
        for stream in self._streams[1:]:
            stream.flush()
        self._duplicates = {descriptor: os.dup(descriptor) for descriptor in STANDARD}
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        self.report: TextIO = open(self._duplicates[1], "w", encoding=encoding, errors="replace", closefd=False)  # noqa: SIM115 - it lives as long as this process
        self.on_debugger: Callable[[], None] = lambda: None
        self.debugging = self._in_check = False
        self._kept = _Kept()
        self._capture = self._new_capture()
        sys.addaudithook(self._audit)

    def begin(self) -> None:
        """Give student code whole streams, and keep what it writes to them."""
        self.restore()
        self.debugging, self._in_check = False, True
        self._kept.to = None
        if self._capture.closed:
            self._kept = _Kept()
            self._capture = self._new_capture()
        sys.stdout = sys.stderr = self._capture

    def end(self) -> list[str]:
        """Return the lines printed since `begin`, as many as are shown; the streams are the terminal's again."""
        self._in_check = False
        text, more = self._kept.take()
        self.restore()
        text = text.replace("\r\n", "\n").removesuffix("\n")
        lines = [line.rpartition("\r")[2][:SHOWN_CHARACTERS] for line in text.split("\n")] if text else []
        if len(lines) > SHOWN_LINES or more:
            left = len(lines) - SHOWN_LINES
            rest = f"more than {left} more lines" if more else "1 more line" if left == 1 else f"{left} more lines"
            lines = [*lines[:SHOWN_LINES], f"... and {rest}"]
        return lines

    def restore(self) -> None:
        """Set the streams back to what they were, also where somebody closed a descriptor."""
        for descriptor, duplicate in self._duplicates.items():
            os.dup2(duplicate, descriptor)
        sys.stdin, sys.stdout, sys.stderr = self._streams

    def release(self) -> None:
        """Let the check in progress have the terminal, since a debugger opens; show first what it printed."""
        self.debugging = True
        self.on_debugger()
        text, _ = self._kept.take()
        self.restore()
        self._kept.to = self._duplicates[1]
        self.report.write(text)
        self.report.flush()

    def _new_capture(self) -> TextIO:
        return io.TextIOWrapper(self._kept, encoding="utf-8", errors="replace", write_through=True)  # type: ignore[type-var]

    def _audit(self, event: str, _: tuple[object, ...]) -> None:
        if not self._in_check:
            return
        if event in {"builtins.breakpoint", "pdb.Pdb"}:
            self.release()
        elif event == "builtins.input" and not self.debugging:
            raise EOFError("EOF when reading a line")  # as where it is graded: nobody is there to type

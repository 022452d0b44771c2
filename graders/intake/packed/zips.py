"""A zip as commands write it: the same files make the same one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

TIME = (1980, 1, 1, 0, 0, 0)
READABLE, EXECUTABLE = 0o644, 0o755


def zip_of(files: Mapping[str, bytes], executable: Collection[str] = ()) -> bytes:
    """Return a zip.

    Args:
        files: what is in it, in this order, by paths.
        executable: the paths of programs.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, date_time=TIME)
            info.external_attr = (EXECUTABLE if name in executable else READABLE) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()

"""Names of files in the code pages of old systems: Greek Windows writes zips in two of them, and says in none which."""

from __future__ import annotations

import unicodedata
import zipfile

UTF8 = 0x800  # the flag of an entry whose name is UTF-8
# Of a zip's name, and of one that is not UTF-8: that of Greek consoles, then that of Greek windows.
CODE_PAGES = ("cp737", "cp1253")
OF_ZIPS = "cp437"
BYTE_ORDER_MARK = "\ufeff"


def name_in_zip(info: zipfile.ZipInfo) -> str:
    """Return the name of a zip's entry."""
    name = info.orig_filename
    if info.flag_bits & UTF8 or name.isascii():
        return info.filename.removeprefix(BYTE_ORDER_MARK)
    raw = name.encode(OF_ZIPS, "replace").partition(b"\0")[0]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return _in_code_page(raw) or info.filename


def decoded(raw: bytes) -> str:
    """Return a name that is bytes, as in folders and tarballs; of unknown encoding, with replacement characters."""
    try:
        return raw.decode().removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        return _in_code_page(raw) or raw.decode("utf-8", "replace")


def _in_code_page(raw: bytes) -> str:
    """Return a name in the code page in which all that is not ASCII is Greek, or nothing.

    If there are two such, words have fewer accents in the right one.
    """
    names = []
    for code_page in CODE_PAGES:
        try:
            name = raw.decode(code_page)
        except UnicodeDecodeError:
            continue
        if all(char.isascii() or unicodedata.name(char, "").startswith("GREEK ") for char in name):
            names.append(name)
    return min(names, key=lambda name: sum(map(bool, map(unicodedata.decomposition, name))), default="")

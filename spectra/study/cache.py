"""Results kept under a digest of everything they depend on, so that only what lies downstream of a change is computed again.

Each kept result is one file, named by the digest of its inputs and holding these as well: a missing one can therefore say what has changed against
the nearest one there is. The folder may be deleted at any time; files appear whole or not at all.
"""

import functools
import hashlib
import json
import pathlib
from typing import Any, Generic, TypeVar

import msgspec

from spectra.errors import SpectraError
from spectra.io.files import replace_file

PACKAGES = ("fasttree", "spectra")
OUTSIDE = ("cli", "report")  # show results, change none
MOST_TOLD = 3  # changed inputs named in one sentence


@functools.cache
def sources():
    """Digest of both packages' sources, those that only show results left out: other code, other results."""
    digest = hashlib.blake2b(digest_size=16)
    root = pathlib.Path(__file__).parents[2]
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            if path.relative_to(root / package).parts[0] not in OUTSIDE:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def key_of(inputs):
    """Digest of a dictionary of plain values.

    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1}) != key_of({"a": 1, "b": 3})
    True
    """
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


Value = TypeVar("Value")


class Entry(msgspec.Struct, Generic[Value]):
    """One file of the cache."""

    inputs: dict[str, Any]
    value: Value


class Cache:
    """A folder of results.

    Parameters
    ----------
    folder : path, or None to keep nothing

    Attributes
    ----------
    told : list of (part, what, reason)
        One entry per result asked for; reason "" where it was kept, else why it had to be computed.
    """

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder) if folder is not None else None
        self.told: list[tuple[str, str, str]] = []
        self._known: dict[str, list[dict[str, Any]]] = {}

    def _path(self, part, inputs):
        assert self.folder is not None
        return self.folder / part / f"{key_of(inputs)}.msgpack"

    def load(self, part, inputs, kind, what=""):
        """The result kept for these inputs, as `kind`, or None; either way it is told of.

        Parameters
        ----------
        part : str, such as "sensitivity"
        inputs : dict of plain values, everything that the result depends on
        kind : type to read it as
        what : str, which result of the part
        """
        if self.folder is None:
            return None
        path = self._path(part, inputs)
        try:
            value = msgspec.msgpack.decode(path.read_bytes(), type=Entry[kind]).value
        except FileNotFoundError:
            self.told.append((part, what, self._why(part, inputs)))
            return None
        except (OSError, msgspec.MsgspecError) as error:
            self.told.append((part, what, f"the kept result cannot be read ({error})"))
            return None
        self.told.append((part, what, ""))
        return value

    def keep(self, part, inputs, value):
        """Keep a result."""
        if self.folder is None:
            return
        path = self._path(part, inputs)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, msgspec.msgpack.encode({"inputs": inputs, "value": value}, enc_hook=lambda number: number.item()))
        except OSError as error:
            raise SpectraError(f"{path}: {error.strerror}; choose another cache with --cache") from None

    def _why(self, part, inputs):
        """What differs from the nearest kept result of the part."""
        if part not in self._known:
            self._known[part] = list(_inputs_in(self.folder / part))
        plain = json.loads(json.dumps(inputs, default=str))
        changes = [_changed(other, plain) for other in self._known[part]]
        if not changes:
            return "nothing was kept before"
        least = min(changes, key=len)
        return "; ".join(least[:MOST_TOLD]) + (f" and {len(least) - MOST_TOLD} more" if len(least) > MOST_TOLD else "")

    def explain(self):
        """What was kept and what computed anew, and why: lines for a terminal."""
        lines, parts = [], dict.fromkeys(part for part, _, _ in self.told)
        for part in parts:
            rows = [(what, reason) for name, what, reason in self.told if name == part]
            anew = [(what, reason) for what, reason in rows if reason]
            lines.append(f"{part}: {len(rows) - len(anew)} of {len(rows)} results kept" + (", computed anew:" if anew else ""))
            reasons: dict[str, list[str]] = {}
            for what, reason in anew:
                reasons.setdefault(reason, []).append(what)
            for reason, whats in reasons.items():
                named = ", ".join(filter(None, whats[:MOST_TOLD])) + (
                    f" and {len(whats) - MOST_TOLD} more" if len(whats) > MOST_TOLD else ""
                )
                lines.append(f"  {named or 'all'}: {reason}")
        return lines


def _inputs_in(folder):
    for path in sorted(folder.glob("*.msgpack")):
        try:
            inputs = msgspec.msgpack.decode(path.read_bytes(), type=Entry[msgspec.Raw]).inputs
        except (OSError, msgspec.MsgspecError):
            continue
        yield json.loads(json.dumps(inputs, default=str))


def _changed(old, new):
    names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
    return [_sentence(name, old.get(name), new.get(name)) for name in names]


def _sentence(name, old, new):
    if name in ("data", "labels", "code", "splits"):
        return {"data": "other data", "labels": "other labels or patients", "code": "other code", "splits": "other splits"}[name]
    return f"{name} changed from {old} to {new}"

"""Bytes from a path, with a bound: whatever the file claims, no reader takes more than `MAX_BYTES` or `MAX_POINTS`."""

import contextlib
import os
import pathlib
import threading
import zlib

from spectra.errors import SpectrumError

MAX_BYTES = 2**27  # of one text file; a million points are some 30 MB
MAX_POINTS = 2**22  # of one spectrum; time-of-flight profiles have 10^4 to 10^6
GZIP = b"\x1f\x8b"


def check_file(path):
    """Return `path` if it is a regular file with something in it."""
    try:
        if not path.exists():
            raise SpectrumError(
                "a link that leads nowhere; copy the file itself" if path.is_symlink() else "no such file; correct its name"
            )
        if not path.is_file():
            raise SpectrumError("not a regular file")
        if path.stat().st_size == 0:
            raise SpectrumError("the file is empty; export it again")
    except (OSError, ValueError) as error:
        if isinstance(error, SpectrumError):
            raise
        raise SpectrumError(f"cannot be opened: {error}") from None
    return path


def read_chunks(path, size=2**18):
    """The file's content, piece by piece, unpacked where it is gzip."""
    check_file(path)
    try:
        with path.open("rb") as file:
            first = file.read(size)
            pieces = iter(lambda: file.read(size), b"")
            if first.startswith(GZIP):
                yield from _unpacked(first, pieces, size)
            else:
                yield first
                yield from pieces
    except OSError as error:
        raise SpectrumError(f"cannot be read: {error.strerror}") from None


def _unpacked(piece, pieces, size):
    """Gzip members behind one another, never more than `size` bytes at a time."""
    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        while True:
            yield unpack.decompress(piece, size)
            piece = unpack.unconsumed_tail or unpack.unused_data
            if unpack.eof and piece.startswith(GZIP):
                unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
            elif unpack.eof and piece:
                raise SpectrumError("damaged gzip file: something follows its end; copy it again")
            elif not piece:
                piece = next(pieces, b"")
                if not piece:
                    break
                if unpack.eof:
                    unpack = zlib.decompressobj(zlib.MAX_WBITS | 16)
    except zlib.error:
        raise SpectrumError("damaged gzip file; copy it again") from None
    if not unpack.eof:
        raise SpectrumError("the gzip file is cut short; copy it again")


def read_bytes(path):
    """The whole content, unpacked where it is gzip."""
    chunks, total = [], 0
    for chunk in read_chunks(path):
        chunks.append(chunk)
        total += len(chunk)
        if total > MAX_BYTES:
            raise SpectrumError(f"more than {MAX_BYTES // 2**20} MB of text: not one spectrum; split it")
    return b"".join(chunks)


def as_path(path):
    """`path` as a `pathlib.Path`, its ``~`` expanded."""
    return pathlib.Path(path).expanduser()


@contextlib.contextmanager
def replacing(path):
    """A file to write to that takes the place of `path` at the end: a reader sees the old file or the new one, never half of one.

    Raises
    ------
    OSError
        With the name `path`, where it cannot be written: no such folder, no permission, a full disk.
    """
    path = as_path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        if error.filename in (None, str(partial)):
            raise OSError(error.errno, error.strerror, str(path)) from None
        raise
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def replace_file(path, content):
    """Put bytes in the place of `path`, all at once."""
    with replacing(path) as file:
        file.write(content)

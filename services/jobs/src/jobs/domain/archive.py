"""A zip that is written as it travels: only what has not been taken away yet is in memory."""

import io
from datetime import datetime
from zipfile import ZIP_STORED, ZipFile, ZipInfo


class _Window(io.RawIOBase):
    """The end of a long file. Zip writers go back to the header of the entry they write, never further."""

    def __init__(self) -> None:
        self._held = io.BytesIO()
        self.taken = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.taken + self._held.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence != io.SEEK_SET or offset < self.taken:
            raise io.UnsupportedOperation("what was taken away cannot be changed")
        return self.taken + self._held.seek(offset - self.taken)

    def write(self, data: bytes, /) -> int:  # type: ignore[override] # zipfile writes bytes alone
        return self._held.write(data)

    @property
    def held(self) -> int:
        return self._held.getbuffer().nbytes

    def take(self) -> bytes:
        data = self._held.getvalue()
        self.taken += len(data)
        self._held = io.BytesIO()
        return data


class Archive:
    """Stored, not compressed: images do not shrink further. Any size, any number of entries (zip64)."""

    def __init__(self) -> None:
        self._window = _Window()
        self._zip = ZipFile(self._window, "w", ZIP_STORED)

    @property
    def held(self) -> int:
        """Bytes written and not taken yet."""
        return self._window.held

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._window.taken + self._window.held

    def add(self, name: str, data: bytes, at: datetime) -> None:
        """Write one whole entry."""
        self._zip.writestr(ZipInfo(name, at.timetuple()[:6]), data)

    def take(self) -> bytes:
        """Take away what is written, to be sent on."""
        return self._window.take()

    def end(self) -> None:
        """Write the directory; nothing can be added any more."""
        self._zip.close()

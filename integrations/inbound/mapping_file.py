"""The operator's mapping file as it lies on the disk, where it may be changed while we run."""

from pathlib import Path

from integrations.inbound.mapping import Mappings

Stamp = tuple[int, int, int]
"""A file's number, its size, and when it was last written, in nanoseconds."""


class MappingFile:
    """The file at `path`; without one nothing is mapped."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self._stamp: Stamp | None = None

    def read(self) -> Mappings:
        """What it says now. Raises InvalidInput if that makes no sense."""
        self._stamp = self._stamp_now()
        return Mappings() if self.path is None else Mappings.load(self.path)

    def has_changed(self) -> bool:
        """Whether it is another than when it was read, well or not."""
        return self._stamp_now() != self._stamp

    def _stamp_now(self) -> Stamp | None:
        try:
            found = self.path.stat() if self.path is not None else None
        except OSError:
            return None
        return (found.st_ino, found.st_size, found.st_mtime_ns) if found is not None else None

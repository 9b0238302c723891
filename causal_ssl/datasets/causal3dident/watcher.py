"""Who is told of the progress of long work."""

from typing import Protocol


class Watcher(Protocol):
    """Shows progress, or keeps it to itself."""

    def begin(self, what: str, total: int, done: int) -> None:
        """A work of `total` images begins, of which so many are done already."""

    def advance(self, images: int) -> None:
        """So many more are on the disk."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """Is told and says nothing."""

    def begin(self, what: str, total: int, done: int) -> None:
        """See `Watcher`."""

    def advance(self, images: int) -> None:
        """See `Watcher`."""

    def note(self, text: str) -> None:
        """See `Watcher`."""

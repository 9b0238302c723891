"""Who is told of the progress of long work."""


class Watcher:
    """Is told, and keeps it to itself: the base of those who show it."""

    def begin(self, what: str, total: int, done: int, unit: str = "images") -> None:
        """A work of `total` images, or other units, begins; so many of them are done already."""

    def advance(self, images: int) -> None:
        """So many more are done."""

"""What is noted stays noted; a line that a kill or a full disk cut off counts for nothing."""

from pathlib import Path

from causal_ssl.datasets.journal import Journal


def test_a_line_cut_off_is_dropped_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal(path)
    journal.add("a", {"sum": 1})
    journal.add("b", {"sum": 2})
    for cut in range(len('{"part": "b", "record": {"sum": 2}}\n')):
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) - 1 - cut])
        again = Journal(path)
        assert again.records == {"a": {"sum": 1}}
        again.add("b", {"sum": 2})
        assert Journal(path).records == {"a": {"sum": 1}, "b": {"sum": 2}}
        assert path.read_bytes() == whole


def test_what_is_removed_is_gone(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.add("a", 1)
    journal.remove()
    journal.add("b", 2)
    assert Journal(tmp_path / "journal").records == {"b": 2}

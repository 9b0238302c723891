"""The table of `causal-ssl evaluate robustness`: what was found, and what is missing, by name.

A number that cannot be had has a row without a value, and says in its note what it lacks.
"""

from collections.abc import Iterator, Sequence

import pandas as pd

from causal_ssl.analysis.masked_accuracy import AccuracyGap, accuracy
from causal_ssl.analysis.robustness import CorruptionScores, alexnet, corruption_scores
from causal_ssl.datasets.suites import Suite
from causal_ssl.experiments.evaluation import published
from causal_ssl.experiments.evaluation.robustness.scores import Scored, unknown
from causal_ssl.experiments.evaluation.runs import Row, interval

CORRUPTED = "imagenet-c"
WHOLE = "whole"
"""Key of a row: is it of all that the published number is of?"""
NO_CLEAN = "needs clean images: give --data-root"
RELATIVE = ("relative_ce", "mrce", "validation_mrce")


def accuracies(it: Scored) -> list[Row]:
    """Accuracy and error on a partition, with Wilson's interval at 95 %."""
    found = accuracy(it.right)
    where = {
        "setting": it.suite.name,
        "variable": it.partition,
        "n": found.n,
        "note": it.denominator,
        WHOLE: it.whole,
    }
    error = {"value": 1 - found.value, "low": 1 - found.high, "high": 1 - found.low}
    return [
        {"metric": "top1", **where, **interval(found)},
        {"metric": "error", **where, **error},
    ]


def missing_partitions(suite: Suite) -> list[Row]:
    """Those of ImageNet-V2 that are not there."""
    return [
        _empty(suite.name, metric, partition, "missing: its folder is not there")
        for partition in suite.missing
        for metric in ("top1", "error")
    ]


def gap_rows(it: Scored, gap: AccuracyGap | None, *, clean: Suite | None) -> list[Row]:
    """Accuracy on clean images of the same classes, the same ones competing, and what is lost.

    Args:
        it: the test set.
        gap: see `Scorer.gap`.
        clean: the clean images; None: there are none.
    """
    where = {"setting": it.suite.name, "variable": it.partition}
    if gap is None:
        why = NO_CLEAN if clean is None else "there are no clean images of its classes"
        return [_empty(it.suite.name, name, it.partition, why) for name in ("clean_top1", "gap")]
    above, classes = gap.clean, int(it.suite.classes.sum())
    words = f"{above.n:,} clean images of the same {classes:,} classes, the same competing"
    lost = {"metric": "gap", "n": len(it.right), "note": f"clean minus shifted; {words}"}
    return [
        {"metric": "clean_top1", "n": above.n, "note": words, **where, **interval(above)},
        {**lost, **where, **interval(gap)},
    ]


def corruption_rows(found: Sequence[Scored], clean: Scored | None) -> list[Row]:
    """Errors of every severity, CE and relative CE of every corruption, and their means.

    Args:
        found: partitions of ImageNet-C.
        clean: on clean images; None: not known, so no relative CE.
    """
    errors = pd.DataFrame(
        [(*it.partition.split("/"), float(1 - it.right.mean())) for it in found],
        columns=["corruption", "severity", "error"],
    ).astype({"severity": int})
    scores = corruption_scores(
        errors, clean=None if clean is None else float(1 - clean.right.mean())
    )
    rows = [row for it in found for row in accuracies(it) if row["metric"] == "error"]
    of_kind = {
        kind: [it for it in found if it.partition.split("/")[0] in _of_kind(kind)]
        for kind in ("test", "validation")
    }
    complete = {it.partition for it in found if it.whole}
    for metric, corruption, kind in _expected():
        row = {"setting": CORRUPTED, "metric": metric, "variable": corruption}
        own = scores.table.query("metric == @metric and corruption == @corruption")
        if own.empty:
            rows.append({**row, "note": _lacking(scores, metric, corruption, kind, clean)})
            continue
        corruptions = [corruption] if corruption else _of_kind(kind)
        whole = all(f"{name}/{s}" in complete for name in corruptions for s in alexnet().severities)
        if metric in RELATIVE:
            whole = whole and clean is not None and clean.whole
        value = float(own["value"].iloc[0])
        there = [it for it in of_kind[kind] if corruption in ("", it.partition.split("/")[0])]
        note = "; ".join([_meaning(metric, kind), *_short_of(there)])
        rows.append({**row, "value": value, "note": note, WHOLE: whole})
    return rows + _mean_accuracy(rows)


def with_references(rows: Sequence[Row], method: str, *, comparable: bool) -> list[Row]:
    """Published numbers beside those that are of the same images and classes.

    Args:
        rows: of the table.
        method: whose, one of `config.METHODS`.
        comparable: does the classifier know all classes, and were images seen as published?
    """
    known = {
        (row.suite, row.metric, row.variable or row.partition): row
        for row in published.robustness().query("method == @method").itertuples()
    }
    finished = []
    for row in rows:
        kept = {key: value for key, value in row.items() if key != WHOLE}
        there = known.get((row["setting"], row["metric"], row["variable"]))
        if there is not None and comparable and row.get(WHOLE, False):
            kept |= {"reference": there.reference, "source": f"{there.source}, {method}"}
        finished.append(kept)
    return finished


def _expected() -> list[tuple[str, str, str]]:
    """Metric, corruption and kind of every number of ImageNet-C, in the table's order."""
    metrics = ("error", "ce", "relative_ce")
    means = ("mean_error", "mce", "mrce")
    kinds = alexnet().kinds
    return [
        *((metric, name, kind) for name, kind in kinds.items() for metric in metrics),
        *((metric, "", "test") for metric in means),
        *((f"validation_{metric}", "", "validation") for metric in means),
    ]


def _short_of(found: Sequence[Scored]) -> Iterator[str]:
    """What partitions of ImageNet-C lack of the published images, and the classifier of classes."""
    suite, counts = found[0].suite, {len(it.right) for it in found}
    if counts != {suite.protocol.images}:
        least, most = min(counts), max(counts)
        images = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        yield f"{images} images a partition of {suite.protocol.images:,}"
    if gone := len(suite.missing_classes):
        yield f"{gone:,} of {len(suite.answers):,} classes missing"
    if found[0].unknown:
        yield unknown(found[0].unknown)


def _of_kind(kind: str) -> list[str]:
    return [name for name, own in alexnet().kinds.items() if own == kind]


def _lacking(
    scores: CorruptionScores, metric: str, corruption: str, kind: str, clean: Scored | None
) -> str:
    """Why there is no such number."""
    gone = scores.missing if kind == "test" else scores.missing_validation
    if corruption:
        gone = tuple(words for words in gone if words.split(":")[0] == corruption)
    if gone:
        return f"missing: {', '.join(gone)}"
    if metric in RELATIVE and clean is None:
        return NO_CLEAN
    return "undefined: AlexNet's error is not above its clean one"


def _meaning(metric: str, kind: str) -> str:
    """What a number is of."""
    over = {"test": "15 test corruptions", "validation": "4 validation corruptions"}[kind]
    return {
        "error": "mean over the severities",
        "ce": f"over AlexNet's; {kind}",
        "relative_ce": f"above clean images, over AlexNet's; {kind}",
        "mean_error": f"mean over {over} and the severities, not normalised",
        "mce": f"mean of CE over {over}",
        "mrce": f"mean of relative CE over {over}",
    }[metric.removeprefix("validation_")]


def _mean_accuracy(rows: Sequence[Row]) -> list[Row]:
    """1 - the mean error over the test corruptions, which some papers print."""
    (mean,) = (row for row in rows if row["metric"] == "mean_error")
    if "value" not in mean:
        return [{**mean, "metric": "top1"}]
    return [{**mean, "metric": "top1", "value": 1 - mean["value"]}]


def _empty(suite: str, metric: str, variable: str, note: str) -> Row:
    return {"setting": suite, "metric": metric, "variable": variable, "note": note}

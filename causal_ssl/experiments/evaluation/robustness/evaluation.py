"""`causal-ssl evaluate robustness`: test sets under shift, scored with one classifier.

DIR/table.csv      accuracies, errors, CE and their means, and by name what is missing
DIR/report.html    the same to read, with a figure
DIR/features/      of every partition that is finished, so that it is not computed again
"""

from pathlib import Path

import pandas as pd
from rich.console import Console

from causal_ssl.datasets.suites import Suite
from causal_ssl.experiments.evaluation import runs
from causal_ssl.experiments.evaluation.encoders import open_subject
from causal_ssl.experiments.evaluation.images import SIZE
from causal_ssl.experiments.evaluation.robustness import page as suite_page
from causal_ssl.experiments.evaluation.robustness import rows as suite_rows
from causal_ssl.experiments.evaluation.robustness import summary as suite_summary
from causal_ssl.experiments.evaluation.robustness.answers import imagenet_classifier, lacking
from causal_ssl.experiments.evaluation.robustness.config import Robustness
from causal_ssl.experiments.evaluation.robustness.scores import (
    Scorer,
    open_suites,
    require_competitors,
)


def evaluate(asked: Robustness, out: Path | str, *, console: Console) -> pd.DataFrame:
    """How well an encoder's linear classifier does on test sets under shift.

    Args:
        asked: the options.
        out: the run's directory.
        console: where to say what happens.

    Returns:
        The table that is in table.csv. Column setting is the test set, variable its partition, of
        ImageNet-C "CORRUPTION/SEVERITY", a corruption, or "" for all. Metrics `top1` and `error`,
        shares in [0, 1]; `clean_top1` and `gap`; of ImageNet-C what `corruption_scores` names. A
        number that lacks something has no value, and its note says what.

    Raises:
        InputError: what does not fit together or is not there, before anything is computed; images
            that cannot be read, NaN; what was finished before is kept.
        Stopped: the disk is full.
    """
    subject = open_subject(asked)
    classifier = imagenet_classifier(asked, subject)
    clean, suites = open_suites(asked)
    require_competitors(classifier, suites)
    digests = {"classifier": classifier.digest()}
    with runs.run_of(asked, out, subject, digests, console) as run:
        run.say(*suite_summary.foretold(suites))
        scorer = Scorer(run, classifier)
        rows = suite_rows.with_references(
            _rows(scorer, clean, suites),
            asked.beside,
            comparable=not lacking(classifier) and asked.size in (None, SIZE),
        )
        table = run.write_table(rows)
        drawn = suite_page.page(
            asked,
            table,
            source=subject.source,
            classifier=classifier.words,
            environment=run.environment(),
        )
        run.write_report(drawn)
    run.say(f"{subject.source}; classifier: {classifier.words}")
    console.print(drawn.terminal)
    run.say(
        *(f"published: {source}" for source in suite_summary.sources(table)),
        *suite_summary.partial(table),
        *suite_summary.missing(table),
        f"{run.directory.path}: table.csv, report.html",
    )
    return table


def _rows(scorer: Scorer, clean: Suite | None, suites: list[Suite]) -> list[runs.Row]:
    unshifted = None if clean is None else scorer.partitions(clean)[0]
    rows = [] if unshifted is None else suite_rows.accuracies(unshifted)
    for suite in suites:
        found = scorer.partitions(suite)
        if suite.name == suite_rows.CORRUPTED:
            rows += suite_rows.corruption_rows(found, unshifted)
            continue
        for it in found:
            rows += suite_rows.accuracies(it)
            if suite.protocol.masked:
                gap = None if clean is None else scorer.gap(clean, it)
                rows += suite_rows.gap_rows(it, gap, clean=clean)
        rows += suite_rows.missing_partitions(suite)
    return rows

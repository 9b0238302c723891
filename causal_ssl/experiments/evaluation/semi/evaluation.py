"""`causal-ssl evaluate semi`: fine-tuning on the few labelled images that a list names.

The lists of 1 % and 10 % of ImageNet that are compared on are those published with SimCLR
(imagenet_subsets/1percent.txt and 10percent.txt in its repository): 12,811 and 128,116 names of
files. What is in the run's directory is as of `finetune.evaluation`.
"""

from pathlib import Path

import pandas as pd
from rich.console import Console

from causal_ssl.errors import InputError
from causal_ssl.experiments.evaluation.finetune import evaluation as finetune
from causal_ssl.experiments.evaluation.semi.config import Semi


def evaluate(asked: Semi, out: Path | str, *, console: Console) -> pd.DataFrame:
    """As `finetune.evaluate`, whose learning rates are chosen among the listed images too.

    Raises:
        InputError: no list, or as there.
    """
    if not asked.subset:
        raise InputError(
            "no list of labelled images: give --subset, such as SimCLR's 1percent.txt; `causal-ssl "
            "evaluate finetune` trains on all"
        )
    return finetune.evaluate(asked, out, console=console)

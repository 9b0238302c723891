"""Where figures are kept: one JSON file a benchmark, with the machine and versions beside them."""

import json
from pathlib import Path
from typing import Any

import torch

from causal_ssl.experiments.environment import environment
from causal_ssl.files import write

RESULTS = Path(__file__).parent / "results"


def write_result(name: str, result: dict[str, Any], *, device: str = "cpu") -> Path:
    """Write benchmarks/results/NAME.json: the figures, and what they were measured on."""
    machine = {**environment(device), "threads": torch.get_num_threads()}
    path = RESULTS / f"{name}.json"
    write(path, json.dumps({**result, "machine": machine}, indent=2) + "\n")
    return path

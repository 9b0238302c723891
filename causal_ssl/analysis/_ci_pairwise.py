"""A test between each two environments, adjusted for their number."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from causal_ssl.analysis._ci_inputs import labels_of, triples
from causal_ssl.analysis._ci_result import NullTest
from causal_ssl.analysis._invariance_samples import sorted_names

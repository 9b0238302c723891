"""The journal of a set that is being rendered."""

from causal_ssl.datasets.journal import Journal

__all__ = ["Journal"]

"""Concrete data with known ground truth."""

from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig, Sample, Views

__all__ = ["ContentStyle", "ContentStyleConfig", "Sample", "Views"]

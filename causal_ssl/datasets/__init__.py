"""Concrete data with known ground truth.

Names are loaded when they are asked for: processes that only render images need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from causal_ssl.datasets.causal3dident.dataset import Causal3DIdent
    from causal_ssl.datasets.causal3dident.latent_views import LatentViews
    from causal_ssl.datasets.content_style import ContentStyle, ContentStyleConfig, Sample, Views

_PLACES = {
    "Causal3DIdent": "causal3dident.dataset",
    "ContentStyle": "content_style",
    "ContentStyleConfig": "content_style",
    "LatentViews": "causal3dident.latent_views",
    "Sample": "content_style",
    "Views": "content_style",
}

__all__ = ["Causal3DIdent", "ContentStyle", "ContentStyleConfig", "LatentViews", "Sample", "Views"]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)

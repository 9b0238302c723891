"""The trainer of image encoders, on Lightning, which is imported when training starts."""

from causal_ssl.training.images.config import ImageTraining
from causal_ssl.training.images.export import export_resnet
from causal_ssl.training.images.features import features
from causal_ssl.training.images.gather import LostProcessError
from causal_ssl.training.images.metrics import NonFiniteError
from causal_ssl.training.images.progress import ImageProgress
from causal_ssl.training.images.run import ImageRun
from causal_ssl.training.images.start import Start
from causal_ssl.training.images.train import TrainedImages, train_images

__all__ = [
    "ImageProgress",
    "ImageRun",
    "ImageTraining",
    "LostProcessError",
    "NonFiniteError",
    "Start",
    "TrainedImages",
    "export_resnet",
    "features",
    "train_images",
]

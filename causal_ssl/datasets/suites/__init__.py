"""Test sets for encoders of ImageNet's 1000 classes, in the layouts in which they are published.

    from causal_ssl.datasets.suites import open_suite

    suite = open_suite("imagenet-c", "imagenet-c")
    suite.partitions                    # "gaussian_noise/1", ...; suite.missing: what is not there
    images = suite.images("frost/3")
    images.batch(np.arange(64))["image"]         # (64, 3, 224, 224) uint8, the suite's own pixels
    images.answers                      # (n, a) indices into the 1000 classes that are right
    suite.mask                          # which of them compete; None: all

Suites: imagenet (the clean validation images), imagenet-c, imagenet-r, imagenet-a, imagenet-v2,
imagenet-sketch, objectnet.
"""

from causal_ssl.datasets.suites.opening import open_suite
from causal_ssl.datasets.suites.protocols import PROTOCOLS
from causal_ssl.datasets.suites.suite import Suite, SuiteImages
from causal_ssl.datasets.suites.transform import Transform

__all__ = ["PROTOCOLS", "Suite", "SuiteImages", "Transform", "open_suite"]

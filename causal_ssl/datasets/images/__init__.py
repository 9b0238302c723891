"""Images with a class each: folders as ImageNet's, IDX files, Causal3DIdent, packed stores.

    from causal_ssl.datasets.images import open_images

    train = open_images("imagenet", "train", size=256)
    train.batch(np.arange(64))["image"]          # (64, 3, 256, 256) uint8, and "label", "aspect"

Every data set here has `len`, `labels` (n,) int64, `classes`, `size`, `skipped` (names of images
that were left out on request), `batch(indices, generator)`, `called(index)` (the file or number of
an image, for messages) and `digest()` (that of other images differs).
"""

from causal_ssl.datasets.images.opening import Images, open_images

__all__ = ["Images", "open_images"]

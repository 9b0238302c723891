"""What an encoder of a study of images is trained with: `causal-ssl pretrain`'s plan."""

from dataclasses import replace

from causal_ssl.experiments.image_study import jobs as image_jobs
from causal_ssl.experiments.pretraining.config import Pretraining
from causal_ssl.experiments.pretraining.plan import Plan, make_plan


def planned(method: str, asked: Pretraining, *, n_images: int, n_classes: int) -> Plan:
    """A method's run on some images, logged as often as a report's loss curves need.

    Args:
        method: of the registry.
        asked: with epochs and batch_size.
        n_images, n_classes: of the training split.

    Raises:
        InputError: there is no such method, or it is not for images; see `make_plan`.
    """
    assert asked.epochs is not None
    assert asked.batch_size is not None
    steps = int(asked.epochs * (n_images // asked.batch_size))
    logged = replace(asked, log_every=image_jobs.log_every(steps))
    return make_plan(method, logged, n_images=n_images, n_classes=n_classes)

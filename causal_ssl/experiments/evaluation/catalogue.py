"""The evaluations there are.

No torch here: help must not wait for it.
"""

from collections.abc import Mapping

from causal_ssl.experiments.evaluation.config import Evaluation
from causal_ssl.experiments.evaluation.finetune.config import Finetune
from causal_ssl.experiments.evaluation.invariance.config import Invariance
from causal_ssl.experiments.evaluation.knn.config import Knn
from causal_ssl.experiments.evaluation.linear.config import Linear
from causal_ssl.experiments.evaluation.robustness.config import Robustness
from causal_ssl.experiments.evaluation.semi.config import Semi

EVALUATIONS: Mapping[str, tuple[str, type[Evaluation]]] = {
    "linear": ("accuracy of a linear classifier, chosen on held-out training images", Linear),
    "robustness": (
        "accuracy and error under shift: ImageNet-C, -R, -A, -V2, -Sketch, ObjectNet",
        Robustness,
    ),
    "knn": ("accuracy of nearest neighbours, nothing trained", Knn),
    "invariance": ("how predictions change from one augmentation to another", Invariance),
    "finetune": ("accuracy of the whole network, trained on from the encoder", Finetune),
    "semi": ("as finetune, on few labelled images: 1 % or 10 % of ImageNet", Semi),
}
"""Name -> what it says of an encoder, and its options."""

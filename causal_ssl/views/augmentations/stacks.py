"""The stacks that have a name: Causal3DIdent's settings, and those of self-supervised methods."""

from causal_ssl.errors import InputError, one_of
from causal_ssl.views.augmentations.augmentation import Augmentation
from causal_ssl.views.augmentations.blur import GaussianBlur
from causal_ssl.views.augmentations.colour import ColourJitter
from causal_ssl.views.augmentations.crop import RandomResizedCrop
from causal_ssl.views.augmentations.rotation import HorizontalFlip, Rotation
from causal_ssl.views.augmentations.stack import Stack, Step
from causal_ssl.views.augmentations.tone import Greyscale, Solarise

CAUSAL3DIDENT_SETTINGS = "von Kuegelgen et al. (2021), arXiv 2106.04619, table 1"

_STACKS: dict[str, Stack] = {}


def register(stack: Stack) -> Stack:
    """Enter a stack under its name.

    Raises:
        InputError: the name is taken.
    """
    if stack.name in _STACKS:
        raise InputError(f"stack {stack.name!r} is registered already: choose another name")
    _STACKS[stack.name] = stack
    return stack


def get(name: str) -> Stack:
    """The stack of that name.

    Raises:
        InputError: unknown name; the message has the nearest known one.

    Examples:
        >>> get("crop_small").title
        'crop (small)'
    """
    return _STACKS[one_of("augmentation stack", name, _STACKS)]


def names() -> list[str]:
    """The registered names, in the order of registration.

    Examples:
        >>> names()[7:]
        ['simclr', 'byol', 'relic', 'moco_v2', 'multi_crop', 'supervised', 'small_grey']
    """
    return list(_STACKS)


def colour_distortion(strength: float = 1.0) -> dict[str, Augmentation]:
    """SimCLR's: jitter with probability 0.8, then greyscale with probability 0.2.

    References:
        Chen et al. (2020), arXiv 2002.05709, appendix A.
    """
    return {"jitter": ColourJitter.of_strength(strength), "greyscale": Greyscale(0.2)}


def crop_and_flip(least_area: float) -> dict[str, Augmentation]:
    """A random resized crop of at least that part of the area, mirrored half of the time."""
    return {"crop": RandomResizedCrop((least_area, 1.0)), "flip": HorizontalFlip(0.5)}


def _causal3dident(name: str, title: str, steps: dict[str, Augmentation]) -> None:
    register(Stack(name, title, steps, source=CAUSAL3DIDENT_SETTINGS))


_CROP_LARGE, _CROP_SMALL, _COLOUR = crop_and_flip(0.8), crop_and_flip(0.08), colour_distortion()
_ROTATION: dict[str, Augmentation] = {"rotation": Rotation()}

_causal3dident("colour_distortion", "colour distortion", _COLOUR)
_causal3dident("crop_large", "crop (large)", _CROP_LARGE)
_causal3dident("crop_small", "crop (small)", _CROP_SMALL)
_causal3dident(
    "crop_large_colour_distortion",
    "crop (large) + colour distortion",
    {**_CROP_LARGE, **_COLOUR},
)
_causal3dident(
    "crop_small_colour_distortion",
    "crop (small) + colour distortion",
    {**_CROP_SMALL, **_COLOUR},
)
_causal3dident("rotation", "rotation", _ROTATION)
_causal3dident(
    "rotation_colour_distortion",
    "rotation + colour distortion",
    {**_ROTATION, **_COLOUR},
)

_SIMCLR: dict[str, Step] = {**_CROP_SMALL, **_COLOUR, "blur": GaussianBlur(p=0.5)}
register(
    Stack("simclr", "SimCLR", _SIMCLR, source="Chen et al. (2020), arXiv 2002.05709, appendix A")
)
register(
    Stack(
        "byol",
        "BYOL",
        {
            "crop": RandomResizedCrop((0.08, 1.0), interpolation="bicubic"),
            "flip": HorizontalFlip(0.5),
            "jitter": ColourJitter(0.8, brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1),
            "greyscale": Greyscale(0.2),
            "blur": (GaussianBlur(p=1.0), GaussianBlur(p=0.1)),
            "solarise": (Solarise(p=0.0), Solarise(p=0.2)),
        },
        source="Grill et al. (2020), arXiv 2006.07733, appendix B",
    )
)
register(
    Stack(
        "relic",
        "ReLIC",
        {**_SIMCLR, "solarise": (Solarise(p=0.0), Solarise(p=0.2))},
        source=(
            "Mitrovic et al. (2021), arXiv 2010.07922: SimCLR's operations with its probabilities, "
            "and solarise, for which SimCLR has none and BYOL's are taken"
        ),
    )
)
register(
    Stack(
        "moco_v2",
        "MoCo v2",
        {
            **crop_and_flip(0.2),
            "jitter": ColourJitter(0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
            "greyscale": Greyscale(0.2),
            "blur": GaussianBlur(p=0.5),
        },
        source="Chen et al. (2020), arXiv 2003.04297, and the authors' code",
    )
)
_LARGE = RandomResizedCrop((0.14, 1.0), size=224)
_SMALL = RandomResizedCrop((0.05, 0.14), size=96)
register(
    Stack(
        "multi_crop",
        "multi-crop (2 + 6)",
        {**_SIMCLR, "crop": (_LARGE,) * 2 + (_SMALL,) * 6},
        source="Caron et al. (2020), arXiv 2006.09882: SwAV's, with SimCLR's colours and blur",
        n_views=8,
    )
)
register(
    Stack(
        "supervised",
        "crop and flip",
        _CROP_SMALL,
        source=(
            "Szegedy et al. (2015), arXiv 1409.4842, section 6: areas and ratios of the crops that "
            "ResNets are trained on with labels"
        ),
        n_views=1,
    )
)
register(
    Stack(
        "small_grey",
        "small grey images",
        {
            **crop_and_flip(0.3),
            "jitter": ColourJitter(0.8, brightness=0.4, contrast=0.4, saturation=0.0, hue=0.0),
        },
        source=(
            "ours, for images as Fashion-MNIST's: without what has no meaning on grey levels (hue, "
            "saturation, greyscale), or leaves little of 28 pixels (blur, crops of a tenth)"
        ),
    )
)

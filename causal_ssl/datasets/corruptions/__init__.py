"""The 19 corruptions of ImageNet-C made on the fly, five severities each, at any image size.

    from causal_ssl.datasets.corruptions import CORRUPTIONS, corrupt

    for name, corruption in CORRUPTIONS.items():
        if corruption.kind == "test":
            for severity in range(1, 6):
                corrupted = corrupt(images, name, severity, seeds=indices)   # uint8 in and out

Parameters were published for 224 x 224. At other sizes one rule holds: a length in pixels becomes
that length times (shorter side / 224), and everything else stays.

- Lengths: radii and sigmas of blurs, the smear and flakes of snow, displacements (glass at least
  1 pixel, elastic), crystals of frost, drops of spatter.
- Not lengths: amplitudes of noise, photons, tone, zoom factors, the fraction of `pixelate`, fog
  (from the whole image down to a pixel), the quality of JPEG (its blocks stay 8 x 8).
- Where noise is smoothed (elastic, spatter), its amplitude is changed so that the smoothed noise
  has the amplitude, or the displacement the part of the image, that it has at 224 x 224.

CIFAR-10-C, published for 32 x 32, was tuned by eye instead: its defocus radii of 0.3 to 1.5 pixels
and Gaussian sigmas of 0.4 to 1 span what the rule gives (0.4 to 1.4, 0.1 to 0.9), but its noise is
weaker (0.04 to 0.1 where ImageNet-C has 0.08 to 0.38). Errors on small images are not comparable
with CIFAR-10-C's.

Differences from the published program: frost textures are made, not photographs; the distance
transform in spatter is exact; results are returned as they are, while ImageNet-C was stored as JPEG
of quality 85. Corruptions are defined on square images there; here on any.

References:
    Hendrycks and Dietterich (2019), arXiv 1903.12261.
"""

from causal_ssl.datasets.corruptions.registry import CORRUPTIONS, Corruption, corrupt

__all__ = ["CORRUPTIONS", "Corruption", "corrupt"]

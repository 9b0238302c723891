"""Names of methods for help, which must not wait for torch; a test holds them to the registry."""

NUMERICAL = "infonce, relic, relic_t, align_maxent, barlow_twins, vicreg"
"""For vectors, on views alone."""
WITH_GROUPS = f"{NUMERICAL}, supcon"
"""For vectors, on views or on groups of samples."""
PRETRAINING = "infonce, relic, relic_t, barlow_twins, vicreg, simclr, byol, moco_v2, supervised"
"""For images, with a recipe."""
ALL = sorted({*WITH_GROUPS.split(", "), *PRETRAINING.split(", ")})

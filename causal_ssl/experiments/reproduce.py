"""The command that gives a config: the nearest preset and the options that differ from it."""

from causal_ssl.experiments import options
from causal_ssl.experiments.catalogue import from_preset, presets
from causal_ssl.experiments.config import StudyConfig
from causal_ssl.parser import flag


def command(config: StudyConfig) -> str:
    """A command line that runs that config.

    Examples:
        >>> command(from_preset("numerical", "quick", methods=("relic",)))
        'causal-ssl study numerical --preset quick --methods relic --device auto'
    """
    wanted = options.flatten(options.to_dict(config))
    best: tuple[str, dict[str, object]] | None = None
    for name in presets(config.name):
        base = options.flatten(options.to_dict(from_preset(config.name, name)))
        different = {key: value for key, value in wanted.items() if base[key] != value}
        if "device" in wanted:  # named even where it is the preset's, which is "auto"
            different["device"] = wanted["device"]
        if best is None or len(different) < len(best[1]):
            best = (name, different)
    assert best is not None
    flags = [f"--{flag(key)} {_shown(value)}" for key, value in best[1].items()]
    return " ".join([f"causal-ssl study {config.name} --preset {best[0]}", *flags])


def _shown(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)

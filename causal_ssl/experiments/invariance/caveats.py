"""What a reader of the invariance report must know: what was asked, and how far it carries."""

from causal_ssl.experiments.invariance.config import InvarianceStudy


def definitions(config: InvarianceStudy) -> list[str]:
    """The quantities and the nulls of the tests."""
    return [
        "Gap: I(Y; E | f(X)) in nats, E the intervention under which a sample was drawn. Estimated"
        " twice from probes fitted under each intervention: plugged in (biased up) and on held-out"
        " samples (biased down); the interval reaches beyond both.",
        "Overlap: the mass that the laws of f(X) under two interventions share, from 0 to 1; noise"
        " of the classifier biases the estimate down, so that a true 1 reads 0.97 or so."
        " Definition 4 says nothing about values of f(X) that one of them never produces.",
        "Y ⊥ E | f: the null that the task is independent of the intervention given f(X), tested by"
        f" redrawing E from p(E | f), which was learnt from {config.auxiliary} times as many other"
        " samples.",
        "f unmoved: the stronger null that the representation of a unit does not change in"
        " distribution between two interventions, tested exactly by swapping members of"
        " counterfactual pairs; Holm-adjusted over the pairs.",
        "Proxy gap: ReLIC’s own notion, of one unit under two interventions; see its section.",
        "Controls: f = c; f = s; f = (c, s); f = c times the sign of the first style coordinate"
        " (the continuous c xor s); f = x.",
    ]


def caveats(config: InvarianceStudy) -> list[str]:
    """Sentences on how far the run's numbers carry."""
    a_cell = config.n_test * config.n_environments / config.cells
    notes = [
        "Every gap is relative to a class of probes. f = x is invariant, since x determines"
        f" content; what gap the probe class “{config.probes[0]}” finds is its own shortcoming.",
        "A gap of 0 is necessary, not sufficient: f = s has it and predicts nothing; f = (c, s) has"
        " it since c determines Y, and under hard interventions would have it whatever Y is: no"
        " value of f occurs under two of them.",
        "With many cells and few samples the plugged-in gap is mostly bias: read the interval’s"
        f" lower end. Here there are {a_cell:.0f} samples a cell of the finest task.",
        "Where f is continuous no test of conditional independence holds its level against every"
        " null: the p-value rests on how well p(E | f) is learnt. For f = x, a nonlinear mixture,"
        " rejections are to be read as a sign of that first.",
        "Encoders never saw the samples that they are tested on, and were trained with other"
        " interventions: each style dimension changed with probability"
        f" {config.p_change:g}, by a standard normal step.",
    ]
    if config.seeds < 5:
        notes.append(
            f"{config.seeds} worlds of each kind show what can happen, not how often it does."
        )
    return notes

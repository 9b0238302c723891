"""What the study of Theorem 1 checks and what it does not, in plain words."""

THE_BOUND = (
    "ReLIC trains a representation f(X) to predict a proxy label Y_R (which image is it?) alike"
    " under every intervention on style, p^do(S = s)(Y_R | f(X)) the same for all s. Theorem 1 says"
    " that then every task Y_t that the proxy refines is predicted alike, too. Behind it stands an"
    " inequality: at each value v of f, for each pair of interventions i, j and every f-divergence"
    " D, the gap of the task D(p_i(Y_t | f = v) ‖ p_j(Y_t | f = v)) is at most the gap of the proxy"
    " D(p_i(Y_R | f = v) ‖ p_j(Y_R | f = v)). That inequality is checked here, and its average"
    " I(Y_t; E | f) ≤ I(Y_R; E | f), with E the intervention drawn at random. The theorem is the"
    " case in which the right side is 0.",
    "If the task is a function of the proxy, nothing more is asked. If it is noisy, the premise is"
    " that p^do(s)(Y_t | Y_R, f) is the same for all s; it suffices that Y_t depends on nothing but"
    " Y_R. That p^do(s)(Y_t | Y_R) alone is the same for all s does not suffice.",
)

THE_MODELS = (
    "Each model draws content C, style S (caused by content in half of them), a mixing to an"
    " observation X, a deterministic or noisy representation of X, a proxy and a task; their tables"
    " are random, some entries exactly 0. Environments set style (hard), draw it from"
    " another law (soft), or both.",
)

CAVEATS = (
    "Exact here: every law is enumerated in float64, nothing is sampled or fitted. Zeros are exact,"
    " all other probabilities of tables multiples of 10⁻⁶. A violation is an excess above"
    " 10⁻¹² max(1, D); against 40-digit arithmetic the gaps were off by 2·10⁻¹⁵ of that scale at"
    " most.",
    "Not a proof: random models with a handful of values for each variable. The inequality has a"
    " proof, the data processing inequality; the study shows that premise, definitions and code fit"
    " together, and the controls show that the check can fail.",
    "Not about learnt representations: no encoder is trained and no sample drawn. On samples a gap"
    " is an estimate relative to a class of probes.",
    "A gap says nothing at values of f that one intervention never produces. If f keeps style in"
    " coordinates of its own, f = (c, s), hard interventions share no value and f is invariant for"
    " want of anything to compare; if x determines c, so is f(x) = x, since the label is a function"
    " of it. A gap of 0 is necessary, not sufficient: read it with overlap and accuracy.",
    "Infinite gaps are compared as they are: ∞ ≤ ∞ is no violation, and a finite gap of the task"
    " under an infinite one of the proxy is within the bound. The bounded divergences"
    " (Jensen-Shannon, total variation, squared Hellinger) decide those models.",
    "In the controls the bound fails in many models, not in all: a task may happen to move less"
    " than its proxy.",
)

"""Whether ReLIC's invariance penalty buys robustness: error under corruptions and do(S = s)."""

"""Self-supervised learning seen through causality, on data whose ground truth is known."""

"""What a frozen encoder is worth: `causal-ssl evaluate linear|knn|robustness`."""

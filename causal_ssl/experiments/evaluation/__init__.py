"""What an encoder is worth: `causal-ssl evaluate NAME`, a folder each."""

"""Structural causal models: mechanisms, graphs, interventions, counterfactuals, latent spaces, mixing."""

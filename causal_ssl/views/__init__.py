"""How two or more views of one sample are made: interventions on style, always recorded."""

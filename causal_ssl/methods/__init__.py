"""The registry: one entry a method = objective + target + defaults + citation."""

"""Calibration of the invariance measures: level, power, coverage, where the truth is known."""

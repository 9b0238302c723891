"""The studies: each turns a config into one tidy table, its figures and a report."""

"""Nearest neighbours of a frozen encoder's features."""

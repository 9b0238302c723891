"""Linear classifiers of a frozen encoder's features."""

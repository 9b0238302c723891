"""The same with few labelled images."""

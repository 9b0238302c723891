"""Trainers that turn a method and a source of views into an encoder."""

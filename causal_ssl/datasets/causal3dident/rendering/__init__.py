"""Rendering: one scene, two backends behind one interface."""

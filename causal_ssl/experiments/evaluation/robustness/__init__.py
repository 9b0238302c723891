"""Test sets under shift."""

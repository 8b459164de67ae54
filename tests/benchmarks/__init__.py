"""Measurements: commands that print figures, never assertions.

``make bench`` runs the quick ones.
"""

"""Evaluation as a feature: how good the shop's own models are, on given files and on the shop's own log."""

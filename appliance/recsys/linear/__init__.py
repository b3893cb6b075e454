"""Closed-form linear models of implicit feedback: a visitor's scores are s = h W, with h what the visitor did."""

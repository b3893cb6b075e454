"""The seam for the language model: the port, when to ask, and what it would have cost elsewhere."""

"""The response agent: words facts, and lets nothing leave that no store has said."""

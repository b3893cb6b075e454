"""The embedded stores: the only code that speaks SQL."""

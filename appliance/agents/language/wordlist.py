"""Word lists in code, one string each."""

from __future__ import annotations


def word_list(text: str) -> list[str]:
    """Return the words of a string that are set apart by white space."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """Return the words of a string as a set."""
    return frozenset(text.split())

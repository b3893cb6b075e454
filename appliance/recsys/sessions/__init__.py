"""What a guest will look at next: the sessions nearest to this one, sequential rules, and what was looked at before."""

from __future__ import annotations

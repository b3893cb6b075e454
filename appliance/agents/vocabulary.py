"""The language agent of a running shop: its vocabulary follows the catalogue and the owner's own words."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Protocol

from appliance.agents.language.agent import LanguageAgent
from appliance.agents.language.lexicon import ShopLexicon
from appliance.search.types import CatalogueReader

REBUILT_AT_ONCE = 2_000
"""Products up to which a change is followed by the next turn; a larger shop's vocabulary waits for ``refresh``."""


class OwnWords(Protocol):
    """The part of the owner's words that is read here."""

    @property
    def revision(self) -> int:
        """Grows with every change."""
        ...

    def entries(self) -> Mapping[str, str]:
        """Abbreviation to meaning."""
        ...


class Vocabulary:
    """Hands out a language agent that knows the shop's words; a new one replaces the old as a whole."""

    def __init__(self, catalogue: CatalogueReader, own_words: OwnWords) -> None:
        self._catalogue = catalogue
        self._own_words = own_words
        self._lock = threading.Lock()
        self._known = (-1, -1)
        self._agent = LanguageAgent(ShopLexicon())
        self.refresh()

    def agent(self) -> LanguageAgent:
        """Return the agent for the next turn."""
        if self._is_stale() and len(self._catalogue) <= REBUILT_AT_ONCE:
            self.refresh()
        return self._agent

    def refresh(self) -> None:
        """Take in what changed; 50,000 products take about a second, so a large shop calls this beside its turns."""
        with self._lock:
            revisions = self._revisions()
            if revisions == self._known:
                return
            lexicon = ShopLexicon.build(
                _titles(self._catalogue), self._catalogue.categories(), self._own_words.entries()
            )
            self._agent = LanguageAgent(lexicon)
            self._known = revisions

    def _is_stale(self) -> bool:
        return self._revisions() != self._known

    def _revisions(self) -> tuple[int, int]:
        return self._catalogue.revision, self._own_words.revision


def _titles(catalogue: CatalogueReader) -> Iterator[str]:
    for card in catalogue.cards().values():
        if card.published:
            yield card.title
            yield card.title_en
            yield from card.tags

"""When the language model is asked: only where rules are unsure or the wish is open, and only while it can answer."""

from __future__ import annotations

import threading
from collections import deque
from typing import Literal

import msgspec

from appliance.agents.model.breaker import CircuitBreaker
from appliance.agents.port import LanguageModel
from appliance.agents.types import TRANSACTIONAL, Interpretation, Utterance
from appliance.settings import Assistant

Why = Literal["no_model", "certain", "never", "unsure", "open_ended", "breaker_open", "busy", "budget_spent"]
"""Why the model is asked, or is not."""

NEVER = frozenset(
    {"human_handoff", "security_probe", "abuse", "affirm", "deny", "greeting", "thanks", "goodbye", "complaint"}
)
"""Intents that rules alone answer, whatever the confidence."""
_OPEN_ENDED_WORDS = 8
_HOUR = 3600.0


class Verdict(msgspec.Struct, frozen=True):
    """Whether to ask, and why."""

    ask: bool
    why: Why


class Policy:
    """Decides turn by turn. Holds the hour's budget; safe to use from any thread."""

    def __init__(self, settings: Assistant) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._asked: deque[float] = deque()
        self.breaker = CircuitBreaker(settings)

    def decide(
        self, model: LanguageModel | None, interpretation: Interpretation, utterance: Utterance, now: float
    ) -> Verdict:
        """Decide for one turn; a yes is counted against the budget. ``now`` is in monotonic seconds."""
        wish = self._wish(interpretation, utterance)
        if not wish.ask:
            return wish
        if model is None:
            return Verdict(False, "no_model")
        if model.load >= self._settings.model_load:
            return Verdict(False, "busy")
        if not self._has_budget(now):
            return Verdict(False, "budget_spent")
        # Last, because the breaker's one try after a pause is spent by asking.
        if not self.breaker.allows(now):
            return Verdict(False, "breaker_open")
        self._spend(now)
        return wish

    def _wish(self, interpretation: Interpretation, utterance: Utterance) -> Verdict:
        intent = interpretation.intent
        if intent in NEVER or utterance.screen:
            return Verdict(False, "never")
        if intent in TRANSACTIONAL and interpretation.confidence >= self._settings.unsure_below:
            return Verdict(False, "certain")
        if interpretation.confidence < self._settings.unsure_below:
            return Verdict(True, "unsure")
        open_ended = intent == "product_recommend" and len(utterance.core) >= _OPEN_ENDED_WORDS
        return Verdict(True, "open_ended") if open_ended else Verdict(False, "certain")

    def _has_budget(self, now: float) -> bool:
        with self._lock:
            while self._asked and self._asked[0] < now - _HOUR:
                self._asked.popleft()
            return len(self._asked) < self._settings.model_turns_per_hour

    def _spend(self, now: float) -> None:
        with self._lock:
            self._asked.append(now)

"""Keeps the index over the owner's example phrases in step with the store."""

from __future__ import annotations

from appliance.agents.intent.classifier import canonical
from appliance.agents.intent.examples import OwnExamples
from appliance.store.intent_examples import IntentExampleRepository


class OwnPhrases:
    """Hands out the index; built anew, in milliseconds, with the first turn after a change."""

    def __init__(self, repository: IntentExampleRepository) -> None:
        self._repository = repository
        self._built: tuple[int, OwnExamples | None] = (-1, None)

    def examples(self) -> OwnExamples | None:
        """Return the index over all examples, or ``None`` when there are none."""
        revision = self._repository.revision
        built, index = self._built
        if built != revision:
            pairs = [(example.intent, example.text) for example in self._repository.entries()]
            index = OwnExamples(pairs, canonical().vectoriser) if pairs else None
            # One assignment of a pair: a turn in another thread sees the old index or the new one.
            self._built = (revision, index)
        return index

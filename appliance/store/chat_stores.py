"""The stores of the assistant, opened together because they share one writer."""

from __future__ import annotations

from collections.abc import Callable

from appliance.settings import Assistant
from appliance.store.contacts import Pseudonym
from appliance.store.conversations import ConversationRepository
from appliance.store.faq import FaqRepository
from appliance.store.group_writer import GroupWriter
from appliance.store.intent_examples import IntentExampleRepository
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.orders import OrderRepository
from appliance.store.shop_words import ShopWordRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.unanswered import UnansweredRepository


class ChatStores:
    """Everything that the assistant remembers."""

    def __init__(self, store: SqliteStore, settings: Assistant, pseudonym: Pseudonym, now: Callable[[], float]) -> None:
        self._read_only = store.read_only
        self._keep_days = settings.keep_days
        self._now = now
        self.writer = GroupWriter(store)
        self.faq = FaqRepository(store, now)
        self.orders = OrderRepository(store, self.writer, pseudonym, now)
        self.conversations = ConversationRepository(store, self.writer, settings)
        self.unanswered = UnansweredRepository(store, self.writer)
        self.intent_examples = IntentExampleRepository(store, now)
        self.order_requests = OrderRequestRepository(store, now)
        self.shop_words = ShopWordRepository(store, now)

    def purge(self) -> int:
        """Delete conversations and resolved order requests past their days and return how many went.

        Raises ``ApplianceError``.
        """
        if self._read_only:
            return 0
        before = self._now() - self._keep_days * 86_400.0
        return self.conversations.purge(before) + self.order_requests.purge(before)

    def close(self) -> None:
        """Write what waits; to be called before the store closes."""
        self.writer.close()

"""The assistant as a part of the process: opened once, looked after, off where it cannot be opened."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from appliance.agents.assembly import build_assistant
from appliance.agents.conversations import Conversations
from appliance.agents.pipeline import Assistant, TurnInput
from appliance.agents.port import LanguageModel
from appliance.agents.preview import Preview, preview
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.types import DialogueState
from appliance.agents.vocabulary import Vocabulary
from appliance.errors import ApplianceError, Unavailable
from appliance.issues import IssueBoard, Severity
from appliance.messages import Locale
from appliance.metrics import Metrics
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.chat_stores import ChatStores

_ISSUE = "assistant"

log = structlog.get_logger(__name__)


class Desk:
    """Holds the conversations of a process. Safe to use from any thread."""

    def __init__(
        self,
        catalogue: Catalogue,
        search: SearchService,
        recommender: RecommendationService,
        stores: ChatStores,
        settings: Settings,
        metrics: Metrics,
        issues: IssueBoard,
        model: Callable[[], LanguageModel | None] = lambda: None,
    ) -> None:
        self._catalogue = catalogue
        self._search = search
        self._recommender = recommender
        self._stores = stores
        self._settings = settings
        self._metrics = metrics
        self._issues = issues
        self._model = model
        self._lock = threading.Lock()
        self._tried = False
        self._vocabulary: Vocabulary | None = None
        self._assistant: Assistant | None = None
        self._faq: FaqSearch | None = None
        self._conversations: Conversations | None = None

    @property
    def answers(self) -> bool:
        """Whether shoppers are answered, as far as is known before the first use."""
        return self._settings.assistant.enabled and (self._conversations is not None or not self._tried)

    def conversations(self) -> Conversations:
        """Return the service; the first call opens it. Raises ``Unavailable`` when it cannot be opened."""
        self.open()
        if self._conversations is None:
            raise _off()
        return self._conversations

    def preview(self, question: str, locale: Locale | None, now: float) -> Preview:
        """Say what would be answered, also while the owner keeps the assistant from shoppers; nothing is kept.

        Raises ``Unavailable`` when the assistant cannot be opened.
        """
        self.open()
        if self._assistant is None or self._faq is None:
            raise _off()
        return preview(self._assistant, self._faq, question, locale, now)

    def open(self) -> None:
        """Open the assistant, once; what keeps it from opening is reported as an issue and never raised."""
        with self._lock:
            if self._tried:
                return
            self._tried = True
            try:
                self._open()
            except (ApplianceError, OSError, ValueError) as error:
                # The shop goes on without its assistant.
                log.error("assistant_not_opened", error=str(error))
                self._issues.report(_ISSUE, "assistant_off", Severity.ERROR, "assistant", str(error)[:300])

    def warm(self) -> None:
        """Answer two messages that nobody sent, so that the first shopper does not wait for what is loaded lazily."""
        assistant = self._assistant
        if assistant is None:
            return
        for message in ("shop ơi có balo nào dưới 500k không", "do you have backpacks under 500k?"):
            try:
                assistant.turn(TurnInput(message=message, state=DialogueState(), session_id="warm"))
            except Exception as error:
                # Shoppers get an apology for the same; there is a person to tell then.
                log.error("assistant_not_warm", exc_info=error)

    def look_after(self) -> None:
        """Follow the catalogue's words, and tell the owner who waits for a person. Raises ``ApplianceError``."""
        self.learn_words()
        self.count_waiting()

    def learn_words(self) -> None:
        """Take in the words of shop and catalogue as they are now; nothing to do where they have not changed."""
        if self._vocabulary is not None:
            self._vocabulary.refresh()

    def count_waiting(self) -> None:
        """Tell the owner who waits for a person; to be called when a person took or left a conversation."""
        if self._conversations is not None:
            self._conversations.count_waiting()

    def close(self) -> None:
        """Let the running turns end."""
        if self._conversations is not None:
            self._conversations.close()

    def _open(self) -> None:
        stores = self._stores
        vocabulary, faq = Vocabulary(self._catalogue, stores.shop_words), FaqSearch(stores.faq)
        assistant = build_assistant(
            self._catalogue, self._search, self._recommender, stores, faq, vocabulary, self._settings, self._model
        )
        self._vocabulary, self._assistant, self._faq = vocabulary, assistant, faq
        self._conversations = Conversations(
            assistant, stores.conversations, stores.unanswered, self._settings, self._metrics, self._issues
        )


def _off() -> Unavailable:
    return Unavailable("The shop assistant is off at the moment.", retry_after=60, hint="`appliance status` says why.")

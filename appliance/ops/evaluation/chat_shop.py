"""The assistant of a shop that exists for one evaluation: products from a file, or a copy of the owner's store.

Nothing of the owner's data directory is written: a case leaves no trace, whether or not the process runs.
"""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from appliance.agents.assembly import build_assistant
from appliance.agents.pipeline import Assistant
from appliance.agents.service.retrieval import FaqSearch
from appliance.agents.vocabulary import Vocabulary
from appliance.issues import IssueBoard
from appliance.metrics import Metrics
from appliance.ops.evaluation.records import read_products
from appliance.ops.keys import FILE_NAME as KEYS
from appliance.ops.keys import load_keys
from appliance.recsys.service import RecommendationService
from appliance.search.build import build_index
from appliance.search.service import SearchService
from appliance.settings import Settings
from appliance.store.catalogue import Catalogue
from appliance.store.chat_stores import ChatStores
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.rules import RuleRepository
from appliance.store.sqlite import SqliteStore
from appliance.text import fold

_FILE = "catalogue.db"


@dataclass(frozen=True)
class ChatShop:
    """An assistant and what an evaluation needs to know of its shop."""

    assistant: Assistant
    currency: str
    ids: dict[str, str]
    """Folded title to product id, in both languages."""


@contextmanager
def chat_shop(data_dir: Path, settings: Settings, products: Path | None) -> Iterator[ChatShop]:
    """Hand out the assistant over a store of its own: the products of a file, or a copy of the data directory's store.

    Raises ``InvalidInput`` for a file that cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="appliance-chat-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        if products is None:
            _copy(data_dir / _FILE, place / _FILE)
        owned = products is None and (data_dir / KEYS).exists()
        keys = load_keys(data_dir if owned else place)
        store = SqliteStore(place / _FILE, MIGRATIONS)
        stores = ChatStores(store, settings.assistant, keys.pseudonym, time.time)
        try:
            catalogue = Catalogue(store, currency=settings.shop.currency)
            if products is not None:
                catalogue.upsert(read_products(products).products)
            yield _opened(catalogue, store, stores, settings, place)
        finally:
            stores.close()
            store.close()


def _opened(catalogue: Catalogue, store: SqliteStore, stores: ChatStores, settings: Settings, folder: Path) -> ChatShop:
    metrics, issues = Metrics(), IssueBoard()
    search = SearchService(catalogue, settings, metrics, issues)
    index = folder / "index"
    index.mkdir()
    build_index(catalogue.iter_products(), index, total=len(catalogue))
    search.load(index)
    recommender = RecommendationService(catalogue, RuleRepository(store).list, settings, metrics, issues)
    vocabulary = Vocabulary(catalogue, stores.shop_words)
    faq = FaqSearch(stores.faq)
    assistant = build_assistant(catalogue, search, recommender, stores, faq, vocabulary, settings)
    ids = {
        fold(title): card.id for card in catalogue.cards().values() for title in (card.title_en, card.title) if title
    }
    return ChatShop(assistant, settings.shop.currency, ids)


def _copy(source: Path, target: Path) -> None:
    """Copy a SQLite file as of one moment, beside a process that may be writing to it; an absent one stays absent."""
    if not source.exists():
        return
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reader,
        closing(sqlite3.connect(target)) as writer,
    ):
        reader.backup(writer)

"""What the recommender is told of sign-ins that the journal still holds at a start."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from oldstack_shop import NOW, OldStackShop

from appliance.domain import Interaction
from appliance.ops.recollection import Recollection
from appliance.store.journal_rows import Identification
from appliance.store.privacy import PrivacyRepository


class _Told:
    """Notes what a recommender is told."""

    def __init__(self) -> None:
        self.links: list[tuple[str, str]] = []

    def observe(self, interactions: Sequence[Interaction]) -> None:
        """Take no note of events."""

    def identify(self, session_id: str, user_id: str) -> None:
        """Note a link."""
        self.links.append((session_id, user_id))


def test_links_of_an_imported_history_are_left_to_the_log(tmp_path: Path) -> None:
    shop = OldStackShop(tmp_path / "data")
    asyncio.run(shop.journal.identify("s1", "cus_new"))
    shop.local.links([Identification("s1", "cus_old", NOW), Identification("s2", "cus_2", NOW)])
    told = _Told()
    privacy = PrivacyRepository(shop.catalogue_store)
    recollection = Recollection(cast("Any", told), cast("Any", None), privacy, shop.log, lambda: NOW)
    recollection.replay(shop.journal)
    recollection.rebuild_profiles(threading.Event())
    assert told.links == [("s1", "cus_new")]
    assert shop.merger.flush()
    assert shop.links() == [("s1", "cus_new"), ("s2", "cus_2")]
    shop.close()

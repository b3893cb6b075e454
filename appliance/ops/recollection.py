"""What a restart must not forget: recent visits, last clicks, what was shown and what sells."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import msgspec
import structlog

from appliance.domain import Interaction, InteractionType
from appliance.errors import ApplianceError
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.journal_rows import Identification
from appliance.store.privacy import PrivacyRepository

log = structlog.get_logger(__name__)

_REBUILT_VISITORS = 10_000
"""Visitors whose recent interactions are read back at start."""
_REPLAYED_RECORDS = 20_000
"""Newest records of the journal that are shown to the recommender before the first request."""
_SALES_WINDOW = 30 * 86_400.0
_EXPOSURE_WINDOW = 60 * 86_400.0


class Recollection:
    """Shows the recommender and search what happened, once each, before and after the start."""

    def __init__(
        self,
        recommender: RecommendationService,
        search: SearchService,
        privacy: PrivacyRepository,
        interactions: InteractionLog | None,
        now: Callable[[], float],
    ) -> None:
        self._recommender = recommender
        self._search = search
        self._privacy = privacy
        self._log = interactions
        self._now = now
        self._observed: set[str] | None = set()
        """Ids of the events that the recommender was shown since the start, until the log was read back."""
        self._links: list[Identification] = []

    def observe(self, interactions: Sequence[Interaction]) -> None:
        """Show new events to the recommender, once, though the log may hold them before it was read back."""
        if self._observed is not None:
            self._observed.update(interaction.event_id for interaction in interactions)
        self._recommender.observe(interactions)

    def replay(self, journal: Journal) -> None:
        """Show what the log does not hold yet to the recommender: the last clicks before a restart."""
        try:
            merged_to = self._log.watermark(journal.identity) if self._log else 0
            for row in journal.latest(merged_to, _REPLAYED_RECORDS):
                if row.kind == "events":
                    self.observe(self._privacy.veiled(msgspec.json.decode(row.payload, type=list[Interaction])))
                elif row.kind == "identify":
                    found = msgspec.json.decode(row.payload, type=list[Identification])
                    # Those of an imported history are the log's to apply: it knows which sessions are linked already.
                    self._links += [link for link in found if not link.past]
        except (ApplianceError, msgspec.DecodeError) as error:
            log.warning("journal_not_replayed", error=str(error))

    def rebuild_profiles(self, stopping: threading.Event) -> None:
        """Read recent visits back from the log, so that a restart forgets no visitor; ends early when stopping."""
        try:
            for interactions in self._log.recent_visitors(_REBUILT_VISITORS) if self._log else ():
                known: set[str] = self._observed or set()
                fresh = [interaction for interaction in interactions if interaction.event_id not in known]
                self._recommender.observe(self._privacy.veiled(fresh))
                if stopping.is_set():
                    return
        except ApplianceError as error:
            log.warning("profiles_not_rebuilt", error=error.message)
        # Only now does the session's profile hold all that the customer is to get.
        for link in self._links:
            if not self._privacy.is_opted_out(link.session_id, link.user_id):
                self._recommender.identify(link.session_id, link.user_id)
        self._links, self._observed = [], None

    def restore_exposure(self) -> None:
        """Tell the recommender what was shown and clicked before the start, so that new products are not tried anew."""
        if self._log is None:
            return
        try:
            self._recommender.restore_exposure(self._log.attribution.product_exposure(self._now() - _EXPOSURE_WINDOW))
        except ApplianceError as error:
            log.warning("exposure_not_read", error=error.message)

    def rank_by_sales(self) -> None:
        """Tell search what sells, for its best-selling order."""
        if self._log is None:
            return
        sold: dict[str, float] = {}
        try:
            for count in self._log.popular(self._now() - _SALES_WINDOW):
                if count.interaction_type == InteractionType.PURCHASE:
                    sold[count.product_id] = sold.get(count.product_id, 0.0) + count.weight
            self._search.set_popularity(sold)
        except ApplianceError as error:
            log.warning("sales_not_read", error=error.message)

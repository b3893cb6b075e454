"""Composition root: opens the stores, wires the services, starts and stops them in order.

A part that fails to open is switched off and reported as an issue; the shop serves what is left. Only the catalogue
is indispensable.
"""

from __future__ import annotations

import gc
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from appliance.agents.conversations import Conversations
from appliance.agents.desk import Desk
from appliance.errors import ApplianceError
from appliance.issues import IssueBoard, Severity
from appliance.jobs.queue import JobQueue
from appliance.jobs.schedule import training_entries
from appliance.jobs.synchronising import WORKERS, Synchroniser
from appliance.jobs.tasks import model_kinds
from appliance.medusa.purchases import PurchaseLedger, PurchaseRecorder
from appliance.medusa.service import MedusaService
from appliance.metrics import Metrics
from appliance.ops.access import Access
from appliance.ops.keys import Keys, load_keys
from appliance.ops.parts import PartState, Readiness, Switch
from appliance.ops.recollection import Recollection
from appliance.ops.training import Trainer
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.settings import LoadedSettings, Settings
from appliance.store.analytics import Analytics
from appliance.store.artifacts import ArtifactStore
from appliance.store.cache import Cache
from appliance.store.catalogue import Catalogue
from appliance.store.chat_analytics import ChatAnalytics
from appliance.store.chat_stores import ChatStores
from appliance.store.conversations import ConversationRepository
from appliance.store.experiments import ExperimentRepository
from appliance.store.faq import FaqRepository
from appliance.store.ingest import Ingest
from appliance.store.intent_examples import IntentExampleRepository
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.merger import Merger
from appliance.store.migrations.catalogue import MIGRATIONS as CATALOGUE_MIGRATIONS
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.orders import OrderRepository
from appliance.store.privacy import PrivacyRepository
from appliance.store.purchases import PurchaseRepository
from appliance.store.rules import RuleRepository
from appliance.store.shop_words import ShopWordRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository
from appliance.store.tokens import TokenRepository
from appliance.store.unanswered import UnansweredRepository

log = structlog.get_logger(__name__)

_HOUSEKEEPING_SECONDS = 5.0
_PURGE_SECONDS = 3600.0


@dataclass
class Runtime:
    """Everything that one process holds: the stores that opened, and the services over them."""

    data_dir: Path
    loaded: LoadedSettings
    issues: IssueBoard
    metrics: Metrics
    store: SqliteStore
    journal: Journal | None
    analytics: Analytics | None
    log: InteractionLog | None
    safe_mode: bool = False
    now: Callable[[], float] = time.time
    catalogue: Catalogue = field(init=False)
    tokens: TokenRepository = field(init=False)
    privacy: PrivacyRepository = field(init=False)
    rules: RuleRepository = field(init=False)
    experiments: ExperimentRepository = field(init=False)
    state: StateRepository = field(init=False)
    access: Access = field(init=False)
    chat: ChatStores = field(init=False)
    faq: FaqRepository = field(init=False)
    orders: OrderRepository = field(init=False)
    conversations: ConversationRepository = field(init=False)
    unanswered: UnansweredRepository = field(init=False)
    intent_examples: IntentExampleRepository = field(init=False)
    order_requests: OrderRequestRepository = field(init=False)
    shop_words: ShopWordRepository = field(init=False)
    chat_analytics: ChatAnalytics = field(init=False)
    desk: Desk = field(init=False)
    artifacts: ArtifactStore = field(init=False)
    cache: Cache = field(init=False)
    search: SearchService = field(init=False)
    recommender: RecommendationService = field(init=False)
    ingest: Ingest | None = None
    merger: Merger | None = None
    trainer: Trainer = field(init=False)
    medusa: MedusaService | None = None
    synchroniser: Synchroniser | None = None
    jobs: JobQueue | None = None
    local_token: str = field(default_factory=lambda: f"adm_{secrets.token_hex(32)}")
    """Admin token of this process's lifetime; the command line reads it from ``process.json``."""
    started: bool = False
    _stopping: threading.Event = field(default_factory=threading.Event)
    _housekeeper: threading.Thread | None = None
    _memory: Recollection = field(init=False)
    _jobs_started: bool = False
    _wants_training: bool = False
    _keys: Keys = field(init=False)
    _ledger: PurchaseLedger = field(init=False)

    def __post_init__(self) -> None:
        settings, issues, metrics, now = self.settings, self.issues, self.metrics, self.now
        self.catalogue = Catalogue(self.store, currency=settings.shop.currency, now=now)
        self.tokens, self.state = TokenRepository(self.store, now), StateRepository(self.store)
        self.privacy, self.rules = PrivacyRepository(self.store, now), RuleRepository(self.store)
        self.experiments = ExperimentRepository(self.store, now)
        keys = self._keys = load_keys(self.data_dir)
        self._ledger = PurchaseLedger()
        self.access = Access(self.tokens, self.state, keys, settings, now)
        chat = self.chat = ChatStores(self.store, settings.assistant, keys.pseudonym, now)
        self.faq, self.orders, self.conversations = chat.faq, chat.orders, chat.conversations
        self.unanswered, self.intent_examples = chat.unanswered, chat.intent_examples
        self.order_requests, self.shop_words = chat.order_requests, chat.shop_words
        self.artifacts = ArtifactStore(self.data_dir / "models", now=now)
        self.cache = Cache(self.data_dir / "cache", settings.cache, metrics, issues, now=now)
        self.search = SearchService(self.catalogue, settings, metrics, issues)
        self.recommender = RecommendationService(self.catalogue, self.rules.list, settings, metrics, issues, now)
        self.chat_analytics = ChatAnalytics(self.store, chat.writer)
        self.desk = Desk(self.catalogue, self.search, self.recommender, chat, settings, metrics, issues)
        self.trainer = Trainer(
            self.data_dir, self.catalogue, self.log, self.artifacts, settings, opted_out=self.privacy.opted_out
        )
        self._memory = Recollection(self.recommender, self.search, self.privacy, self.log, now)
        if self.journal:
            purchases = self._ledger.recognise
            self.ingest = Ingest(self.journal, self.catalogue, self.privacy, settings, metrics, now, purchases)
        if self.journal and self.log:
            self.merger = Merger(self.journal, self.log, self.catalogue, settings, metrics, issues)

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    @property
    def talk(self) -> Conversations:
        """What answers shoppers. Raises ``Unavailable`` while it is off."""
        return self.desk.conversations()

    @classmethod
    def open(
        cls, data_dir: Path, loaded: LoadedSettings, *, now: Callable[[], float] = time.time, safe_mode: bool = False
    ) -> Runtime:
        """Open the stores and load what was trained; nothing runs in the background yet.

        In safe mode neither the log, the models nor the jobs are opened: catalogue, search and rules answer, and
        events wait in the journal. Raises ``StoreError`` when the catalogue cannot be opened.
        """
        settings = loaded.settings
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        issues, metrics = IssueBoard(now), Metrics()
        store = SqliteStore(data_dir / "catalogue.db", CATALOGUE_MIGRATIONS, now=now)
        off = Switch(issues)
        journal = off.unless(lambda: Journal(data_dir / "journal.db", settings.ingest, metrics, now, issues), "ingest")
        analytics = None
        if not safe_mode:
            analytics = off.unless(lambda: Analytics(data_dir, settings.analytics, metrics, issues), "analytics")
        interactions = off.unless(lambda: InteractionLog(analytics), "analytics") if analytics else None
        runtime = cls(data_dir, loaded, issues, metrics, store, journal, analytics, interactions, safe_mode, now)
        if store.read_only:
            issues.report("read_only", "read_only", Severity.ERROR, "catalogue", f"{data_dir} cannot be written to")
        runtime._wire()
        return runtime

    def _wire(self) -> None:
        """Let changes flow: catalogue to search and recommender, events to profiles, trainings to the services."""
        self.catalogue.subscribe(self.search.apply)
        self.catalogue.subscribe(self.recommender.apply)
        if self.ingest:
            self.ingest.subscribe(self._memory.observe)
            self.ingest.subscribe_links(self.recommender.identify)
        self.trainer.on_published = self._published
        self._load_search()
        if not self.safe_mode:
            self._load_recommender()
            settings = self.settings
            if settings.medusa.url:
                self.medusa = Switch(self.issues).unless(self._connect_medusa, "medusa")
            kinds, schedule = model_kinds(self.trainer), training_entries(settings)
            if self.medusa is not None:
                step = self.synchroniser = Synchroniser(self.medusa, settings, self.now)
                kinds, schedule = kinds + step.kinds(), schedule + step.entries()
            self.jobs = Switch(self.issues).unless(
                lambda: JobQueue(
                    self.data_dir / "jobs.db",
                    kinds,
                    self.metrics,
                    self.issues,
                    self.now,
                    schedule=schedule,
                    timezone=settings.shop.timezone,
                    workers=WORKERS,
                ),
                "jobs",
            )
        else:
            self.issues.report("safe_mode", "safe_mode", Severity.ERROR, "process", "three crashes in a row")

    def _connect_medusa(self) -> MedusaService:
        """Make what keeps the shop in step with its Medusa; nothing is sent yet."""
        return MedusaService(
            self.store,
            self.catalogue,
            self.orders,
            self.settings,
            self.issues,
            self.now,
            counting=self._purchase_recorder(),
            recommender=self.recommender,
        )

    def _purchase_recorder(self) -> PurchaseRecorder | None:
        if self.log is None or self.journal is None:
            return None
        book, pseudonym = PurchaseRepository(self.store), self._keys.pseudonym
        stores = (book, self.log, self.journal, self.catalogue, self.privacy)
        return PurchaseRecorder(*stores, self.settings, pseudonym, self._ledger, self.now)

    def start(self) -> None:
        """Start the background threads; needs no event loop."""
        if self.journal:
            self.journal.start()
            self._memory.replay(self.journal)
        if self.merger:
            self.merger.start()
        self._start_jobs()
        self.desk.open()
        self.started = True
        # What was loaded stays for the life of the process; a full collection would walk it while shoppers wait.
        gc.freeze()
        self._housekeeper = threading.Thread(target=self._keep_house, name="housekeeper", daemon=True)
        self._housekeeper.start()

    def _start_jobs(self) -> None:
        """Start the job queue; on a full or read-only disk it is tried again by the housekeeper."""
        if self.jobs is None or self._jobs_started:
            return
        try:
            self.jobs.start()
        except ApplianceError as error:
            self.issues.report("jobs_start", "jobs_off", Severity.ERROR, "jobs", error.message)
            return
        self._jobs_started = True
        self.issues.cure("jobs_start")
        if self.synchroniser is not None:
            self.synchroniser.start(self.jobs)

    def stop(self) -> None:
        """Stop in the reverse order and close every store; safe to call after a failed start, and twice."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        if self._housekeeper:
            self._housekeeper.join(timeout=2)
        # Not before: the housekeeper freezes once more, and what is frozen at the end is never collected.
        gc.unfreeze()
        if self.medusa:
            self.medusa.stop()
        if self.jobs:
            self.jobs.stop()
        if self.medusa:
            self.medusa.close()
        if self.started and self.merger:
            self.merger.stop()
        self.desk.close()
        self.recommender.close()
        self.chat.close()
        for part in (self.journal, self.log, self.analytics, self.cache, self.store):
            if part is None:
                continue
            try:
                part.close()
            except (ApplianceError, OSError) as error:
                # One that cannot be closed must not keep the others open.
                log.error("part_not_closed", part=type(part).__name__, error=str(error))

    def readiness(self) -> Readiness:
        """Say what can be served right now."""
        parts: dict[str, PartState] = {
            "catalogue": "ok",
            "search": "ok" if self.search.ready else "starting",
            "recommender": "ok" if self.recommender.model else "degraded",
            "ingest": "ok" if self.ingest else "off",
            "analytics": "ok" if self.log else "off",
            "jobs": "ok" if self.jobs else "off",
            "assistant": "ok" if self.desk.answers else "off",
            "cache": "ok",
            "medusa": "ok" if self.medusa else "off",
        }
        for issue in self.issues.open():
            if parts.get(issue.part) == "ok" and issue.severity is not Severity.INFO:
                parts[issue.part] = "degraded"
        return Readiness(ready=self.started, parts=parts, safe_mode=self.safe_mode)

    def _load_search(self) -> None:
        if not self._load("search", "search_artifact", "search_index_off", self.search.load):
            self.search.start()

    def _load_recommender(self) -> None:
        self._load("recommender", "recommender_model", "recommender_model_off", self.recommender.load)
        model = self.recommender.model
        if model is not None and not model.tuned:
            self._wants_training = True

    def _load(self, kind: str, issue: str, code: str, load: Callable[[Path], None]) -> bool:
        """Load the best version of an artifact; a damaged one stays where it is, reported until it is replaced."""
        try:
            artifact = self.artifacts.current(kind)
            if artifact is None:
                self._wants_training = len(self.catalogue) > 0
                return False
            load(artifact.path)
            rejected = "; ".join(artifact.rejected)
        except (ApplianceError, OSError, ValueError) as error:
            log.error("artifact_not_loaded", kind=kind, error=str(error))
            self.issues.report(issue, code, Severity.ERROR, kind, str(error))
            self._wants_training = True
            return False
        if rejected:
            self.issues.report(issue, f"{kind}_older_version", Severity.WARNING, kind, rejected)
            self._wants_training = True
        return True

    def _published(self, kind: str, path: Path) -> None:
        """Take over what a training published."""
        if kind == "search":
            self.search.load(path)
            self.issues.cure("search_artifact")
        elif kind == "recommender":
            self.recommender.load(path)
            self.issues.cure("recommender_model")
            self._memory.rank_by_sales()
            if self.synchroniser:
                self.synchroniser.trained()

    def _keep_house(self) -> None:
        """Catch up on what only delays answers, then look after the index, until the process stops."""
        self.desk.warm()
        self._memory.rebuild_profiles(self._stopping)
        self._memory.rank_by_sales()
        self._memory.restore_exposure()
        gc.freeze()
        purged_at = float("-inf")
        while not self._stopping.wait(_HOUSEKEEPING_SECONDS):
            self._start_jobs()
            try:
                self._rebuild()
                if self.synchroniser:
                    self.synchroniser.look_after()
                self.desk.look_after()
                if self.now() - purged_at > _PURGE_SECONDS:
                    purged_at = self.now()
                    self.chat.purge()
            except ApplianceError as error:
                log.warning("housekeeping_failed", error=error.message)

    def _rebuild(self) -> None:
        """Have a missing or damaged model made, once, unless the owner trains by hand; and a worn index anew."""
        if self.jobs is None:
            return
        if self._wants_training and self.settings.recommender.retrain_hours:
            self.jobs.submit("train")
            self._wants_training = False
        elif self.search.wants_rebuild and not self.jobs.active("train"):
            self.jobs.submit("train", {"search_only": True})

    def opt_out(self, session_id: str, user_id: str) -> None:
        """Stop profiling a session, a customer or both and forget what was learned; raises ``InvalidInput``."""
        self.privacy.opt_out(session_id, user_id)
        self.recommender.forget(user_id, session_id)
        if self.log is None or not user_id:
            return
        try:
            self.log.forget_preferences(user_id)
        except ApplianceError as error:
            # Nobody is served from them any more, and the next training leaves them out.
            log.warning("preferences_not_forgotten", error=error.message)

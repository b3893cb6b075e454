"""Composition root: opens the stores, wires the services, starts and stops them in order.

A part that fails to open is switched off and reported as an issue; the shop serves what is left. Only the catalogue
is indispensable.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from appliance.domain import CatalogueChange, Interaction
from appliance.errors import ApplianceError, ArtifactInvalid
from appliance.issues import IssueBoard, Severity
from appliance.jobs.queue import JobContext, JobQueue
from appliance.jobs.schedule import Schedule
from appliance.metrics import Metrics
from appliance.ops.access import Access
from appliance.ops.keys import Keys
from appliance.ops.training import Trainer
from appliance.recsys.service import RecommendationService
from appliance.search.service import SearchService
from appliance.settings import LoadedSettings, Settings
from appliance.store.analytics import Analytics
from appliance.store.artifacts import ArtifactStore
from appliance.store.cache import Cache
from appliance.store.catalogue import Catalogue
from appliance.store.ingest import Ingest
from appliance.store.interactions import InteractionLog
from appliance.store.journal import Journal
from appliance.store.merger import Merger
from appliance.store.migrations.catalogue import MIGRATIONS as CATALOGUE_MIGRATIONS
from appliance.store.privacy import PrivacyRepository
from appliance.store.rules import RuleRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.state import StateRepository
from appliance.store.tokens import TokenRepository

log = structlog.get_logger(__name__)

PartState = Literal["ok", "degraded", "off", "starting"]


class Readiness(msgspec.Struct, frozen=True):
    """Whether the shop can be served, and the state of each part."""

    ready: bool
    parts: dict[str, PartState]
    safe_mode: bool = False


@dataclass
class Runtime:
    """Everything that one process holds."""

    data_dir: Path
    loaded: LoadedSettings
    issues: IssueBoard
    metrics: Metrics
    catalogue: Catalogue
    tokens: TokenRepository
    privacy: PrivacyRepository
    rules: RuleRepository
    state: StateRepository
    access: Access
    artifacts: ArtifactStore
    cache: Cache
    search: SearchService
    recommender: RecommendationService
    journal: Journal | None
    ingest: Ingest | None
    analytics: Analytics | None
    log: InteractionLog | None
    merger: Merger | None
    jobs: JobQueue | None
    now: Callable[[], float] = time.time
    local_token: str = field(default_factory=lambda: f"adm_{secrets.token_hex(32)}")
    """Admin token of this process's lifetime; the command line reads it from ``process.json``."""

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

"""Every metric object of the process, named once. Labels come from closed sets only."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """The metrics of one process, in a registry of their own so that tests do not share counts."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.http_requests = Counter(
            "appliance_http_requests", "Requests answered", ["route", "method", "status"], registry=registry
        )
        self.http_seconds = Histogram(
            "appliance_http_request_seconds", "Time to answer", ["route"], buckets=_FAST, registry=registry
        )
        self.rate_limited = Counter("appliance_http_rate_limited", "Requests refused by the limiter", registry=registry)
        self.events_accepted = Counter("appliance_ingest_events_accepted", "Events acknowledged", registry=registry)
        self.events_rejected = Counter(
            "appliance_ingest_events_rejected", "Events refused", ["code"], registry=registry
        )
        self.journal_pending = Gauge("appliance_ingest_pending", "Events waiting for the disk", registry=registry)
        self.journal_lag = Gauge(
            "appliance_ingest_journal_lag", "Journalled events not yet in the log", registry=registry
        )
        self.journal_commit_seconds = Histogram(
            "appliance_ingest_commit_seconds", "Time of one group commit", buckets=_FAST, registry=registry
        )
        self.events_parked = Gauge(
            "appliance_ingest_parked", "Events whose product is unknown so far", registry=registry
        )
        self.merge_seconds = Histogram(
            "appliance_ingest_merge_seconds", "Time of one merge into the log", buckets=_FAST, registry=registry
        )
        self.query_seconds = Histogram(
            "appliance_store_query_seconds", "Time of a named query", ["query"], buckets=_FAST, registry=registry
        )
        self.cache_requests = Counter("appliance_cache_requests", "Cache look-ups", ["result"], registry=registry)
        self.recommendations = Counter(
            "appliance_recommendations", "Recommendations answered", ["placement", "strategy"], registry=registry
        )
        self.searches = Counter("appliance_searches", "Searches answered", ["result"], registry=registry)
        self.jobs = Counter("appliance_jobs", "Jobs ended", ["kind", "state"], registry=registry)
        self.products = Gauge("appliance_catalogue_products", "Published products", registry=registry)
        self.issues = Gauge("appliance_issues_open", "Open problems", ["severity"], registry=registry)
        self._add_medusa(registry)
        self._add_chat(registry)

    def _add_medusa(self, registry: CollectorRegistry) -> None:
        self.medusa_up = Gauge("appliance_medusa_up", "Whether Medusa answers", registry=registry)
        self.medusa_requests = Gauge(
            "appliance_medusa_requests", "Requests sent to Medusa by this process", registry=registry
        )
        self.medusa_outbox = Gauge(
            "appliance_medusa_outbox", "The owner's edits on their way to Medusa", ["state"], registry=registry
        )
        self.medusa_events_waiting = Gauge(
            "appliance_medusa_events_waiting", "Events of Medusa that were not followed yet", registry=registry
        )
        self.medusa_pass_seconds = Gauge(
            "appliance_medusa_pass_seconds", "Time of the last pass over Medusa", ["mode"], registry=registry
        )
        self.medusa_pass_age_seconds = Gauge(
            "appliance_medusa_pass_age_seconds", "Time since the last pass over Medusa", ["mode"], registry=registry
        )

    def _add_chat(self, registry: CollectorRegistry) -> None:
        self.chat_turns = Counter(
            "appliance_chat_turns", "Messages of shoppers answered", ["handled_by", "group"], registry=registry
        )
        self.chat_agent_seconds = Histogram(
            "appliance_chat_agent_seconds", "Time of one agent in a turn", ["agent"], buckets=_FAST, registry=registry
        )
        self.chat_seconds = Histogram(
            "appliance_chat_turn_seconds", "Time of a whole turn", buckets=_FAST, registry=registry
        )
        self.chat_failures = Counter(
            "appliance_chat_failures", "Turns that ended in an apology because a part failed", registry=registry
        )
        self.chat_unfounded = Counter(
            "appliance_chat_unfounded_amounts", "Amounts held back because no fact states them", registry=registry
        )
        self.chat_model_tokens = Counter(
            "appliance_chat_model_tokens", "Tokens of the language model", ["direction"], registry=registry
        )
        self.chat_cost_avoided = Counter(
            "appliance_chat_cost_avoided_usd",
            "What turns would have cost at a cloud model, in US dollars",
            ["handled_by"],
            registry=registry,
        )
        self.chat_handoffs = Counter("appliance_chat_handoffs", "Turns in which a person was called", registry=registry)
        self.chat_waiting = Gauge(
            "appliance_chat_waiting", "Conversations in which a person was called and none has come", registry=registry
        )

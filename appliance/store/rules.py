"""The owner's merchandising rules, kept in memory because every recommendation asks for them."""

from __future__ import annotations

import math
import secrets
import threading
import time
from collections.abc import Callable
from typing import get_args

import msgspec
import structlog

from appliance.domain import Placement, Rule, RuleAction, RuleTarget
from appliance.errors import InvalidInput
from appliance.store.normalise import encodable
from appliance.store.rule_values import span_of
from appliance.store.sqlite import SqliteStore
from appliance.text import clean_line

log = structlog.get_logger(__name__)

MAX_VALUE = 200
MAX_POSITION = 1000
MAX_STRENGTH = 1000.0

_ALL = """
select id, action, target, value, placement, position, strength, starts_at, ends_at, enabled
from merchandising_rules order by created_at, id
"""
_SAVE = """
insert into merchandising_rules (id, action, target, value, placement, position, strength, starts_at, ends_at, enabled,
    created_at, updated_at)
values (:id, :action, :target, :value, :placement, :position, :strength, :starts_at, :ends_at, :enabled, :now, :now)
on conflict (id) do update set action = excluded.action, target = excluded.target, value = excluded.value,
    placement = excluded.placement, position = excluded.position, strength = excluded.strength,
    starts_at = excluded.starts_at, ends_at = excluded.ends_at, enabled = excluded.enabled,
    updated_at = excluded.updated_at
"""
_DELETE = "delete from merchandising_rules where id = ? returning id"

Rules = list[Rule]
Listener = Callable[[Rules], None]


class RuleRepository:
    """All rules, the oldest first. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        with store.reading() as db:
            self._rules = {row[0]: _rule(*row) for row in db.execute(_ALL)}

    def save(self, rule: Rule) -> Rule:
        """Add or replace a rule and return it as stored; an empty id is given one. Raises ``InvalidInput``."""
        checked = checked_rule(rule)
        with self._lock:
            with self._store.write() as db:
                db.execute(_SAVE, {**msgspec.structs.asdict(checked), "now": self._now()})
            self._rules = {**self._rules, checked.id: checked}
            self._tell()
        return checked

    def delete(self, rule_id: str) -> bool:
        """Delete a rule and return whether it existed."""
        with self._lock:
            with self._store.write() as db:
                found = db.execute(_DELETE, [rule_id]).fetchall()
            if found:
                self._rules = {id_: rule for id_, rule in self._rules.items() if id_ != rule_id}
                self._tell()
        return bool(found)

    def subscribe(self, listener: Listener) -> None:
        """Have every change told with all rules, by the thread that made it, after its commit."""
        with self._lock:
            self._listeners.append(listener)

    def list(self) -> Rules:
        """Return all rules, switched-off ones included."""
        return list(self._rules.values())

    def _tell(self) -> None:
        for listener in self._listeners:
            try:
                listener(self.list())
            except Exception:
                # The rule is committed; one deaf listener must not fail it nor keep the others from hearing.
                log.exception("rules_listener_failed")


def checked_rule(rule: Rule) -> Rule:
    """Return a rule as it is kept, its texts cleaned and with an id. Raises ``InvalidInput`` that names each fault."""
    value = clean_line(encodable(rule.value))
    times = [time_ for time_ in (rule.starts_at, rule.ends_at) if time_ is not None]
    moves = rule.action in ("boost", "bury")
    faults = (
        ("action", "must be pin, boost, bury or exclude", rule.action not in get_args(RuleAction)),
        ("target", "must be product, category, tag, price or margin", rule.target not in get_args(RuleTarget)),
        ("placement", "is unknown", rule.placement is not None and rule.placement not in get_args(Placement)),
        ("value", f"must have 1 to {MAX_VALUE} characters", not 0 < len(value) <= MAX_VALUE),
        ("value", fault := _range_fault(rule.target, value), bool(fault)),
        ("position", f"must be 1 to {MAX_POSITION}", not 1 <= rule.position <= MAX_POSITION),
        ("strength", f"must be above 0 and at most {MAX_STRENGTH:g}", not 0 < rule.strength <= MAX_STRENGTH),
        ("strength", f"must be 1 or more for {rule.action}, as 2 for twice", moves and 0 < rule.strength < 1),
        ("starts_at", "is not a time", not all(math.isfinite(time_) for time_ in times)),
        ("ends_at", "must be after the start", len(times) == 2 and times[1] <= times[0]),
    )
    wrong = tuple((field, reason) for field, reason, failed in faults if failed)
    if wrong:
        raise InvalidInput(f"the rule's {wrong[0][0]} {wrong[0][1]}", fields=wrong)
    rule_id = clean_line(encodable(rule.id))[:MAX_VALUE] or f"rule_{secrets.token_hex(6)}"
    return msgspec.structs.replace(rule, id=rule_id, value=value)


def _range_fault(target: str, value: str) -> str:
    """Return what is wrong with a range, ``''`` when nothing is or the value is none."""
    if target not in ("price", "margin"):
        return ""
    try:
        span_of("price" if target == "price" else "margin", value)
    except ValueError as error:
        return f"is no range: {error}"
    return ""


def _rule(*row: object) -> Rule:
    fields = ("id", "action", "target", "value", "placement", "position", "strength", "starts_at", "ends_at")
    *values, enabled = row
    return msgspec.convert({**dict(zip(fields, values, strict=True)), "enabled": bool(enabled)}, Rule)

"""The owner's answers: one for each intent, and others for questions in the owner's or the shoppers' own words."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import sqlite_utils

from appliance.errors import Conflict, InvalidInput
from appliance.store import owner_text
from appliance.store.owner_entries import OwnerEntries
from appliance.store.sqlite import SqliteStore

MAX_ENTRIES = 2000
MAX_QUESTIONS = 50
"""Questions of one entry in one language."""
MAX_QUESTION = 300
MAX_ANSWER = 4000

_ENTRIES = "select id, intent, enabled, created_at, updated_at from faq_entries order by created_at, id"
_QUESTIONS = "select entry_id, locale, question from faq_questions order by entry_id, locale, position"
_ANSWERS = "select entry_id, locale, answer from faq_answers"
_SAVE = """
insert into faq_entries (id, intent, enabled, created_at, updated_at) values (?, ?, ?, ?, ?)
on conflict (id) do update set intent = excluded.intent, enabled = excluded.enabled, updated_at = excluded.updated_at
"""
_DELETE = "delete from faq_entries where id = ?"
_CLEAR = ("delete from faq_answers where entry_id = ?", "delete from faq_questions where entry_id = ?")
_ADD_ANSWER = "insert into faq_answers (entry_id, locale, answer) values (?, ?, ?)"
_ADD_QUESTION = "insert into faq_questions (entry_id, locale, position, question) values (?, ?, ?, ?)"

Texts = Mapping[str, Sequence[str]]


class FaqEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One answer. ``intent`` is ``''`` for a free question; without questions it is the intent's own answer."""

    id: str
    intent: str = ""
    enabled: bool = True
    questions: dict[str, tuple[str, ...]] = {}
    """Wordings and synonyms by language, ``vi`` and ``en``."""
    answers: dict[str, str] = {}
    """By language; at least one."""
    created_at: float = 0.0
    updated_at: float = 0.0

    @property
    def asks(self) -> bool:
        """Whether it has questions in any language."""
        return any(self.questions.values())


class FaqSaved(msgspec.Struct, frozen=True):
    """What became of several entries: counts, and index and reason of each that was refused."""

    inserted: int
    updated: int
    unchanged: int
    refused: tuple[tuple[int, str, str], ...] = ()
    """Index, field, what is wrong."""


class FaqRepository(OwnerEntries[tuple[FaqEntry, ...]]):
    """All entries, the oldest first, kept in memory: readers never touch the disk. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now
        self._lock = threading.RLock()
        with store.reading() as db:
            self._entries = _loaded(db)
        super().__init__(tuple(self._entries.values()))

    def get(self, entry_id: str) -> FaqEntry | None:
        """Return an entry."""
        return self._entries.get(entry_id)

    def create(
        self, *, answers: Mapping[str, str], questions: Texts | None = None, intent: str = "", enabled: bool = True
    ) -> FaqEntry:
        """Add an entry. Raises ``InvalidInput``, or ``Conflict`` when the intent has its answer already."""
        return self._save(_entry(owner_text.new_id("faq"), intent, enabled, questions, answers))

    def replace(
        self,
        entry_id: str,
        *,
        answers: Mapping[str, str],
        questions: Texts | None = None,
        intent: str = "",
        enabled: bool = True,
    ) -> FaqEntry | None:
        """Replace an entry as a whole; ``None`` when there is none. Raises ``InvalidInput`` or ``Conflict``."""
        with self._lock:
            if entry_id not in self._entries:
                return None
            return self._save(_entry(entry_id, intent, enabled, questions, answers))

    def delete(self, entry_id: str) -> bool:
        """Delete an entry and return whether it existed."""
        with self._lock:
            if entry_id not in self._entries:
                return False
            with self._store.write() as db:
                db.execute(_DELETE, [entry_id])
            self._hold({id_: entry for id_, entry in self._entries.items() if id_ != entry_id})
        return True

    def upsert_many(self, entries: Sequence[FaqEntry]) -> FaqSaved:
        """Insert or replace entries in one transaction, as an import does.

        An entry without an id takes the place of the intent's own answer, if it has no questions either; else it gets
        an id that follows from intent and questions, so that a file imported twice changes nothing.
        """
        counts = {"inserted": 0, "updated": 0, "unchanged": 0}
        refused: list[tuple[int, str, str]] = []
        with self._lock:
            kept = dict(self._entries)
            with self._store.write() as db:
                for index, entry in enumerate(entries):
                    try:
                        checked = self._checked(self._named(entry, kept), kept)
                    except (InvalidInput, Conflict) as error:
                        fields = error.fields if isinstance(error, InvalidInput) else ()
                        refused.append((index, *(fields[0] if fields else ("intent", error.message))))
                        continue
                    old = kept.get(checked.id)
                    if old == msgspec.structs.replace(checked, updated_at=old.updated_at if old else 0.0):
                        counts["unchanged"] += 1
                        continue
                    counts["updated" if old else "inserted"] += 1
                    _write(db, checked)
                    kept[checked.id] = checked
            if counts["inserted"] or counts["updated"]:
                self._hold(kept)
        return FaqSaved(**counts, refused=tuple(refused))

    def _named(self, entry: FaqEntry, kept: Mapping[str, FaqEntry]) -> FaqEntry:
        if entry.id:
            return entry
        if entry.intent and not entry.asks:
            own = next((old for old in kept.values() if old.intent == entry.intent and not old.asks), None)
            known = own or kept.get(f"faq_{entry.intent}")
            # The questions that the owner added since stay.
            questions = known.questions if known else {}
            return msgspec.structs.replace(entry, id=known.id if known else f"faq_{entry.intent}", questions=questions)
        return msgspec.structs.replace(entry, id=f"faq_{_fingerprint(entry)}")

    def _save(self, entry: FaqEntry) -> FaqEntry:
        with self._lock:
            checked = self._checked(entry, self._entries)
            with self._store.write() as db:
                _write(db, checked)
            self._hold({**self._entries, checked.id: checked})
        return checked

    def _hold(self, entries: dict[str, FaqEntry]) -> None:
        self._entries = entries
        self._publish(tuple(entries.values()))

    def _checked(self, entry: FaqEntry, others: Mapping[str, FaqEntry]) -> FaqEntry:
        """Return an entry as it is kept. Raises ``InvalidInput`` or ``Conflict``."""
        cleaned = _cleaned(entry)
        old = others.get(cleaned.id)
        if old is None and len(others) >= MAX_ENTRIES:
            raise Conflict(f"There are {MAX_ENTRIES} FAQ entries already.", hint="Delete some that nobody needs.")
        if cleaned.intent and cleaned.enabled and not cleaned.asks:
            for other in others.values():
                if other.id != cleaned.id and other.enabled and other.intent == cleaned.intent and not other.asks:
                    raise Conflict(
                        f"{cleaned.intent} has an answer already.",
                        hint=f"Change the entry {other.id}, or give this one questions of its own.",
                    )
        now = self._now()
        return msgspec.structs.replace(cleaned, created_at=old.created_at if old else now, updated_at=now)


def _cleaned(entry: FaqEntry) -> FaqEntry:
    questions = {
        owner_text.locale_of("questions", locale): owner_text.lines("questions", texts, MAX_QUESTION, MAX_QUESTIONS)
        for locale, texts in entry.questions.items()
    }
    answers = {
        owner_text.locale_of("answers", locale): owner_text.block("answers", text, MAX_ANSWER, empty=True)
        for locale, text in entry.answers.items()
    }
    cleaned = msgspec.structs.replace(
        entry,
        intent=owner_text.intent_of("intent", entry.intent, empty=True),
        questions={locale: texts for locale, texts in sorted(questions.items()) if texts},
        answers={locale: text for locale, text in sorted(answers.items()) if text},
    )
    if not cleaned.answers:
        raise InvalidInput("an FAQ entry needs an answer", fields=(("answers", "give one in vi or en"),))
    if not cleaned.intent and not cleaned.questions:
        raise InvalidInput("an FAQ entry needs an intent or a question", fields=(("questions", "give at least one"),))
    return cleaned


def _fingerprint(entry: FaqEntry) -> str:
    said = msgspec.json.encode([entry.intent, _cleaned(entry).questions], order="deterministic")
    return hashlib.blake2b(said, digest_size=8).hexdigest()


def _entry(entry_id: str, intent: str, enabled: bool, questions: Texts | None, answers: Mapping[str, str]) -> FaqEntry:
    worded = {locale: tuple(texts) for locale, texts in (questions or {}).items()}
    return FaqEntry(id=entry_id, intent=intent, enabled=enabled, questions=worded, answers=dict(answers))


def _write(db: sqlite_utils.Database, entry: FaqEntry) -> None:
    db.execute(_SAVE, [entry.id, entry.intent, int(entry.enabled), entry.created_at, entry.updated_at])
    for statement in _CLEAR:
        db.execute(statement, [entry.id])
    db.conn.executemany(_ADD_ANSWER, [(entry.id, locale, answer) for locale, answer in entry.answers.items()])
    db.conn.executemany(
        _ADD_QUESTION,
        [
            (entry.id, locale, position, question)
            for locale, questions in entry.questions.items()
            for position, question in enumerate(questions)
        ],
    )


def _loaded(db: sqlite_utils.Database) -> dict[str, FaqEntry]:
    questions: dict[str, dict[str, tuple[str, ...]]] = {}
    for entry_id, locale, question in db.execute(_QUESTIONS):
        kept = questions.setdefault(entry_id, {})
        kept[locale] = (*kept.get(locale, ()), question)
    answers: dict[str, dict[str, str]] = {}
    for entry_id, locale, answer in db.execute(_ANSWERS):
        answers.setdefault(entry_id, {})[locale] = answer
    return {
        id_: FaqEntry(
            id=id_,
            intent=intent,
            enabled=bool(enabled),
            questions=questions.get(id_, {}),
            answers=answers.get(id_, {}),
            created_at=created_at,
            updated_at=updated_at,
        )
        for id_, intent, enabled, created_at, updated_at in db.execute(_ENTRIES)
    }

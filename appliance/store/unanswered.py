"""Questions that the shop had no answer to, grouped by likeness, so that the owner answers each once."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Literal

import msgspec
import sqlite_utils
from rapidfuzz import fuzz

from appliance.store import owner_text
from appliance.store.group_writer import GroupWriter
from appliance.store.normalise import encodable
from appliance.store.sqlite import SqliteStore
from appliance.text import clean_line, words

MAX_GROUPS = 5000
MAX_VARIANTS = 5
MAX_QUESTION = 300
ALIKE = 0.8
"""Least share (Dice) of words without filler that two questions must have in common to be one.

Their wordings become the questions of one FAQ entry, so that two groups too many cost less than one too few."""
_TYPO = 80.0
"""Least ``rapidfuzz`` ratio of two words of four letters or more that count as one."""
_TYPO_LETTERS = 4
_BOTH_DIFFER = 0.05
_PUNCTUATION = ".,;:!?…\"'()"
_CANDIDATES = 24
_POSTINGS = 300
_MAX_WORDS = 24
_MARKED_FILLER = (
    "à á ạ ah alo ad admin anh biết cho chị có được em giúp gì hỏi hok hem k kg không ko là mình nào này nha nhé nhỉ ở "
    "ơi rồi shop sao sp thì tôi u ừ um vậy và vì với xin"
)
_ENGLISH_FILLER = (
    "a an and are can could do does for have hello hey hi i is it its me my of on please there to we what you your"
)
_FILLER = frozenset((*_MARKED_FILLER.split(), *words(_MARKED_FILLER), *_ENGLISH_FILLER.split()))
"""As written with diacritics and as typed without: ``hỏi`` and ``hoi`` are filler, ``Hội`` is not."""
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\+?\d(?:[ .-]?\d){7,}")

_GROUPS = """
select id, question, locale, occurrences, status, faq_entry_id, last_turn_id, first_at, last_at
from unanswered_questions order by last_at
"""
_VARIANTS = "select group_id, question from unanswered_variants order by group_id, position"
_SAVE = """
insert into unanswered_questions (id, question, locale, occurrences, status, faq_entry_id, last_turn_id, first_at,
    last_at)
values (?, ?, ?, ?, ?, (select id from faq_entries where id = ?), ?, ?, ?)
on conflict (id) do update set occurrences = excluded.occurrences, status = excluded.status,
    faq_entry_id = excluded.faq_entry_id, last_turn_id = excluded.last_turn_id, last_at = excluded.last_at
"""
_CLEAR_VARIANTS = "delete from unanswered_variants where group_id = ?"
_ADD_VARIANT = "insert into unanswered_variants (group_id, position, question) values (?, ?, ?)"
_DELETE = "delete from unanswered_questions where id = ?"

GroupStatus = Literal["open", "answered", "dismissed"]


class QuestionGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Questions that are one. Telephone numbers and e-mail addresses in them are blotted out."""

    id: str
    question: str
    """As it was asked first."""
    locale: str
    occurrences: int = 1
    status: GroupStatus = "open"
    variants: tuple[str, ...] = ()
    """Up to five other wordings."""
    faq_entry_id: str = ""
    """The entry that answers it. An answered group that is asked again without an answer is open once more."""
    last_turn_id: str = ""
    first_at: float = 0.0
    last_at: float = 0.0


class UnansweredRepository:
    """All groups, in memory and written behind; what the owner does is written through. Safe to use from any thread."""

    def __init__(self, store: SqliteStore, writer: GroupWriter) -> None:
        self._writer = writer
        self._lock = threading.RLock()
        self._groups: dict[str, QuestionGroup] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        """Comparable forms of each group's wordings."""
        self._exact: dict[tuple[str, str], str] = {}
        """Language and comparable form to group."""
        self._by_word: dict[str, dict[str, None]] = {}
        """Groups that have a word, the newest last."""
        with store.reading() as db:
            for group in _loaded(db):
                self._hold(group)

    def note(self, question: str, locale: str, turn_id: str, now: float) -> QuestionGroup | None:
        """Count a question in the group of its like, or begin one; ``None`` for a text without words."""
        asked = clean_line(_PERSONAL.sub("…", encodable(question[: MAX_QUESTION * 4])))[:MAX_QUESTION]
        key = comparable(asked)
        if not key:
            return None
        with self._lock:
            found = self._alike(key, locale)
            if found is None:
                group = QuestionGroup(
                    id=owner_text.new_id("unq"),
                    question=asked,
                    locale=locale,
                    last_turn_id=turn_id,
                    first_at=now,
                    last_at=now,
                )
            else:
                group = _joined(found, asked, turn_id, now)
            self._hold(group)
            dropped = self._make_room()
            with_variants = found is None or found.variants != group.variants
            self._writer.later(lambda db: _write(db, group, with_variants, dropped))
        return group

    def list(
        self, status: GroupStatus | None = "open", *, limit: int = 50, offset: int = 0
    ) -> tuple[list[QuestionGroup], int]:
        """Return a page of groups, the most asked first, and how many there are in all."""
        with self._lock:
            found = [group for group in self._groups.values() if status is None or group.status == status]
        found.sort(key=lambda group: (-group.occurrences, -group.last_at, group.id))
        return found[offset : offset + limit], len(found)

    def get(self, group_id: str) -> QuestionGroup | None:
        """Return a group."""
        return self._groups.get(group_id)

    def answer(self, group_id: str, faq_entry_id: str) -> QuestionGroup | None:
        """Note which FAQ entry answers a group; ``None`` without such a group. Durable when it returns."""
        return self._resolve(group_id, "answered", faq_entry_id)

    def dismiss(self, group_id: str) -> QuestionGroup | None:
        """Set a group aside for good: it is counted on and never opens again. Durable when it returns."""
        return self._resolve(group_id, "dismissed", "")

    def _resolve(self, group_id: str, status: GroupStatus, faq_entry_id: str) -> QuestionGroup | None:
        with self._lock:
            group = self._groups.get(group_id)
            if group is None:
                return None
            changed = msgspec.structs.replace(group, status=status, faq_entry_id=faq_entry_id)
            self._groups[group_id] = changed
            self._writer.later(lambda db: _write(db, changed, False, ()))
        self._writer.flush()
        return changed

    def _alike(self, key: str, locale: str) -> QuestionGroup | None:
        exact = self._exact.get((locale, key))
        if exact is not None:
            return self._groups[exact]
        shared: Counter[str] = Counter()
        for word in dict.fromkeys(key.split()):
            # Of a word that many groups have, the newest groups count.
            shared.update(islice(reversed(self._by_word.get(word, {})), _POSTINGS))
        best, best_score = None, ALIKE
        for group_id, _ in shared.most_common(_CANDIDATES):
            group = self._groups[group_id]
            if group.locale != locale:
                continue
            score = max(likeness(key, other) for other in self._keys[group_id])
            if score >= best_score:
                best, best_score = group, score
        return best

    def _hold(self, group: QuestionGroup) -> None:
        keys = tuple(key for text in (group.question, *group.variants) if (key := comparable(text)))
        self._groups[group.id] = group
        if self._keys.get(group.id) == keys:
            return
        self._keys[group.id] = keys
        for key in keys:
            self._exact.setdefault((group.locale, key), group.id)
            for word in key.split():
                self._by_word.setdefault(word, {})[group.id] = None

    def _make_room(self) -> tuple[str, ...]:
        """Forget groups past the bound: settled ones first, then those asked least and longest ago."""
        over = len(self._groups) - MAX_GROUPS
        if over <= 0:
            return ()
        # A few at once, so that a full house does not sort at every question.
        ranked = sorted(self._groups.values(), key=lambda one: (one.status == "open", one.occurrences, one.last_at))
        dropped = tuple(group.id for group in ranked[: over + MAX_GROUPS // 50])
        for group_id in dropped:
            group = self._groups.pop(group_id)
            for key in self._keys.pop(group_id):
                if self._exact.get((group.locale, key)) == group_id:
                    del self._exact[(group.locale, key)]
                for word in key.split():
                    self._by_word.get(word, {}).pop(group_id, None)
        self._by_word = {word: postings for word, postings in self._by_word.items() if postings}
        return dropped


def comparable(question: str) -> str:
    """Return a question's folded words without filler; with it when there is nothing else."""
    spelled = unicodedata.normalize("NFC", question).lower().split()[:_MAX_WORDS]
    every = [(text.strip(_PUNCTUATION), words(text)) for text in spelled]
    kept = [word for text, parts in every if text not in _FILLER for word in parts]
    return " ".join((kept or [word for _, parts in every for word in parts])[:_MAX_WORDS])


def likeness(first: str, second: str) -> float:
    """Return the share of words that two comparable questions have in common (Dice), 0 to 1.

    Typing errors count as the word that was meant. Questions that name different numbers are never alike, and where
    each says a word that the other does not, the share counts a little less: one word often is the difference.
    """
    one, other = set(first.split()), set(second.split())
    shared = one & other
    mine, theirs = one - shared, other - shared
    # Typing errors do not make up for more than half of the words, and comparing all with all costs time.
    if 4 * len(shared) < len(one) + len(other):
        return 0.0
    if any(any(letter.isdigit() for letter in word) for word in mine | theirs):
        return 0.0
    rest = [word for word in theirs if len(word) >= _TYPO_LETTERS]
    typos = 0
    for word in mine:
        near = max(rest, key=lambda candidate: fuzz.ratio(word, candidate), default="")
        if len(word) >= _TYPO_LETTERS and near and fuzz.ratio(word, near) >= _TYPO:
            rest.remove(near)
            typos += 1
    differ = len(mine) > typos and len(theirs) > typos
    share = 2 * (len(shared) + typos) / (len(one) + len(other))
    return share - _BOTH_DIFFER if differ else share


def _joined(group: QuestionGroup, asked: str, turn_id: str, now: float) -> QuestionGroup:
    known = {text.casefold() for text in (group.question, *group.variants)}
    is_new = asked.casefold() not in known and len(group.variants) < MAX_VARIANTS
    return msgspec.structs.replace(
        group,
        occurrences=group.occurrences + 1,
        variants=(*group.variants, asked) if is_new else group.variants,
        status="open" if group.status == "answered" else group.status,
        last_turn_id=turn_id,
        last_at=now,
    )


def _write(db: sqlite_utils.Database, group: QuestionGroup, with_variants: bool, dropped: Iterable[str]) -> None:
    db.execute(
        _SAVE,
        [
            *(group.id, group.question, group.locale, group.occurrences, group.status, group.faq_entry_id),
            *(group.last_turn_id, group.first_at, group.last_at),
        ],
    )
    if with_variants:
        db.execute(_CLEAR_VARIANTS, [group.id])
        db.conn.executemany(_ADD_VARIANT, [(group.id, place, text) for place, text in enumerate(group.variants)])
    for group_id in dropped:
        db.execute(_DELETE, [group_id])


def _loaded(db: sqlite_utils.Database) -> list[QuestionGroup]:
    variants: dict[str, tuple[str, ...]] = {}
    for group_id, question in db.execute(_VARIANTS):
        variants[group_id] = (*variants.get(group_id, ()), question)
    return [
        QuestionGroup(
            id=id_,
            question=question,
            locale=locale,
            occurrences=occurrences,
            status=status,
            variants=variants.get(id_, ()),
            faq_entry_id=faq_entry_id or "",
            last_turn_id=last_turn_id,
            first_at=first_at,
            last_at=last_at,
        )
        for id_, question, locale, occurrences, status, faq_entry_id, last_turn_id, first_at, last_at in db.execute(
            _GROUPS
        )
    ]

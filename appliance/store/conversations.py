"""Conversations: alive in memory, written behind.

A shopper's ordinary turn is told from memory at once and is on the disk within 50 ms, in one transaction with the other
turns of that time; a crash loses at most these last 50 ms. What must not be lost is written through before the call
returns: hand-offs, messages of the staff, feedback and deletions. Where the disk refuses, these raise what
``SqliteStore.write`` raises, hold in memory all the same, and are tried again with what is written next.
After a restart conversations go on from the disk.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

import msgspec
import sqlite_utils

from appliance.settings import Assistant
from appliance.store import conversation_rows as rows
from appliance.store import owner_text
from appliance.store.conversation_rows import (
    NOTED,
    Conversation,
    ConversationFilter,
    ConversationSummary,
    Rated,
    Status,
    TurnRecord,
    Waiting,
)
from appliance.store.group_writer import GroupWriter
from appliance.store.normalise import encodable
from appliance.store.sqlite import SqliteStore

__all__ = [
    "NOTED",
    "Conversation",
    "ConversationFilter",
    "ConversationRepository",
    "ConversationSummary",
    "Rated",
    "Status",
    "TurnRecord",
    "Waiting",
    "new_turn_id",
]

MAX_LIVE = 5000
"""Conversations kept in memory; the one that was silent longest leaves first."""
MAX_STAFF_MESSAGE = 4000
MAX_COMMENT = 1000
_HELD_SECONDS = 86_400.0
"""A conversation in which a person was called goes on for so long after its last message."""
_DELETED = 4096
_PURGED_AT_ONCE = 200


def new_turn_id() -> str:
    """Return an id for a turn."""
    return owner_text.new_id("turn")


class ConversationRepository:
    """All conversations. Safe to use from any thread; whoever answers sees to the order of a session's messages."""

    def __init__(self, store: SqliteStore, writer: GroupWriter, settings: Assistant) -> None:
        self._store = store
        self._writer = writer
        self._settings = settings
        self._lock = threading.RLock()
        self._live: OrderedDict[str, Conversation] = OrderedDict()
        """By session, the latest of each."""
        self._deleted: OrderedDict[str, None] = OrderedDict()
        """Ids deleted lately: an answer that was on its way then must not bring one back."""

    def open(self, session_id: str, user_id: str, locale: str, now: float) -> Conversation:
        """Return the running conversation of a session, or a new one; a new one is kept with its first turn.

        A new one begins after ``assistant.idle_minutes`` of silence (a day while a person is called or on), when the
        last one was closed, and when another customer, or nobody, is signed in where one was.
        """
        with self._lock:
            known = self._latest(session_id)
            if known is not None and not self._is_over(known, user_id, now):
                if user_id and not known.user_id:
                    known = self._keep(msgspec.structs.replace(known, user_id=user_id))
                return known
            begun = Conversation(
                id=owner_text.new_id("conv"),
                session_id=session_id,
                user_id=user_id,
                locale=locale,
                started_at=now,
                last_at=now,
            )
            return self._keep(begun)

    def append(
        self,
        conversation: Conversation,
        turn: TurnRecord,
        state: bytes,
        *,
        locale: str = "",
        handoff: str = "",
    ) -> Conversation:
        """Add a shopper's turn and the state after it, and return the conversation as it is now.

        ``handoff`` is why a person is called: the conversation waits then, and this is on the disk before the call
        returns (raising what ``SqliteStore.write`` raises). A turn of a conversation deleted meanwhile is let go.
        """
        with self._lock:
            current = self._current(conversation)
            called = bool(handoff) and current.status != "human"
            changed = msgspec.structs.replace(
                current,
                state=state,
                locale=locale or current.locale,
                last_at=max(current.last_at, turn.created_at),
                next_position=current.next_position + 1,
                status="waiting" if called else current.status,
                handed_off=current.handed_off or bool(handoff),
                reason=handoff or current.reason,
                unread=current.unread + int(called or current.status in ("waiting", "human")),
            )
            if conversation.id in self._deleted:
                return changed
            placed = msgspec.structs.replace(turn, conversation_id=current.id, position=current.next_position)
            self._keep(changed)
            self._writer.later(_writing(changed, placed))
        if handoff:
            self._writer.flush()
        return changed

    def say(self, conversation_id: str, text: str, now: float) -> TurnRecord | None:
        """Send a message of the staff, who is on from now; ``None`` without such a conversation. Written through.

        Raises ``InvalidInput`` for a blank or too long text.
        """
        said = owner_text.block("text", text, MAX_STAFF_MESSAGE)
        with self._lock:
            current = self.get(conversation_id)
            if current is None:
                return None
            turn = TurnRecord(
                id=new_turn_id(),
                conversation_id=current.id,
                position=current.next_position,
                author="staff",
                reply=said,
                handled_by="handoff",
                created_at=now,
            )
            changed = msgspec.structs.replace(
                current,
                status="human",
                handed_off=True,
                unread=0,
                last_at=max(current.last_at, now),
                next_position=current.next_position + 1,
            )
            self._replace_live(changed)
            self._writer.later(_writing(changed, turn))
        self._writer.flush()
        return turn

    def take(self, conversation_id: str) -> Conversation | None:
        """Have a person answer from now on; the assistant is silent until ``hand_back``. Written through."""
        return self._move(conversation_id, "human", unread=0, handed_off=True)

    def hand_back(self, conversation_id: str) -> Conversation | None:
        """Have the assistant answer again. Written through."""
        return self._move(conversation_id, "open", unread=0)

    def close_conversation(self, conversation_id: str) -> Conversation | None:
        """End a conversation: the session's next message begins a new one. Written through."""
        return self._move(conversation_id, "closed", unread=0)

    def seen(self, conversation_id: str) -> None:
        """Note that the owner looked at a conversation."""
        with self._lock:
            current = self.get(conversation_id)
            if current is not None and current.unread:
                self._change(current, unread=0)

    def get(self, conversation_id: str) -> Conversation | None:
        """Return a conversation by its id."""
        with self._lock:
            live = next((one for one in reversed(self._live.values()) if one.id == conversation_id), None)
            if live is not None:
                return live if live.next_position else None
            self._writer.settle()
            with self._store.reading() as db:
                return rows.conversation_of(db, db.execute(rows.BY_ID, [conversation_id]).fetchone())

    def current(self, session_id: str) -> Conversation | None:
        """Return the latest conversation of a session, over or not."""
        with self._lock:
            return self._latest(session_id)

    def turns(self, conversation_id: str, *, after: int = -1, limit: int = 500) -> list[TurnRecord]:
        """Return a conversation's turns behind a position, in order."""
        self._writer.settle()
        with self._store.reading() as db:
            return rows.turns_of(db, conversation_id, after, limit)

    def history(
        self, session_id: str, user_id: str = "", *, after: int = -1, limit: int = 200
    ) -> tuple[Conversation | None, list[TurnRecord]]:
        """Return the latest conversation of a session with its turns behind a position, for the shopper's own eyes.

        One that belongs to a customer is shown to that customer only.
        """
        found = self.current(session_id)
        if found is None or found.user_id not in ("", user_id):
            return None, []
        if after >= found.next_position - 1:
            return found, []
        return found, self.turns(found.id, after=after, limit=limit)

    def feedback(self, turn_id: str, helpful: bool, comment: str = "") -> Rated | None:
        """Note what a shopper thinks of a reply and return what was rated. Written through.

        ``None`` without such a turn.
        """
        said = owner_text.line("comment", comment, MAX_COMMENT, empty=True)
        return self._writer.now(lambda db: rows.rate(db, turn_id, helpful, said))

    def search(self, wanted: ConversationFilter) -> tuple[list[ConversationSummary], int]:
        """Return a page of conversations for the owner, the newest first, and how many match in all."""
        self._writer.settle()
        wanted = msgspec.structs.replace(wanted, text=encodable(wanted.text))
        with self._store.reading() as db:
            return rows.search(db, wanted)

    def waiting(self) -> Waiting:
        """Return what the owner has to look at."""
        self._writer.settle()
        with self._store.reading() as db:
            return Waiting(*db.execute(rows.UNREAD).fetchone())

    def delete(self, conversation_id: str) -> bool:
        """Delete a conversation with all its turns and return whether it existed. Durable when it returns."""
        return self._erase(rows.WITH_ID, [conversation_id], lambda one: one.id == conversation_id) > 0

    def delete_session(self, session_id: str, user_id: str | None = None) -> int:
        """Delete conversations of a session and return how many there were. Durable when it returns.

        All of them without a ``user_id``; with one those of that customer and of guests, and with ``''`` of guests.
        """
        return self._erase(
            rows.OF_SESSION,
            [session_id, user_id],
            lambda one: one.session_id == session_id and (user_id is None or one.user_id in ("", user_id)),
        )

    def delete_user(self, user_id: str) -> int:
        """Delete all conversations of a customer and return how many there were. Durable when it returns."""
        return self._erase(rows.OF_USER, [user_id], lambda one: bool(user_id) and one.user_id == user_id)

    def purge(self, before: float) -> int:
        """Delete conversations whose last message is older than a time and return how many went."""
        gone = 0
        while True:
            part = self._erase(rows.OLD, [before, _PURGED_AT_ONCE], lambda one: one.last_at < before)
            gone += part
            if part < _PURGED_AT_ONCE:
                return gone

    def _erase(self, query: str, values: list[object], is_meant: Callable[[Conversation], bool]) -> int:
        """Delete the conversations that a query finds and those in memory that are meant."""
        self._writer.settle()
        with self._store.reading() as db:
            stored = [row[0] for row in db.execute(query, values)]
        with self._lock:
            meant = {session_id: one for session_id, one in self._live.items() if is_meant(one)}
            ids = {*stored, *(one.id for one in meant.values() if one.next_position)}
            for session_id in meant:
                del self._live[session_id]
            for conversation_id in (*ids, *(one.id for one in meant.values())):
                self._deleted[conversation_id] = None
            while len(self._deleted) > _DELETED:
                self._deleted.popitem(last=False)
            # Behind every turn that waits; a later one meets the note above.
            self._writer.later(lambda db: rows.delete(db, ids))
        self._writer.flush()
        return len(ids)

    def _move(self, conversation_id: str, status: Status, **values: object) -> Conversation | None:
        with self._lock:
            current = self.get(conversation_id)
            changed = None if current is None else self._change(current, status=status, **values)
        self._writer.flush()
        return changed

    def _change(self, current: Conversation, **values: object) -> Conversation:
        changed = msgspec.structs.replace(current, **values)
        if current.id in self._deleted:
            return changed
        self._replace_live(changed)
        self._writer.later(lambda db: rows.save_session(db, changed))
        return changed

    def _is_over(self, known: Conversation, user_id: str, now: float) -> bool:
        patience = self._settings.idle_minutes * 60.0
        if known.status in ("waiting", "human"):
            patience = max(patience, _HELD_SECONDS)
        other = bool(known.user_id) and known.user_id != user_id
        return other or known.status == "closed" or now - known.last_at > patience

    def _current(self, conversation: Conversation) -> Conversation:
        """Return the newest form of a conversation that a caller got earlier."""
        live = self._live.get(conversation.session_id)
        return live if live is not None and live.id == conversation.id else conversation

    def _latest(self, session_id: str) -> Conversation | None:
        live = self._live.get(session_id)
        if live is not None:
            self._live.move_to_end(session_id)
            return live
        with self._store.reading() as db:
            found = rows.conversation_of(db, db.execute(rows.LATEST, [session_id]).fetchone())
        return None if found is None else self._keep(found)

    def _replace_live(self, changed: Conversation) -> None:
        """Put a changed conversation in the place of its older form, but of no later conversation of the session."""
        live = self._live.get(changed.session_id)
        if live is None or live.id == changed.id:
            self._keep(changed)

    def _keep(self, conversation: Conversation) -> Conversation:
        self._live[conversation.session_id] = conversation
        self._live.move_to_end(conversation.session_id)
        while len(self._live) > MAX_LIVE:
            self._live.popitem(last=False)
        return conversation


def _writing(conversation: Conversation, turn: TurnRecord) -> Callable[[sqlite_utils.Database], None]:
    def write(db: sqlite_utils.Database) -> None:
        rows.save_session(db, conversation)
        rows.add_turn(db, turn)

    return write

"""Conversations: alive in memory, written behind, and what is never lost."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.errors import DiskFull, InvalidInput, StoreError
from appliance.settings import Assistant
from appliance.store.chat_stores import ChatStores
from appliance.store.conversations import (
    NOTED,
    Conversation,
    ConversationFilter,
    ConversationRepository,
    Rated,
    TurnRecord,
    new_turn_id,
)
from appliance.store.group_writer import GroupWriter
from appliance.store.migrations.catalogue import MIGRATIONS
from appliance.store.order_requests import OrderRequestRepository
from appliance.store.sqlite import SqliteStore
from appliance.store.unanswered import UnansweredRepository

NOW = 1_760_000_000.0
DAY = 86_400.0


class Box:
    """A store whose writer wakes up only when told, so that tests see what waits."""

    def __init__(self, folder: Path, interval: float = 3600.0) -> None:
        self.store = SqliteStore(folder / "catalogue.db", MIGRATIONS)
        self.writer = GroupWriter(self.store, interval=interval)
        self.conversations = ConversationRepository(self.store, self.writer, Assistant())

    def say(
        self, session: str, text: str, now: float = NOW, user: str = "", handoff: str = "", **values: object
    ) -> Conversation:
        found = self.conversations.open(session, user, "vi", now)
        turn = TurnRecord(id=new_turn_id(), message=text, reply=f"về {text}", created_at=now, **values)  # type: ignore[arg-type]
        state = f'{{"turns":{found.next_position + 1}}}'.encode()
        return self.conversations.append(found, turn, state, handoff=handoff)

    def stored(self) -> int:
        with self.store.reading() as db:
            return int(db.execute("select count(*) from chat_turns").fetchone()[0])

    def close(self) -> None:
        self.writer.close()
        self.store.close()


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    opened = Box(tmp_path)
    yield opened
    opened.close()


def test_a_turn_is_seen_at_once_and_written_behind(box: Box, tmp_path: Path) -> None:
    first = box.say("s1", "chào shop", intent="greeting", slots={"color": "đen"}, confidence=0.9)
    assert box.stored() == 0
    assert box.conversations.open("s1", "", "vi", NOW + 1) == first
    assert first.state == b'{"turns":1}'
    second = box.say("s1", "áo đen", NOW + 2)
    assert (second.id, second.next_position, second.last_at) == (first.id, 2, NOW + 2)
    turns = box.conversations.turns(first.id)
    assert [(turn.position, turn.message) for turn in turns] == [(0, "chào shop"), (1, "áo đen")]
    assert turns[0].slots == {"color": "đen"}
    assert box.stored() == 2
    box.say("s1", "cảm ơn", NOW + 3)
    box.close()
    again = Box(tmp_path)
    found = again.conversations.open("s1", "", "vi", NOW + 4)
    assert (found.id, found.state, found.next_position) == (first.id, b'{"turns":3}', 3)
    again.close()


def test_ordinary_turns_are_on_the_disk_within_a_moment(tmp_path: Path) -> None:
    box = Box(tmp_path, interval=0.005)
    for number in range(20):
        box.say(f"s{number}", "x")
    done = threading.Event()
    for _ in range(400):
        if box.stored() == 20:
            break
        done.wait(0.01)
    assert box.stored() == 20
    box.close()


def test_silence_closing_and_another_customer_begin_a_new_conversation(box: Box) -> None:
    first = box.say("s1", "a")
    assert box.say("s1", "b", NOW + 1799).id == first.id
    second = box.say("s1", "c", NOW + 1799 + 1801)
    assert second.id != first.id
    assert second.next_position == 1
    now = NOW + 4000
    assert box.say("s1", "d", now, user="cus_1").id == second.id
    assert box.conversations.open("s1", "", "vi", now).id != second.id
    third = box.say("s1", "e", now, user="cus_2")
    assert third.id != second.id
    assert box.conversations.history("s1", "cus_1") == (None, [])
    assert box.conversations.history("s1")[1] == []
    assert [turn.message for turn in box.conversations.history("s1", "cus_2")[1]] == ["e"]
    assert box.conversations.close_conversation(third.id) is not None
    assert box.conversations.open("s1", "cus_2", "vi", now).id != third.id


def test_a_called_person_takes_over_and_hands_back(box: Box) -> None:
    repository = box.conversations
    found = repository.open("s1", "", "vi", NOW)
    turn = TurnRecord(id="t1", message="gặp người thật", reply="dạ", created_at=NOW)
    waiting = repository.append(found, turn, b"{}", handoff="asked")
    assert (waiting.status, waiting.reason, waiting.unread) == ("waiting", "asked", 1)
    assert box.stored() == 1
    assert (repository.waiting().unread, repository.waiting().waiting) == (1, 1)
    assert box.say("s1", "alo", NOW + DAY - 1).id == waiting.id
    assert repository.waiting().unread == 2
    said = repository.say(waiting.id, "Dạ em nghe ạ", NOW + DAY)
    assert said is not None
    assert (said.author, said.position, said.reply) == ("staff", 2, "Dạ em nghe ạ")
    assert box.stored() == 3
    current = repository.open("s1", "", "vi", NOW + DAY + 1)
    assert (current.status, current.unread, current.next_position) == ("human", 0, 3)
    assert box.say("s1", "ok", NOW + DAY + 2).unread == 1
    repository.seen(waiting.id)
    handed_back = repository.hand_back(waiting.id)
    assert handed_back is not None
    assert (handed_back.status, handed_back.handed_off, handed_back.unread) == ("open", True, 0)
    taken = repository.take(waiting.id)
    assert taken is not None
    assert taken.status == "human"
    assert repository.append(taken, TurnRecord(id="t9", created_at=NOW), b"{}", handoff="x").status == "human"
    assert repository.say("conv_none", "x", NOW) is None
    assert repository.take("conv_none") is None
    with pytest.raises(InvalidInput):
        repository.say(waiting.id, " \n ", NOW)


def test_deleting_leaves_nothing_not_even_an_answer_on_its_way(box: Box) -> None:
    unanswered = UnansweredRepository(box.store, box.writer)
    late = box.say("s1", "bí mật")
    turn = box.conversations.turns(late.id)[0]
    unanswered.note("bí mật", "vi", turn.id, NOW)
    box.say("s2", "khác", user="cus_1")
    assert box.conversations.delete_session("s1") == 1
    box.conversations.append(late, TurnRecord(id="t2", message="bí mật", created_at=NOW), b"{}", handoff="x")
    box.writer.flush()
    assert box.conversations.get(late.id) is None
    assert box.conversations.delete_session("s1") == 0
    with box.store.reading() as db:
        assert db.execute("select message from chat_turns").fetchall() == [("khác",)]
        assert db.execute("select last_turn_id from unanswered_questions").fetchall() == [("",)]
    assert not box.conversations.delete("conv_none")
    assert box.conversations.delete_user("") == 0
    assert box.conversations.delete_user("cus_1") == 1
    assert box.stored() == 0
    assert box.say("s1", "lại").next_position == 1


def test_what_is_past_its_days_goes(box: Box) -> None:
    for number in range(5):
        box.say(f"s{number}", "x", NOW + number * DAY)
    assert box.conversations.purge(NOW + 2.5 * DAY) == 3
    assert box.stored() == 2
    assert box.conversations.purge(NOW + 2.5 * DAY) == 0


def test_days_are_the_owners_and_open_requests_stay(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "catalogue.db", MIGRATIONS)
    times = [NOW]
    stores = ChatStores(store, Assistant(keep_days=10), lambda *_: "00", lambda: times[0])
    found = stores.conversations.open("s1", "", "vi", NOW)
    stores.conversations.append(found, TurnRecord(id="t1", created_at=NOW), b"{}")
    stores.order_requests.create("1024", "cancel", {}, "s1")
    done, _ = stores.order_requests.create("1187", "address", {"said": "12 Hàng Bài"}, "s1")
    stores.order_requests.resolve(done.id, "done")
    times[0] = NOW + 9 * DAY
    assert stores.purge() == 0
    times[0] = NOW + 11 * DAY
    assert stores.purge() == 2
    assert [one.display_id for one in stores.order_requests.list()[0]] == ["1024"]
    stores.close()
    store.close()


def test_feedback_is_kept(box: Box) -> None:
    found = box.say("s1", "x")
    turn = box.conversations.turns(found.id)[0]
    assert box.conversations.feedback(turn.id, False, " sai\nrồi ") == Rated("x", "vi", noted=False)
    assert box.conversations.feedback("turn_none", True) is None
    turn = box.conversations.turns(found.id)[0]
    assert (turn.helpful, turn.comment) == (False, "sai rồi")
    # A second click is no second question, nor is a change of mind.
    assert box.conversations.feedback(turn.id, True) == Rated("x", "vi", noted=True)
    assert box.conversations.feedback(turn.id, False) == Rated("x", "vi", noted=True)
    noted = box.say("s2", "y", trace=f'{{"{NOTED}":true}}'.encode())
    assert box.conversations.feedback(box.conversations.turns(noted.id)[0].id, True) == Rated("y", "vi", noted=True)


def test_a_customers_conversation_is_deleted_for_that_customer_only(box: Box) -> None:
    box.say("s1", "khách")
    box.say("s1", "của tôi", NOW + 4000, user="cus_1")
    box.say("s1", "của bạn", NOW + 8000, user="cus_2")
    assert box.conversations.delete_session("s1", "") == 1
    assert box.conversations.delete_session("s1", "cus_2") == 1
    assert box.conversations.delete_session("s1", "") == 0
    assert [turn.message for turn in box.conversations.history("s1", "cus_1")[1]] == ["của tôi"]
    assert box.conversations.delete_session("s1") == 1
    assert box.stored() == 0


def test_requests_about_orders_forget_a_deleted_conversation(box: Box) -> None:
    requests = OrderRequestRepository(box.store, lambda: NOW + 1)
    made, _ = requests.create("1024", "cancel", {}, "s1")
    other, _ = requests.create("1187", "cancel", {}, "s2")
    later, _ = OrderRequestRepository(box.store, lambda: NOW + 9000).create("3310", "cancel", {}, "s1")
    found = box.say("s1", "hủy đơn")
    assert box.conversations.delete(found.id)
    kept = [requests.get(one.id) for one in (made, other, later)]
    assert [one.conversation_id for one in kept if one] == ["", "s2", "s1"]


def test_the_owner_finds_conversations(box: Box) -> None:
    box.say("s1", "phí ship 100%", NOW, intent="shipping_fee")
    box.say("s2", "có bán ở Mỹ_không", NOW + 1, intent="store_info", answered=False)
    box.say("s3", "gặp người", NOW + 2, handoff="asked")

    def sessions(**wanted: object) -> list[str]:
        page, total = box.conversations.search(ConversationFilter(**wanted))  # type: ignore[arg-type]
        assert total >= len(page)
        return [one.conversation.session_id for one in page]

    assert sessions() == ["s3", "s2", "s1"]
    assert sessions(limit=1, offset=1) == ["s2"]
    assert sessions(status="waiting") == sessions(handed_off=True) == ["s3"]
    assert sessions(handed_off=False) == ["s2", "s1"]
    assert sessions(intent="shipping_fee") == sessions(text="SHIP 100%") == ["s1"]
    assert sessions(text="%") == ["s1"]
    assert sessions(text="_k") == sessions(unanswered=True) == ["s2"]
    assert sessions(unanswered=False) == ["s3", "s1"]
    assert sessions(session_id="s9", text="\ud800'; drop table chat_turns") == []
    line = box.conversations.search(ConversationFilter(session_id="s2"))[0][0]
    assert (line.conversation.next_position, line.last_message, line.last_intent) == (
        1,
        "có bán ở Mỹ_không",
        "store_info",
    )


def test_a_hand_off_that_cannot_be_written_is_said_and_made_up_for(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    found = box.say("s1", "x")
    box.writer.flush()
    real = box.store.write

    def full() -> Any:
        raise DiskFull("no room")

    monkeypatch.setattr(box.store, "write", full)
    with pytest.raises(DiskFull):
        box.conversations.append(found, TurnRecord(id="t2", created_at=NOW), b"{}", handoff="asked")
    current = box.conversations.current("s1")
    assert current is not None
    assert current.status == "waiting"
    box.say("s1", "y")
    monkeypatch.setattr(box.store, "write", real)
    box.writer.flush()
    assert box.stored() == 3


def test_on_a_read_only_disk_conversations_live_in_memory(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box.store, "read_only", True)
    first = box.say("s1", "x")
    assert box.say("s1", "y").next_position == 2
    assert (box.writer.waiting, box.writer.dropped) == (0, 2)
    with pytest.raises(StoreError):
        box.conversations.append(first, TurnRecord(id="t2", created_at=NOW), b"{}", handoff="asked")
    assert box.conversations.turns(first.id) == []


_CRASH = """
import sys, os, signal
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_conversation_store import Box, NOW
from appliance.store.conversations import TurnRecord
box = Box(Path(sys.argv[1]))
box.say("s1", "một")
found = box.say("s1", "hai")
box.conversations.append(found, TurnRecord(id="t3", message="ba", created_at=NOW), b"{}", handoff="asked")
box.conversations.say(found.id, "em đây", NOW)
box.say("s2", "đã xóa")
box.conversations.delete_session("s2")
box.say("s1", "mất")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.crash
def test_a_killed_process_loses_the_last_moment_of_ordinary_turns_only(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CRASH, str(tmp_path), str(Path(__file__).parent)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    box = Box(tmp_path)
    found, turns = box.conversations.history("s1")
    assert found is not None
    assert found.status == "human"
    assert [turn.message or turn.reply for turn in turns] == ["một", "hai", "ba", "em đây"]
    assert box.conversations.current("s2") is None
    box.close()


def test_hostile_text_is_kept_as_text(box: Box) -> None:
    text = "'); drop table chat_turns; -- \ud800 <script>\x00"
    found = box.say("s'1", text)
    assert box.conversations.turns(found.id)[0].message == text.replace("\ud800", "?")

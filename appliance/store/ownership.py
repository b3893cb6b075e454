"""Whose event it is, as SQL: the one rule that fold, index and exports share.

An event belongs to the user it names. A guest's event belongs to the user that its session was linked to when it came
in, or to the first one that the session was linked to afterwards; the log itself keeps the event as it was sent.
"""

from __future__ import annotations

OWNER = "case when e.user_id <> '' then e.user_id else coalesce(linked.user_id, first.user_id, '') end"
"""The owner of a row of ``e``; ``''`` for a guest."""


def owner_join(links: str = "session_links") -> str:
    """Return the joins that ``OWNER`` needs behind a table called ``e``; ``links`` may be a part of the links."""
    return f"""
    asof left join {links} linked on e.session_id = linked.session_id and e.seq >= linked.seq
    left join (select session_id, arg_min(user_id, seq) as user_id from {links} group by session_id) first
        on e.session_id = first.session_id"""  # noqa: S608  (our own text)

"""Whose event it is, as SQL: the one rule that fold, index and exports share.

An event belongs to the user it names. A guest's event belongs to the user that its session was linked to when it came
in, or to the first one that the session was linked to afterwards; the log itself keeps the event as it was sent.
"""

from __future__ import annotations

USER_PREFIX, SESSION_PREFIX = "u:", "s:"
"""Kinds of visitors: a guest may choose a session id that is a customer's id."""

OWNER = "case when e.user_id <> '' then e.user_id else coalesce(linked.user_id, first.user_id, '') end"
"""The owner of a row of ``e``; ``''`` for a guest."""


def owner_join(links: str = "session_links") -> str:
    """Return the joins that ``OWNER`` needs behind a table called ``e``; ``links`` may be a part of the links."""
    return f"""
    asof left join {links} linked on e.session_id = linked.session_id and e.seq >= linked.seq
    left join (select session_id, arg_min(user_id, seq) as user_id from {links} group by session_id) first
        on e.session_id = first.session_id"""  # noqa: S608  (our own text)


def visitor_name(user_id: str, session_id: str) -> str:
    """Return the name under which a visitor's events are gathered, the kind first; ``''`` for nobody."""
    if user_id:
        return USER_PREFIX + user_id
    return SESSION_PREFIX + session_id if session_id else ""


def visitor_sql(user: str, session: str) -> str:
    """Return the same as ``visitor_name`` as an SQL expression over two others."""
    return (
        f"case when {user} <> '' then '{USER_PREFIX}' || {user} "
        f"when {session} <> '' then '{SESSION_PREFIX}' || {session} else '' end"
    )

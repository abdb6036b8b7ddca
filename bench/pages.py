"""What is measured, each with the hand-written limit where there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jinja2
import psycopg
from django.db import connection

from bench import mail, plans, requests
from bench.cpu import Cost, measure
from bench.fill import uid
from kith.core import company
from kith.teams.models import User
from kith.teams.selectors import viewer_of

Work = Callable[[], dict[str, Cost] | str]
LIMIT_LIST = """
SELECT cs.conversation_id, coalesce(nullif(c.preferred_name, ''), nullif(c.name, ''), i.display_name), cs.subject,
       cs.snippet, cs.last_at, cs.waiting_since, cs.networks, cs.message_count, u.name, cs.priority, s.at
FROM {source} cs
LEFT JOIN contacts_identity i ON i.id = cs.identity_id LEFT JOIN contacts_contact c ON c.id = i.contact_id
LEFT JOIN teams_user u ON u.id = cs.assignee_id
LEFT JOIN conversations_seen s ON s.conversation_id = cs.conversation_id AND s.user_id = %(me)s
WHERE cs.status = 'open' AND cs.tray = '' ORDER BY cs.last_at DESC, cs.conversation_id DESC LIMIT 51
"""
TEMPLATE = jinja2.Environment(autoescape=True).from_string(
    "{% for r in rows %}<a href='/c/{{ r[0] }}'><b>{{ r[1] }}</b> {{ r[2] }} <i>{{ r[3] }}</i>"
    "<time datetime='{{ r[4].isoformat() }}'></time> {{ r[5] or '' }} {{ r[6]|join(' ') }} {{ r[7] }} {{ r[8] or '' }} "
    "{{ r[9] }} {{ 'unread' if r[10] is none else '' }}</a>{% endfor %}"
)
FRAGMENTS = {
    "one letter": ["a", "b", "k", "z", "e"],
    "two letters": ["an", "be", "xq", "ja", "ov", "zz"],
    "three letters": ["cas", "ann", "ber", "ick", "ova", "p47"],
    "four letters and more": ["anna", "petrov", "anna cas", "p4711", "zimmer", "astro", "quinn garcia"],
}


def everything(mails: Path | None) -> Iterator[tuple[str, Work]]:
    """Names of what can be measured, with the work. The whole pages first: they are what people wait for."""
    company.set_value("name", "Bench")
    for name in ("all", "few"):
        user = User.objects.get(email=f"{name}@bench.example")
        yield from _lists(name, user)
        yield from _searches(name, user)
    boss = User.objects.get(email="all@bench.example")
    yield from _people(boss)
    yield (
        "create a person by API",
        lambda: measure({"kith": requests.create(boss)}, times=60),
    )
    for name, folders in mail.corpora(mails).items():
        yield f"receive a mail, {name} (limit: notmuch new)", lambda folders=folders: mail.receive(folders)  # type: ignore[misc]
    yield "receive a mail, all of these (limit: notmuch new)", mail.together


# What a page shows is bounded, and so is what it may read: a list reads 51 rows in each of three statuses, each with what
# belongs to it (some 350 rows in all), the counts 150 of each view and team (600 with the bench's), a timeline the 500
# messages of its person three times (1,500) where who looks sees none of them. Twice the most of these leaves room
# for more scopes and teams; a statement that reads a scope's share of a table reads 100,000 at full size.
MOST_ROWS = 3_000


def check_plans() -> int:
    """Every prepared statement of the inbox's lists, a person's page and an open conversation walks an index and stops early; returns how many
    were looked at.

    Raises RuntimeError for one that reads a large table from end to end, or more than MOST_ROWS rows.
    """
    from kith.workspace.inbox import InboxView, inbox_counts, inbox_page
    from kith.workspace.people import contact_page
    from kith.workspace.timeline import timeline

    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples > 5000")
        large = {row[0] for row in cursor.fetchall()}
        cursor.execute(f"SELECT {uid(1, '501')}")
        person = cursor.fetchone()[0]
    looked = 0
    people = {  # with a conversation that they see
        name: (User.objects.get(email=f"{name}@bench.example"), number)
        for name, number in (("all", "501"), ("few", "500"))
    }
    for name in ("all", "few"):
        viewer = viewer_of(people[name][0])
        calls: list[tuple[str, Callable[[], Any]]] = [("counts", lambda: inbox_counts(viewer))]  # noqa: B023
        for kind in ("mine", "unassigned", "waiting", "all", "snoozed", "closed", "held"):
            calls.append((kind, lambda kind=kind: inbox_page(viewer, InboxView(kind))))  # type: ignore[misc]  # noqa: B023
        calls.append(("person", lambda: contact_page(viewer, person)))  # noqa: B023
        calls.append(("timeline", lambda: timeline(viewer, contact_id=person)))  # noqa: B023
        user, number = people[name]
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {uid(3, number)}")
            path = f"/inbox/{cursor.fetchone()[0]}/"
        calls.append(("conversation", lambda: requests.get(user, path)(0)))  # noqa: B023
        for what, call in calls:
            for statement in plans.statements_of(call):
                nodes, looked = plans.nodes(*statement), looked + 1
                whole, read = large.intersection(plans.whole_tables(nodes)), plans.rows_read(nodes)
                if whole or read > MOST_ROWS:
                    raise RuntimeError(
                        f"{what}, sees {name}: reads {read:.0f} rows, all of {whole or 'none'}"
                    )
    return looked


def _lists(name: str, user: User) -> Iterator[tuple[str, Work]]:
    viewer = viewer_of(user)
    source, params = "conversations_conversationscope", {"me": user.pk, "scopes": list(viewer.scope_ids)}
    if not viewer.sees_all:  # as a good hand writes it: the index of each scope, as far as a page needs
        source = (
            "unnest(%(scopes)s::uuid[]) s0 (scope) CROSS JOIN LATERAL (SELECT * FROM conversations_conversationscope x "
            "WHERE x.scope_id = s0.scope AND x.status = 'open' AND x.tray = '' "
            "ORDER BY x.last_at DESC, x.conversation_id DESC LIMIT 51)"
        )

    def limit(turn: int) -> None:
        raw: psycopg.Connection = connection.connection  # psycopg itself, without Django's wrappers
        rows = raw.execute(LIMIT_LIST.format(source=source), params).fetchall()
        TEMPLATE.render(rows=rows)

    def selector(turn: int) -> None:
        from kith.workspace.inbox import InboxView, inbox_page

        inbox_page(viewer, InboxView("all"))

    yield (
        f"inbox of 50, whole page, sees {name}",
        lambda: measure({"kith": requests.get(user, "/inbox/all/"), "limit": limit}, times=80),
    )
    htmx = {"HTTP_HX_REQUEST": "true"}
    yield (
        f"inbox of 50, the rows (htmx), sees {name}",
        lambda: measure(
            {"kith": requests.get(user, "/inbox/all/?part=list", **htmx), "limit": limit}, times=80
        ),
    )
    yield (
        f"inbox of 50, the query alone, sees {name}",
        lambda: measure({"kith": selector, "limit": limit}, times=80),
    )
    yield f"counts of the views, sees {name}", lambda: measure({"kith": _counts(viewer)}, times=80)


def _counts(viewer: Any) -> Callable[[int], Any]:
    from kith.workspace.inbox import inbox_counts

    return lambda turn: inbox_counts(viewer)


def _searches(name: str, user: User) -> Iterator[tuple[str, Work]]:
    from kith.workspace.search import search_messages

    viewer = viewer_of(user)
    with connection.cursor() as cursor:
        cursor.execute("SELECT n, word FROM bench_word WHERE n IN (0, 30, 300, 3000, 15000) ORDER BY n")
        words = dict(cursor.fetchall())
    wanted = {f"word no. {n + 1:,}": [word] for n, word in words.items()} | {
        "two words": [f"{words[0]} {words[300]}", f"{words[30]} {words[3000]}"]
    }
    for what, texts in wanted.items():
        yield (
            f"search by date, {what}, sees {name}",
            lambda texts=texts: measure(  # type: ignore[misc]
                {"kith": lambda turn: search_messages(viewer, texts[turn % len(texts)])}, times=20, warm=2
            ),
        )


def _people(user: User) -> Iterator[tuple[str, Work]]:
    from kith.contacts.selectors import people_search

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {uid(1, '501')}, {uid(1, '10001')}, {uid(3, '501')}")
        person, long_history, conversation = cursor.fetchone()
        cursor.execute(
            f"SELECT count(*) FROM conversations_participant WHERE identity_id = {uid(2, '10001')}"
        )
        many = cursor.fetchone()[0] > 5000
    yield "contact with 500 entries", lambda: measure({"kith": requests.get(user, f"/people/{person}/")})
    if many:
        path = f"/people/{long_history}/"
        yield "contact with 10,000 entries", lambda: measure({"kith": requests.get(user, path)})
        middle = f"{path}?on=2025-06-01"
        yield "contact with 10,000 entries, by a day", lambda: measure({"kith": requests.get(user, middle)})
    path_of = f"/inbox/{conversation}/"
    yield "conversation of 500 messages", lambda: measure({"kith": requests.get(user, path_of)})
    yield (
        "conversation of 500 messages, opened from the list (htmx)",
        lambda: measure({"kith": requests.get(user, path_of, HTTP_HX_REQUEST="true")}),
    )
    yield "list of people", lambda: measure({"kith": requests.get(user, "/people/")})
    for length, texts in FRAGMENTS.items():
        yield (
            f"name search, {length}",
            lambda texts=texts: measure(  # type: ignore[misc]
                {"kith": lambda turn: people_search(texts[turn % len(texts)])}, times=42, warm=3
            ),
        )

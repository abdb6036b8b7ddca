"""Fills an empty, migrated database with people, conversations and messages, made inside PostgreSQL.

Shapes: one conversation a person, five messages each, nine scopes; the user "all" sees every scope, "few" sees one that
holds 0.2% of the conversations, but 100 of them at least: a page of twenty rows says nothing beside one of fifty. Words follow a Zipf-like law, so that there are common and rare ones. One person has 500
messages, one 10,000.

`INSERT ... SELECT` rather than `COPY ... FROM STDIN`: nothing has to be made and quoted in Python. The two were not timed
against each other. Text is two of 20,000 sentences
made beforehand, and a search document the concatenation of their vectors: what `search_documents_write` would write,
without parsing the same sentence five hundred times. Indexes and triggers are away while rows come in; two connections
work side by side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from django.db import connection, models

from kith.contacts.models import Contact, Identity, NameWord
from kith.conversations.models import (
    Conversation,
    ConversationScope,
    Message,
    MessageCopy,
    Participant,
    SearchDocument,
    Thread,
)
from kith.networks.models import ChannelAccount
from kith.teams.models import Membership, Scope, Team, User

Say = Callable[[str], Any]
GIVEN = "Anna Ben Chloe Daniel Elif Farid Greta Hugo Iris Jakob Katya Liam Maya Noah Olga Pablo Quinn Ruth Samir Tara"
FAMILY = "Abel Becker Castro Dunn Evans Fischer Garcia Haas Ivanova Jensen Keller Lopez Moreau Novak Osei Petrov Ruiz"
SENTENCES = 20_000
STEP = 100_000
FILLED = (
    Contact,
    Identity,
    NameWord,
    Conversation,
    Thread,
    ConversationScope,
    Message,
    MessageCopy,
    Participant,
    SearchDocument,
)
SUBJECT, FIRST, SECOND = (
    f"abs(hashint8({{n}}::bigint * 3 + {k}) % {SENTENCES})::int" for k in range(3)
)  # the sentences of a message or conversation


def few_each(contacts: int) -> int:
    """Each so-many-th conversation is seen by "few"."""
    return max(20, min(500, contacts // 100))


def uid(kind: int, number: str) -> str:
    """SQL of a UUID shaped like version 7, sorting by `number`; `kind` keeps the tables apart."""
    digits = f"lpad(to_hex(({number})::bigint), 12, '0')"
    return (
        f"(substr({digits}, 1, 8) || '-' || substr({digits}, 9, 4) || '-7{kind:03x}-8000-000000000000')::uuid"
    )


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def as_superuser(statement: str) -> None:
    """Run it as the embedded server's superuser; CURRENT stands for the role that Kith works as."""
    from django.conf import settings

    from kith.core.postgres import cluster, location

    with connection.cursor() as cursor:
        cursor.execute("SELECT quote_ident(current_user)")
        role = cursor.fetchone()[0]
    with cluster.superuser_connection(location.of(settings.KITH.home)) as boss:
        boss.execute(statement.replace("CURRENT", role))


def _default(field: Any) -> str:
    kind = field.get_internal_type()
    if field.null:
        return "NULL"
    if kind == "DateTimeField":
        return "now()"
    if kind == "BooleanField":
        return str(bool(field.get_default())).lower()
    if kind in ("IntegerField", "PositiveIntegerField", "SmallIntegerField", "BigIntegerField"):
        return str(field.get_default() or 0)
    if kind == "FloatField":
        return "0.9"
    if kind in ("JSONField", "ArrayField"):
        return "'{}'"
    default = field.get_default()
    return "'" + str(default if isinstance(default, str) else "").replace("'", "''") + "'"


def insert(model: type[models.Model], values: dict[str, str], source: str) -> None:
    """INSERT ... SELECT with an expression for some columns and the model's defaults for the rest."""
    columns, expressions = [], []
    for field in model._meta.concrete_fields:
        if field.get_internal_type() == "BigAutoField":
            continue
        columns.append(f'"{field.column}"')
        expressions.append(values.get(field.column or "") or _default(field))
    unknown = set(values) - {f.column for f in model._meta.concrete_fields}
    if unknown:
        raise ValueError(f"{model.__name__} has no column {unknown}")
    execute(
        f'INSERT INTO "{model._meta.db_table}" ({", ".join(columns)}) SELECT {", ".join(expressions)} {source}'
    )


def _sentences() -> None:
    """20,000 made-up words, and sentences that draw from them: word n as often as 1 / n."""
    execute(
        """
        CREATE TABLE bench_word AS
        SELECT n, (ARRAY['ka','lo','mi','ru','te','sa','vo','ne','di','pu'])[1 + n % 10]
               || (ARRAY['ran','lin','mot','ser','dal','kep','vun','tor','bis','gam'])[1 + (n / 10) % 10]
               || (ARRAY['o','a','i','e','u','an','el','or','is','um'])[1 + (n / 100) % 10]
               || CASE WHEN n >= 1000 THEN to_hex(n) ELSE '' END AS word
        FROM generate_series(0, 19999) n
        """,
        "CREATE UNIQUE INDEX ON bench_word (n) INCLUDE (word)",
        "ANALYZE bench_word",
        f"""
        CREATE TABLE bench_sentence AS
        SELECT s AS n, initcap(short.t) AS short, long.t AS long,
               setweight(to_tsvector('kith', short.t), 'A') AS short_vector, to_tsvector('kith', long.t) AS long_vector
        FROM (
            SELECT s, string_agg(w.word, ' ' ORDER BY i) FILTER (WHERE i <= 4) AS short,
                   string_agg(w.word, ' ' ORDER BY i) FILTER (WHERE i > 4) AS long
            FROM generate_series(0, {SENTENCES - 1}) s CROSS JOIN generate_series(1, 24) i
            JOIN bench_word w ON w.n = floor(20000::float8 ^ (abs(hashint8(s * 31::bigint + i) % 100000) / 100000.0::float8))::int - 1
            GROUP BY s
        ) made, LATERAL (SELECT coalesce(made.short, 'karano') AS t) short, LATERAL (SELECT made.long AS t) long
        """,
        "CREATE UNIQUE INDEX ON bench_sentence (n)",
        "ANALYZE bench_sentence",
    )


def _without_indexes(say: Say) -> list[str]:
    """Drop what can be rebuilt: indexes and unique constraints other than primary keys. Returns how to make them."""
    tables = [model._meta.db_table for model in FILLED]
    again = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
            "WHERE contype = 'u' AND conrelid = ANY (%s::regclass[])",
            [tables],
        )
        for table, name, definition in cursor.fetchall():
            execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            again.append(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
        cursor.execute(
            "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i "
            "WHERE i.indrelid = ANY (%s::regclass[]) AND NOT i.indisprimary",
            [tables],
        )
        for name, definition in cursor.fetchall():
            execute(f"DROP INDEX {name}")
            again.append(definition)
    # The longest first, so that both connections end together.
    again.sort(key=lambda s: ("USING gin" not in s, "conversations_message" not in s))
    say(f"{len(again)} indexes dropped")
    return again


def _side_by_side(statements: Iterable[Callable[[], None]]) -> None:
    """Run on two connections."""

    def one(work: Callable[[], None]) -> None:
        execute(
            "SET session_replication_role = replica",
            "SET synchronous_commit = off",
            "SET maintenance_work_mem = '1GB'",
        )
        try:
            work()
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(one, work) for work in statements]:
            done.result()


def fill(contacts: int, say: Say = print) -> None:
    """`contacts` people and conversations, five times as many messages."""
    begun = time.monotonic()

    def told(text: str) -> None:
        say(f"{time.monotonic() - begun:7.1f} s  {text}")

    as_superuser("ALTER ROLE CURRENT SUPERUSER")  # leave the triggers of foreign keys out
    account, common, rare = _house()
    _sentences()
    told("20,000 sentences made")
    execute(
        "ALTER SYSTEM SET max_wal_size = '16GB'",
        "ALTER SYSTEM SET autovacuum = off",
        "SELECT pg_reload_conf()",
    )
    again = _without_indexes(told)
    listed = "ARRAY[" + ",".join(f"'{s}'" for s in common) + "]::uuid[]"
    scope = f"CASE WHEN n % {few_each(contacts)} = 0 THEN '{rare}'::uuid ELSE ({listed})[1 + n % 7] END"
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()::text")
        moment = f"'{cursor.fetchone()[0]}'::timestamptz"
    at = f"({moment} - (n::float8 / {contacts} * interval '720 days'))"
    ranges = [(low, min(low + STEP - 1, contacts)) for low in range(1, contacts + 1, STEP)]
    _side_by_side([partial(_people, *r, at) for r in ranges])
    told(f"{contacts:,} people")
    _side_by_side([partial(_conversations, *r, at, scope, account) for r in ranges])
    told(f"{contacts:,} conversations")
    _side_by_side([partial(_messages, *r, at, scope) for r in ranges])
    told(f"{contacts * 5:,} messages with copies, participants and search documents")
    _long_history(501, 500, moment, contacts)
    _long_history(10_001, 10_000, moment, contacts)
    _side_by_side([partial(_timed, s, told) for s in again])
    told("indexes")
    execute("VACUUM ANALYZE", "CHECKPOINT")
    execute("ALTER SYSTEM RESET max_wal_size", "ALTER SYSTEM RESET autovacuum", "SELECT pg_reload_conf()")
    as_superuser("ALTER ROLE CURRENT NOSUPERUSER")
    told("vacuumed and analysed")


def _timed(statement: str, say: Say) -> None:
    begun = time.monotonic()
    execute(statement)
    if time.monotonic() - begun > 20:
        say(f"   {time.monotonic() - begun:.0f} s: {statement[:110]}")


def _house() -> tuple[Any, list[Any], Any]:
    """Two users, eight teams with a scope each, a channel account; "few" is in the last team only."""
    everyone = Scope.objects.get_or_create(kind="everyone", defaults={"name": "Everyone"})[0]
    boss = User.objects.create_user("all@bench.example", "x", name="All", role="owner")
    few = User.objects.create_user("few@bench.example", "x", name="Few", role="agent")
    scopes = []
    for number in range(8):
        team = Team.objects.create(name=f"Team {number}")
        Membership.objects.create(user=boss, team=team)
        scope = Scope.objects.create(kind="teams", name=team.name)
        scope.teams.add(team)
        scopes.append(scope.pk)
        if number == 7:
            Membership.objects.create(user=few, team=team)
    # What everyone sees would be more than 0.2%: "few" works beside colleagues whose conversations all belong to teams.
    account = ChannelAccount.objects.create(
        network="email",
        name="Bench",
        address="us@bench.example",
        external_id="us@bench.example",
        scope=everyone,
        settings={"simulated": "yes"},
        history_until="2000-01-01T00:00:00Z",
    )
    return account.pk, scopes[:7], scopes[7]


def _people(low: int, high: int, at: str) -> None:
    given, family = (f"(string_to_array('{names}', ' '))" for names in (GIVEN, FAMILY))
    source = (
        f"FROM generate_series({low}, {high}) n, LATERAL (SELECT "
        f"{given}[1 + abs(hashint8(n) % {len(GIVEN.split())})] AS first, "
        f"{family}[1 + abs(hashint8(n * 7) % {len(FAMILY.split())})] || "
        "CASE WHEN n % 3 = 0 THEN to_hex(n % 5000) ELSE '' END AS last) w"
    )
    name = "w.first || ' ' || w.last"
    address = "'p' || n || '@out.example'"
    insert(
        Contact,
        {
            "id": uid(1, "n"),
            "canonical_id": uid(1, "n"),
            "name": name,
            "given_name": "w.first",
            "family_name": "w.last",
            "sort_key": "lower(w.last || ' ' || w.first)",
            "search_text": f"lower({name} || ' ' || {address})",
            "last_inbound_at": at,
        },
        source,
    )
    insert(
        Identity,
        {
            "id": uid(2, "n"),
            "network": "'email'",
            "external_id": address,
            "handle": address,
            "display_name": name,
            "contact_id": uid(1, "n"),
            "last_seen_at": at,
        },
        source,
    )

    # The triggers that keep these words are away, as all triggers are.
    named = f"FROM (SELECT n, {name} AS name, {address} AS address {source}) p, LATERAL contacts_words("
    insert(
        NameWord,
        {"word": "x", "kind": "'c'", "object_id": uid(1, "n")},
        f"{named}lower(name || ' ' || address)) x",
    )
    insert(
        NameWord,
        {"word": "x", "kind": "'i'", "object_id": uid(2, "n")},
        f"{named}name || ' ' || address || ' ' || address) x",
    )


def _conversations(low: int, high: int, at: str, scope: str, account: Any) -> None:
    people = f"FROM generate_series({low}, {high}) n"
    worded = (
        f"{people} JOIN bench_sentence a ON a.n = {SUBJECT.format(n='g.n')} JOIN bench_sentence b ON b.n = {FIRST.format(n='g.n')}"
    ).replace(") n JOIN", ") g (n) JOIN")
    status = "CASE WHEN {n} % 20 = 0 THEN 'open' ELSE 'closed' END"
    insert(
        Conversation,
        {"id": uid(3, "n"), "status": status.format(n="n"), "identity_id": uid(2, "n")},
        people,
    )
    at, scope = at.replace("(n::", "(g.n::"), scope.replace("n % ", "g.n % ")
    insert(
        Thread,
        {
            "id": uid(4, "g.n"),
            "conversation_id": uid(3, "g.n"),
            "scope_id": scope,
            "network": "'email'",
            "channel_account_id": f"'{account}'::uuid",
            "identity_id": uid(2, "g.n"),
            "last_at": at,
            "subject": "a.short",
            "subject_key": "lower(a.short)",
            "visibility": "'private'",
        },
        worded,
    )
    insert(
        ConversationScope,
        {
            "conversation_id": uid(3, "g.n"),
            "scope_id": scope,
            "status": status.format(n="g.n"),
            "identity_id": uid(2, "g.n"),
            "subject": "a.short",
            "snippet": "left(b.long, 280)",
            "networks": "'{email}'",
            "message_count": "5",
            "last_at": at,
            "last_direction": "'in'",
            "waiting_since": f"CASE WHEN g.n % 20 = 0 THEN {at} END",
        },
        worded,
    )


def _messages(low: int, high: int, at: str, scope: str) -> None:
    at = f"{at} - k * interval '3 hours'"
    source = f"FROM generate_series({low}, {high}) n, generate_series(0, 4) k"
    _talk(source, "(n::bigint * 8 + k)", at, scope, "CASE WHEN k % 2 = 0 THEN 'in' ELSE 'out' END")


def _long_history(person: int, messages: int, moment: str, contacts: int) -> None:
    """More messages for one person, in their conversation."""
    if person > contacts:
        return
    source = f"FROM (SELECT {person}::bigint AS n) p, generate_series(10, {messages + 5}) k"
    scope = f"(SELECT scope_id FROM conversations_thread WHERE id = {uid(4, str(person))})"
    _talk(source, "(9000000000 + n * 100000 + k)", f"{moment} - k * interval '2 hours'", scope, "'in'")
    execute(
        f"UPDATE conversations_conversationscope SET message_count = {messages} WHERE conversation_id = {uid(3, str(person))}"
    )


def _talk(source: str, key: str, at: str, scope: str, direction: str) -> None:
    """Messages of numbered conversations, with what belongs to each."""
    made = (
        f"FROM (SELECT {uid(5, key)} AS id, {uid(4, 'n')} AS thread, {uid(2, 'n')} AS person, {scope} AS scope, {at} AS at, "
        f"{direction} AS direction, {key} AS key, n {source}) r"
    )
    worded = (
        f"{made} JOIN bench_sentence s ON s.n = {SUBJECT.format(n='r.n')} JOIN bench_sentence a ON a.n = {FIRST.format(n='r.key')} "
        f"JOIN bench_sentence b ON b.n = {SECOND.format(n='r.key')}"
    )
    insert(
        Message,
        {
            "id": "r.id",
            "network": "'email'",
            "external_id": "'m' || r.key || '@out.example'",
            "content_hash": "md5(r.key::text) || md5(r.n::text)",
            "direction": "r.direction",
            "state": "'received'",
            "at": "r.at",
            "received_at": "r.at",
            "sender_id": "CASE WHEN r.direction = 'in' THEN r.person END",
            "subject": "s.short",
            "text": "a.long || ' ' || b.long",
            "visibility": "'private'",
        },
        worded,
    )
    insert(
        MessageCopy,
        {
            "message_id": "r.id",
            "thread_id": "r.thread",
            "scope_id": "r.scope",
            "at": "r.at",
            "first_in_thread": "true",
        },
        made,
    )
    insert(
        Participant,
        {
            "message_id": "r.id",
            "identity_id": "r.person",
            "role": "CASE WHEN r.direction = 'in' THEN 'from' ELSE 'to' END",
            "verified": "'dmarc'",
            "at": "r.at",
        },
        made,
    )
    labels = (
        "array_remove(ARRAY['scope:' || r.scope, 'net:email', 'dir:' || r.direction, "
        "'month:' || to_char(r.at AT TIME ZONE 'UTC', 'YYYYMM'), "
        "'seen:' || r.scope || ':' || to_char(r.at AT TIME ZONE 'UTC', 'YYYYMM'), "
        "'from:' || CASE WHEN r.direction = 'in' THEN r.person END], NULL)"
    )
    insert(
        SearchDocument,
        {
            "message_id": "r.id",
            "at": "r.at",
            "cjk": "''",
            "vector": f"array_to_tsvector({labels}) || s.short_vector || a.long_vector || b.long_vector",
        },
        worded,
    )

"""Posts become mentions once, for those who may see them; counts follow; what was deleted goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import Sum

from kith.base.clock import now
from kith.contacts.models import Identity
from kith.conversations.models import Message, Post
from kith.conversations.services.posts import posts_gone_upstream, posts_link, posts_record
from kith.core import events
from kith.core.registry import erased
from kith.listening import selectors
from kith.listening.errors import ListeningError
from kith.listening.models import Mention, MentionCount, Monitor
from kith.listening.services import mentions, monitors, sweeping
from kith.listening.services.inbox import inbox_take
from kith.listening.services.lookback import monitor_look_back, preview
from kith.listening.types import MentionView
from kith.teams.types import Viewer
from tests.listening.support import monitor, post, seen
from tests.support.cast import NOON, Cast

pytestmark = pytest.mark.django_db
ANY = MentionView(state="")


def texts(viewer: Viewer, view: MentionView = ANY) -> list[str]:
    return [row.post.text for row in selectors.mentions(viewer, view)[0]]


def counted(one: Monitor) -> int:
    return MentionCount.objects.filter(monitor=one).aggregate(n=Sum("number"))["n"] or 0


def test_a_post_is_found_by_each_monitor_once(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    bikes, bells = monitor(olga, "bike"), monitor(olga, "bell")
    key = post("A bike with a bell")
    post("A train")
    mentions.posts_match([key])  # a job may run twice
    assert sorted(Mention.objects.values_list("monitor__name", "spans")) == [
        ("bell", [[14, 18]]),
        ("bike", [[2, 6]]),
    ]
    [row] = selectors.mentions(olga, ANY)[0]
    assert [found.name for found in row.monitors] == ["bell", "bike"]
    assert row.spans == ((2, 6), (14, 18))
    assert (counted(bikes), counted(bells)) == (1, 1)


def test_what_was_seen_before_is_found_when_a_monitor_is_made_and_changed(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    post("an old bike", at=now() - timedelta(days=3))
    post("an old bell", at=now() - timedelta(days=3))
    assert texts(olga) == []
    made = monitor(olga, "bike")
    assert texts(olga) == ["an old bike"]
    changed = monitors.monitor_change(viewer=olga, monitor_id=made.pk, name="bells", query="bell")
    monitor_look_back(changed.pk, changed.version)
    assert texts(olga) == ["an old bell"]
    assert counted(changed) == 1
    post("a new bike")
    assert texts(olga, MentionView(state="")) == ["an old bell"]


def test_what_a_colleague_dealt_with_stays_when_the_query_changes(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    key = post("an old bike", at=now() - timedelta(days=3))
    made = monitor(olga, "bike")
    mentions.post_decide(olga, key, "done")
    changed = monitors.monitor_change(viewer=olga, monitor_id=made.pk, name="bells", query="bell")
    monitor_look_back(changed.pk, changed.version)
    assert texts(olga, MentionView(state="done")) == ["an old bike"]


def test_a_look_back_for_an_older_version_does_nothing(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitors.monitor_make(viewer=olga, name="bikes", query="bike")
    monitors.monitor_change(viewer=olga, monitor_id=made.pk, name="bells", query="bell")
    post("a bell", at=now() - timedelta(hours=1))
    Mention.objects.all().delete()
    assert monitor_look_back(made.pk, made.version) == 0
    assert not Mention.objects.exists()


def test_a_monitor_that_is_off_or_removed_finds_nothing(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitor(olga, "bike")
    monitors.monitor_switch(viewer=olga, monitor_id=made.pk, on=False)
    post("a bike")
    assert texts(olga) == []
    monitors.monitor_switch(viewer=olga, monitor_id=made.pk, on=True)
    post("another bike")
    assert texts(olga) == ["another bike"]
    monitors.monitor_remove(viewer=olga, monitor_id=made.pk)
    post("a third bike")
    assert texts(olga) == []
    assert selectors.monitor_of(olga, made.pk) is None
    sweeping.monitors_sweep()
    assert not Mention.objects.exists()
    other = monitor(olga, "bell")
    assert other.version > made.version + 1  # versions are not given out again
    post("a bell")
    assert texts(olga) == ["a bell"]


def test_only_those_of_the_scope_see_a_monitor_and_what_it_found(cast: Cast) -> None:
    olga, carl, ines = (cast.viewer(user) for user in (cast.olga, cast.carl, cast.ines))
    made = monitor(carl, "bike", audience=str(cast.sales.pk))
    key = post("a bike")
    assert texts(carl) == texts(olga) == ["a bike"]
    assert texts(ines) == []
    assert selectors.mention_row(ines, key) is None
    assert selectors.monitor_of(ines, made.pk) is None
    assert selectors.days(ines, [], number=3)[-1][1] == 0
    with pytest.raises(ListeningError):
        mentions.post_decide(ines, key, "done")
    with pytest.raises(ListeningError):
        monitors.monitor_change(viewer=ines, monitor_id=made.pk, name="x", query="x")
    with pytest.raises(ListeningError, match="may not see"):
        mentions.post_assign(carl, key, cast.ines)
    with pytest.raises(ListeningError):
        monitors.monitor_make(viewer=ines, name="x", query="x", audience=str(cast.sales.pk))


def public_message(cast: Cast, text: str) -> Message:
    """Said to sales in public."""
    key = cast.mail(cast.sales_scope, text=text, visibility="public").message_id
    events.pump()
    return Message.objects.get(pk=key)


def test_what_was_said_to_us_in_public_is_seen_by_who_may_see_the_message(cast: Cast) -> None:
    carl, ines = cast.viewer(cast.carl), cast.viewer(cast.ines)
    made = monitor(ines, "bike")
    said = public_message(cast, "your bike is late")
    cast.mail(cast.everyone, text="a private word about a bike")
    events.pump()
    assert texts(carl) == ["your bike is late"]
    assert texts(ines) == [], "her own search must not show what the inbox hides from her"
    assert preview(carl, "bike").found == 1
    assert preview(ines, "bike").found == 0
    midnight = NOON.replace(hour=0)
    [row] = selectors.monitor_rows(carl, midnight=midnight)
    assert (row.today, row.open) == (1, 1)
    [row] = selectors.monitor_rows(ines, midnight=midnight)
    assert (row.today, row.open) == (0, 0)
    # found in public, too: now everybody of the monitor's scope sees it
    posts_record([seen("your bike is late", network="email", external_id=said.external_id)])
    events.pump()
    assert texts(ines) == ["your bike is late"]
    assert counted(made) == 1


def test_public_messages_from_before_are_taken_once(cast: Cast) -> None:
    cast.mail(cast.everyone, text="an old bike", visibility="public", at=now() - timedelta(days=2))
    events.pump()
    assert not Post.objects.exists()
    assert inbox_take() == 1
    assert inbox_take() == 0


def test_deleted_upstream_takes_the_post_its_mentions_and_its_count(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitor(olga, "bike")
    [key] = posts_record([seen("a bike", external_id="at://1", raw=b"{}")])
    events.pump()
    mentions.post_decide(olga, key, "done")
    posts_gone_upstream("bluesky", ["at://1"], at=now())
    events.pump()
    assert not Mention.objects.exists()
    assert counted(made) == 0
    gone = Post.objects.get()
    assert (gone.text, gone.author_handle, gone.author_name, gone.raw, gone.url) == ("", "", "", None, "")
    assert posts_record([seen("a bike", external_id="at://1")]) == [], "it does not come back"


def test_a_deleted_message_takes_its_post_along(cast: Cast) -> None:
    from kith.channels.deletions import messages_gone

    carl = cast.viewer(cast.carl)
    monitor(carl, "bike")
    said = public_message(cast, "your bike is late")
    messages_gone([said], at=now())
    events.pump()
    assert texts(carl) == []
    assert Post.objects.get().text == ""


def test_a_changed_post_is_matched_anew(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitor(olga, "bike")
    posts_record([seen("a bike", external_id="at://1")])
    events.pump()
    posts_record([seen("a blue bike", external_id="at://1")])
    events.pump()
    assert list(Mention.objects.values_list("spans", flat=True)) == [[[7, 11]]]
    posts_record([seen("a train", external_id="at://1")])
    events.pump()
    assert not Mention.objects.exists()
    assert counted(made) == 0


def test_raw_bytes_are_kept_for_matches_only(cast: Cast) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    posts_record([seen("a bike", external_id="1", raw=b"{1}"), seen("a train", external_id="2", raw=b"{2}")])
    events.pump()
    kept = {row.external_id: row.raw for row in Post.objects.all()}
    assert bytes(kept["1"] or b"") == b"{1}"
    assert kept["2"] is None


def test_somebody_who_is_erased_takes_their_posts_along(cast: Cast) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    post("a bike of mine", author_external_id="did:plc:erased1", author_handle="@gone.example")
    post("a bike of another")
    Identity.objects.create(network="bluesky", external_id="did:plc:erased1")
    posts_link(Identity.objects.get().pk)
    assert Post.objects.exclude(author=None).get().text == "a bike of mine"
    monitor(cast.viewer(cast.olga), '"@gone.example" OR @gone')
    erased([], ["did:plc:erased1", "@gone.example"])
    assert Monitor.objects.exclude(state="removed").get().query == "bike"
    assert list(Post.objects.values_list("text", flat=True)) == ["a bike of another"]
    assert Mention.objects.count() == 1


def test_what_a_colleague_decides_counts_for_all_their_monitors_and_can_be_undone(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    monitor(olga, "bike")
    monitor(olga, "bell")
    key = post("a bike with a bell")
    mentions.post_assign(olga, key, cast.carl)
    mentions.post_decide(olga, key, "muted")
    assert set(Mention.objects.values_list("state", "assignee__name")) == {("muted", "Carl")}
    assert texts(olga, MentionView()) == []
    assert texts(olga, MentionView(state="muted")) == ["a bike with a bell"]
    mentions.post_decide(olga, key, "open")
    assert texts(olga, MentionView(assignee_id=cast.carl.pk)) == ["a bike with a bell"]
    with pytest.raises(ListeningError):
        mentions.post_decide(cast.viewer(cast.pia), key, "done")


def test_pages_hold_each_post_once_also_where_times_are_equal(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    monitor(olga, "bike")
    monitor(olga, "a")
    keys = [post(f"a bike {n}", at=NOON + timedelta(hours=n // 5)) for n in range(23)]
    seen_keys, before = [], None
    while True:
        rows, before = selectors.mentions(olga, ANY, before=before, limit=4)
        seen_keys += [row.post.pk for row in rows]
        if before is None:
            break
    assert len(seen_keys) == 23
    assert set(seen_keys) == set(keys)
    assert seen_keys == sorted(
        seen_keys, key=lambda key: (Post.objects.get(pk=key).published_at, key), reverse=True
    )


def test_days_and_filters_narrow(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitor(olga, "bike")
    post("bike one", at=NOON, language="en")
    post("bike two", at=NOON + timedelta(days=1), language="de", network="mastodon")
    day = NOON.date()
    assert texts(olga, MentionView(state="", since=day, until=day)) == ["bike one"]
    assert texts(olga, MentionView(state="", network="mastodon")) == ["bike two"]
    assert texts(olga, MentionView(state="", language="de", monitor_id=made.pk)) == ["bike two"]
    assert selectors.filters(olga) == (["bluesky", "mastodon"], ["de", "en"])


def test_counts_can_be_rebuilt(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = monitor(olga, "bike")
    for n in range(5):
        post(f"bike {n}", at=NOON + timedelta(hours=n))
    before = list(MentionCount.objects.order_by("hour").values_list("hour", "number"))
    MentionCount.objects.update(number=77)
    mentions.counts_rebuild(made)
    assert list(MentionCount.objects.order_by("hour").values_list("hour", "number")) == before


def test_posts_that_nobody_looks_for_are_forgotten(cast: Cast) -> None:
    monitor(cast.viewer(cast.olga), "bike")
    post("an old train", at=now() - timedelta(days=120))
    post("an old bike", at=now() - timedelta(days=120))
    post("a new train", at=now())
    assert sweeping.sweep() == 1
    assert sorted(Post.objects.values_list("text", flat=True)) == ["a new train", "an old bike"]


_MANY = """
INSERT INTO conversations_post (id, created_at, network, external_id, url, realm, author_external_id, author_handle,
    author_name, text, language, place, published_at)
SELECT gen_random_uuid(), now(), 'bluesky', 'x' || n, '', '', 'a' || n %% 5000, '', '', 'bike ' || n, 'en', '',
    %(at)s::timestamptz - n * interval '7 seconds' FROM generate_series(1, %(number)s) AS n
"""
_FOUND = """
INSERT INTO listening_mention (id, created_at, monitor_id, post_id, spans, published_at, network, language, state)
SELECT gen_random_uuid(), now(), (%(monitors)s::uuid[])[1 + (random() * 19)::int], id, '[[0,4]]', published_at, network, language,
    CASE WHEN random() < .5 THEN 'open' ELSE 'done' END
FROM conversations_post
"""


def rows_read(query: str, given: dict[str, Any]) -> tuple[int, str]:
    """How many rows the plan really read from tables and indexes, and the plan."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {query}", given)
        found = cursor.fetchone()[0]
    plan = found if isinstance(found, list) else json.loads(found)
    read = 0

    def walk(node: dict[str, Any]) -> None:
        nonlocal read
        if "Scan" in node["Node Type"]:
            read += int((node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"])
        for child in node.get("Plans", ()):
            walk(child)

    walk(plan[0]["Plan"])
    return read, json.dumps(plan)[:4000]


def test_a_page_of_a_million_mentions_reads_little_more_than_it_shows(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    made = [monitors.monitor_make(viewer=olga, name=f"m{n}", query=f"bike{n}") for n in range(20)]
    number = 1_000_000
    with connection.cursor() as cursor:
        cursor.execute(_MANY, {"number": number, "at": datetime(2026, 6, 1, tzinfo=UTC)})
        cursor.execute(_FOUND, {"monitors": [one.pk for one in made]})
        cursor.execute("ANALYZE listening_mention")
        cursor.execute("ANALYZE conversations_post")
    middle = Mention.objects.order_by("-published_at")[number // 2]
    before = (middle.published_at, middle.post_id)
    for view in (MentionView(), ANY, MentionView(network="bluesky")):
        for keys in ([one.pk for one in made], [made[3].pk]):
            read, plan = rows_read(*selectors.page_query(olga, view, keys, before=before, limit=51))
            assert '"Seq Scan"' not in plan, plan
            assert read < 2000, (view, len(keys), read, plan)


def test_a_search_may_ask_for_a_mood(cast: Cast) -> None:
    olga = cast.viewer(cast.olga)
    monitor(olga, "bike sentiment:negative")
    post("I hate this bike, it is broken again and nobody helps, awful!", language="en")
    post("I love this bike, thank you so much, it is wonderful!", language="en")
    assert [text[:6] for text in texts(olga)] == ["I hate"]

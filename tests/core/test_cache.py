"""What is counted stays counted: until its time is over, whatever else is kept, and however many count at once."""

from __future__ import annotations

import threading

import pytest
from django.core.cache import cache
from django.db import connection

from kith.base.clock import now

pytestmark = pytest.mark.django_db


def _ends(key: str) -> float:
    """Seconds from now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT expires FROM core_cache WHERE cache_key = %s", [cache.make_key(key)])
        return float((cursor.fetchone()[0] - now()).total_seconds())


def test_a_flood_of_keys_wipes_out_no_count() -> None:
    cache.set("allauth:wrong_passwords", 5, 3600)
    cache.set("over", 1, -1)
    for number in range(700):
        cache.set(f"often:{number}", 1, 60)
    assert cache.get("allauth:wrong_passwords") == 5
    assert cache.get("often:0") == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM core_cache WHERE cache_key = %s", [cache.make_key("over")])
        assert cursor.fetchone()[0] == 0, "what is over is swept"


def test_a_count_ends_when_it_said() -> None:
    cache.add("hour", 1, 3600)
    assert cache.incr("hour") == 2
    assert 3500 < _ends("hour") <= 3600, "not five minutes after the last"
    cache.add("second", 1, 2)
    assert cache.incr("second", 3) == 4
    assert _ends("second") <= 2
    cache.set("over", 1, -1)
    for key in ("over", "never"):
        with pytest.raises(ValueError, match=key):
            cache.incr(key)


@pytest.mark.django_db(transaction=True)
def test_those_who_count_at_once_are_all_counted() -> None:
    cache.set("many", 0, 60)
    begin = threading.Barrier(4)

    def count() -> None:
        begin.wait()
        for _ in range(25):
            cache.incr("many")
        connection.close()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cache.get("many") == 100

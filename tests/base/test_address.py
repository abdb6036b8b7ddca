"""What is counted as one network address."""

from __future__ import annotations

import pytest

from kith.base import address


@pytest.mark.parametrize(
    ("written", "plain", "counted"),
    [
        ("203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9", "203.0.113.9"),
        ("::FFFF:CB00:7109", "203.0.113.9", "203.0.113.9"),
        ("2001:DB8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("::1", "::1", "::/64"),
        ("", "", ""),
        ("unix:", "unix:", "unix:"),
    ],
)
def test_one_machine_is_counted_once_however_it_is_written(written: str, plain: str, counted: str) -> None:
    assert address.plain(written) == plain
    assert address.counted(written) == counted

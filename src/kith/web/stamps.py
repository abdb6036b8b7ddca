"""The stamp of a form that anybody may send: when it was shown. A person needs a moment to fill it in, a program none."""

from __future__ import annotations

from django.core import signing

SOONEST, LATEST = 2, 24 * 3600  # seconds between showing the form and sending it


def stamp(form: str, about: str) -> str:
    """For a hidden field; `form` names the form, `about` what it is for."""
    return signing.TimestampSigner(salt=form).sign(about)


def in_time(text: str, form: str, about: str) -> bool:
    """Whether it came back neither at once nor the day after."""
    signer = signing.TimestampSigner(salt=form)
    try:
        if signer.unsign(text, max_age=LATEST) != about:
            return False
    except signing.BadSignature:
        return False
    try:
        signer.unsign(text, max_age=SOONEST)
    except signing.SignatureExpired:
        return True
    return False

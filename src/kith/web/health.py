"""For monitors and proxies: `/health/live/` says that this process answers, `/health/` that it can do its work.

Neither says anything else: not a version, not a name, not an error's text. They are answered under any host name (a
monitor asks by a number or a container's name) and open no session.
"""

from __future__ import annotations

from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from kith.web.access import public


@transaction.non_atomic_requests
@require_safe
@never_cache
@public
def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


@transaction.non_atomic_requests
@require_safe
@never_cache
@public
def ready(request: HttpRequest) -> HttpResponse:
    """200 while PostgreSQL answers and its tables are there; else 503."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM core_companyvalue LIMIT 1")
    except Error:
        return HttpResponse("not ready\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")

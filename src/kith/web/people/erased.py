"""Who was erased is kept out of imports by a hash; an administrator lets an import bring somebody back."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from kith.contacts.models import ErasedAddress
from kith.contacts.services import ErasedError, erased_lift
from kith.web import pages
from kith.web.access import SignedIn, administrators


@never_cache
@administrators
def erased(request: SignedIn) -> HttpResponse:
    """GET says how many addresses are kept out; POST `address` and `reason` lets an import bring that one back."""
    error = field = done = ""
    if request.method == "POST":
        try:
            erased_lift(
                address=request.POST.get("address", ""),
                reason=request.POST.get("reason", ""),
                user=request.user,
            )
            done = _("An import may bring this address back now.")
        except ErasedError as problem:
            error, field = str(problem), problem.field
    context = {
        "count": ErasedAddress.objects.filter(lifted_at=None).count(),
        "error": error,
        "field": field,
        "done": done,
        "address": request.POST.get("address", "") if error else "",
        "reason": request.POST.get("reason", "") if error else "",
    }
    return pages.page(request, "people/erased.html", context, section="people", status=422 if error else 200)

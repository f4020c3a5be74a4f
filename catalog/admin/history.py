"""Earlier states of rows, in the admin."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin


class HistoryAdmin(SimpleHistoryAdmin):
    """Who may look at a row sees what it was; to go back to that takes the right to change it.

    The page of an earlier state saves what is sent to it, and by itself it asks only for the right to look.
    """

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            row = self.get_object(request, object_id)
            # What was deleted is made anew.
            if not (self.has_change_permission(request, row) and (row is not None or self.has_add_permission(request))):
                raise PermissionDenied
        answer: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return answer

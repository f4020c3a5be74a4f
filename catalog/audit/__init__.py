"""The audit log: who of the staff did what, when, and from where.

Two ways lead into it. Every request to the admin that changes something, or takes a file out, is noted by
`catalog.audit.middleware`, with the fields that changed; so a new page or action is in the log without a line of its
own. What happens elsewhere, or means more than its fields say, calls `record`.

Nothing of shoppers goes in but the number of a row, and no secret: `settings.AUDIT_SILENT` and `collecting.SECRET`.
"""

from catalog.audit import signing_in
from catalog.audit.acting import Acting, Subject, acting, current, name_of, of_request, record
from catalog.audit.retention import forget_old

__all__ = ["Acting", "Subject", "acting", "current", "forget_old", "name_of", "of_request", "record", "signing_in"]

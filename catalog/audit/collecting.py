"""What rows looked like before and after, while somebody of the staff acts.

Rows that are saved one by one, deleted one by one, or related to others send signals. What is updated by the thousand
sends none; there the entry names the action and the rows that were chosen, and products, rules and synonyms keep
their history, field by field. For these the log names the row alone: everything is recorded once.
"""

from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_save

from catalog.audit.acting import Acting, current, name_of

APPS: Final = {"auth", "catalog", "search", "recommend"}
SECRET: Final = {"password", "hashed_key", "prefix", "key", "token"}
OF_STAFF: Final = {"is_active", "is_staff", "is_superuser"}  # of an account; the rest is a person's own
MOST_ROWS, MOST_NAMES, LONGEST_VALUE = 50, 20, 200
HIDDEN: Final = "•••"


def connect() -> None:
    """Listen to the models that belong into the log, and to no other.

    Django reads rows one by one where somebody listens to their deletion: what is deleted by the million is not here.
    """
    for model in filter(_belongs, apps.get_models()):
        pre_save.connect(_before, sender=model, dispatch_uid="catalog.audit.before")
        post_save.connect(_after, sender=model, dispatch_uid="catalog.audit.after")
        post_delete.connect(_gone, sender=model, dispatch_uid="catalog.audit.gone")
    m2m_changed.connect(_related, dispatch_uid="catalog.audit.related")


def _belongs(model: type[Model]) -> bool:
    label = model._meta.label_lower
    derived = hasattr(model, "history_change_reason") or label in ("catalog.auditentry", "catalog.outboxentry")
    return model._meta.app_label in APPS and not derived and label not in settings.AUDIT_SILENT


def _watching(model: type[Model]) -> Acting | None:
    """Whoever is acting, if rows of this model belong into the log."""
    who = current()
    return who if who is not None and _belongs(model) else None


def _keeps_history(model: type[Model]) -> bool:
    return hasattr(model, "history")


def _before(sender: type[Model], instance: Model, raw: bool = False, **kwargs: Any) -> None:
    who = current()
    if who is None or raw or instance._state.adding or _keeps_history(sender):
        return
    stored = sender._base_manager.filter(pk=instance.pk).values(*_columns(sender)).first()
    instance._audit_before = stored  # type: ignore[attr-defined]


def _after(sender: type[Model], instance: Model, created: bool, raw: bool = False, **kwargs: Any) -> None:
    who = current()
    if who is None or raw:
        return
    if _keeps_history(sender):
        _note(who, instance, "added" if created else "changed", {})
        return
    now = {name: getattr(instance, name) for name in _columns(sender)}
    before = vars(instance).pop("_audit_before", None) or {}
    fields = {
        name: [None if created else _shown(name, before[name], instance), _shown(name, value, instance)]
        for name, value in now.items()
        if (created and value not in (None, "", [], {})) or (name in before and before[name] != value)
    }
    if created or fields:
        _note(who, instance, "added" if created else "changed", fields)


def _gone(sender: type[Model], instance: Model, **kwargs: Any) -> None:
    if who := current():
        _note(who, instance, "deleted", {})


def _related(sender: Any, instance: Model, action: str, model: type[Model], pk_set: Any, **kwargs: Any) -> None:
    who = _watching(type(instance))
    if who is None or not action.startswith("post_") or kwargs.get("reverse"):
        return
    if action == "post_clear":
        names: list[str] = []
    elif not pk_set:
        return
    else:
        rows = model._default_manager.filter(pk__in=sorted(pk_set)[:MOST_NAMES])
        names = [name_of(row) for row in rows] + ([f"and {len(pk_set) - MOST_NAMES} more"] * (len(pk_set) > MOST_NAMES))
    said = {"post_add": "added", "post_remove": "taken out", "post_clear": "all taken out"}[action]
    field = next((each.name for each in instance._meta.many_to_many if each.remote_field.through is sender), "")
    _note(who, instance, "changed", {field: [said, ", ".join(names)]})


def _note(who: Acting, instance: Model, what: str, fields: dict[str, Any]) -> None:
    if len(who.changes) >= MOST_ROWS:
        who.left_out += 1
        return
    model = type(instance)
    # Rows that have no page in the admin may be of shoppers: of these the log holds the number alone.
    known = model._meta.app_label == "catalog" or model in site._registry
    name = name_of(instance) if known else f"{model._meta.verbose_name} {instance.pk}"
    told = {"what": what, "model": model._meta.label_lower, "id": str(instance.pk), "object": name}
    if fields and known:
        told["fields"] = fields  # type: ignore[assignment]
    if told not in who.changes:
        who.changes.append(told)


def _columns(model: type[Model]) -> list[str]:
    return [each.attname for each in model._meta.concrete_fields if not each.primary_key and each.name != "shop"]


def _shown(name: str, value: Any, row: Model) -> Any:
    if name in SECRET or (isinstance(row, User) and name not in OF_STAFF):
        return HIDDEN
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}…"

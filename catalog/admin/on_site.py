"""From a row's page in the admin to its page in the shop."""

from django.contrib.contenttypes.models import ContentType
from django.contrib.contenttypes.views import shortcut
from django.core.exceptions import ObjectDoesNotExist
from django.http import Http404, HttpRequest, HttpResponseBase

from catalog.models.rows import ShopScoped


def view_on_site(request: HttpRequest, content_type_id: str, object_id: str) -> HttpResponseBase:
    """Lead there as Django's own view does, which for itself would find rows of any shop, by a number."""
    try:
        model = ContentType.objects.get(pk=content_type_id).model_class()
        if model is not None and issubclass(model, ShopScoped):
            model.objects.get(pk=object_id)
    except (ObjectDoesNotExist, ValueError, OverflowError) as error:
        raise Http404("There is no such row in this shop.") from error
    return shortcut(request, content_type_id, object_id)

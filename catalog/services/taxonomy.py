"""Writes to what products belong to. A new name or place marks every product below it: their documents carry it."""

from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.db import transaction
from treebeard.exceptions import InvalidMoveToDescendant, PathOverflow

from catalog.models import Brand, Category, Product, Store, Tag
from catalog.services.changes import mark_changed
from catalog.text import unique_slug

SEPARATOR = " > "
GONE = "The category was deleted in the meantime."
Position = Literal["last-child", "left", "right"]


def add_category(
    name: str, parent: Category | None = None, *, slug: str = "", translations: dict[str, Any] | None = None
) -> Category:
    """Add a category as the last child of `parent`, or as the last root.

    Raises ValidationError when the name is taken among its siblings, too long, or holds ">".
    """
    with transaction.atomic():
        lock_tree()
        category = Category(name=name.strip(), translations=translations or {})
        category.full_name = full_name_for(category, parent)
        category.slug = slug or unique_slug(Category, category.name, key=category.full_name)
        try:
            if parent is None:
                return Category.objects.add_root(instance=category)
            _refresh(parent)
            return Category.objects.add_child(parent, instance=category)
        except PathOverflow as error:
            raise ValidationError("The tree of categories can go no deeper here.") from error


def save_category(category: Category, *, parent: Category | Literal["unchanged"] | None = "unchanged") -> Category:
    """Write name, slug and translations of a category in the tree, and move it to the end of another parent if given.

    Both happen at once, so that a name taken in the old place or the new is no obstacle to the other. Errors as in
    `add_category` and `move_category`.
    """
    with transaction.atomic():
        lock_tree()
        before = Category.objects.filter(pk=category.pk).first()
        if before is None:
            raise ValidationError(GONE)
        old_parent = Category.objects.get_parent(before)
        new_parent = old_parent if parent == "unchanged" else parent
        category.name = category.name.strip()
        category.full_name = full_name_for(category, new_parent)
        if not category.slug:
            category.slug = unique_slug(Category, category.name, key=category.full_name, exclude_pk=category.pk)
        if new_parent != old_parent:
            _move(before, new_parent or Category.objects.get_last_root_node(), "last-child" if new_parent else "right")
            category.path, category.depth, category.numchild = before.path, before.depth, before.numchild
        # Not the tree's own columns: they may have moved on since this instance was loaded.
        category.save(update_fields=["name", "slug", "full_name", "translations"])
        fields = ("full_name", "slug", "translations")
        if any(getattr(before, field) != getattr(category, field) for field in fields):
            _rewrite_below(category)
            _mark_below(category)
    return category


def move_category(category: Category, target: Category | None, position: Position = "last-child") -> Category:
    """Move a category with all below it. `position` is relative to `target`; None makes it the last root.

    Raises ValidationError when it would land below itself, beside a namesake, or too deep.
    """
    with transaction.atomic():
        lock_tree()
        _refresh(category)
        if target is None:
            target, position = Category.objects.get_last_root_node(), "right"
        _refresh(target)
        parent = target if position == "last-child" else Category.objects.get_parent(target)
        full_name = full_name_for(category, parent)
        _move(category, target, position)
        if full_name != category.full_name:
            category.full_name = full_name
            category.save(update_fields=["full_name"])
            _rewrite_below(category)
            _mark_below(category)
    return category


def _move(category: Category, target: Category, position: Position) -> None:
    """Let treebeard move the rows, and load what it made of this one."""
    _refresh(target)
    if target.path.startswith(category.path) and position == "last-child":
        raise ValidationError("A category cannot be moved below itself.")
    try:
        Category.objects.move(category, target, pos=position)
    except InvalidMoveToDescendant as error:
        raise ValidationError("A category cannot be moved below itself.") from error
    except PathOverflow as error:
        raise ValidationError("The tree of categories can go no deeper here.") from error
    category.refresh_from_db()


def _refresh(category: Category) -> None:
    try:
        category.refresh_from_db()
    except Category.DoesNotExist as error:
        raise ValidationError(GONE) from error


def delete_categories(categories: Any) -> int:
    """Delete categories with all below them. Raises ProtectedError while products are in one of them."""
    with transaction.atomic():
        lock_tree()
        deleted: dict[str, int] = categories.delete()[1]
    return deleted.get(Category._meta.label, 0)


def save_label(label: Brand | Store | Tag) -> None:
    """Insert or update a brand, store or tag, and mark its products where they carry something new."""
    with transaction.atomic():
        if not label.slug:
            label.slug = unique_slug(type(label), label.name, exclude_pk=label.pk)
        before = type(label).objects.filter(pk=label.pk).first()
        label.save()
        if before is not None and (before.name, before.slug) != (label.name, label.slug):
            mark_changed(_products_of(label))


def delete_labels(labels: Any) -> int:
    """Delete brands, stores or tags. Raises ProtectedError while products belong to a brand or store.

    Tags are taken off their products, which are marked.
    """
    with transaction.atomic():
        if labels.model is Tag:
            mark_changed(list(Product.objects.filter(tags__in=labels).values_list("pk", flat=True).distinct()))
        deleted: dict[str, int] = labels.delete()[1]
    return deleted.get(labels.model._meta.label, 0)


def _products_of(label: Brand | Store | Tag) -> Any:
    return Product.objects.filter(pk__in=label.products.values("pk"))


def lock_tree() -> None:
    """One writer of the tree at a time: paths are computed from what was read, and two writers would make one path."""
    list(Category.objects.select_for_update().filter(depth=1).order_by("path").values_list("pk", flat=True))


def full_name_for(category: Category, parent: Category | None) -> str:
    """Return the full name that the category would have below `parent`. Raises ValidationError as `add_category`."""
    if not category.name:
        raise ValidationError({"name": "A category needs a name."})
    if ">" in category.name:
        raise ValidationError({"name": "A category's name cannot contain “>”, which parts the levels of the tree."})
    full_name = f"{parent.full_name}{SEPARATOR}{category.name}" if parent else category.name
    limit = Category._meta.get_field("full_name").max_length or 0
    if len(full_name) > limit:
        raise ValidationError({"name": f"The names from the root down to here are longer than {limit} characters."})
    if Category.objects.filter(full_name=full_name).exclude(pk=category.pk).exists():
        place = f"below {parent.full_name}" if parent else "at the top"
        raise ValidationError({"name": f"There is a category {category.name} {place} already."})
    return full_name


def _rewrite_below(category: Category) -> None:
    below = list(Category.objects.get_descendants(category).order_by("path"))
    names = {category.path: category.full_name}
    for row in below:
        names[row.path] = row.full_name = f"{names[row.path[: -Category.steplen]]}{SEPARATOR}{row.name}"
        if len(row.full_name) > 500:
            raise ValidationError(
                {"name": f"“{row.name}”, below this one, would get a full name of more than 500 characters."}
            )
    Category.objects.bulk_update(below, ["full_name"], batch_size=200)


def _mark_below(category: Category) -> None:
    mark_changed(Product.objects.filter(category__path__startswith=category.path))

"""Renaming and moving what products belong to keeps the tree right and marks every product below."""

import pytest
from django.core.exceptions import ValidationError
from django.db.models import ProtectedError

from catalog import services
from catalog.models import Brand, Category, OutboxEntry, Product, Store, Tag

pytestmark = pytest.mark.django_db


def make(sku="A-1", **fields) -> Product:
    return services.save_product(Product(**{"sku": sku, "title": f"Product {sku}", **fields}))


def drained() -> None:
    """As if a worker had brought everything level."""
    OutboxEntry.objects.all().delete()


def waiting() -> set[int]:
    return set(OutboxEntry.objects.values_list("product_id", flat=True))


class TestTaxonomy:
    def test_renaming_a_category_rewrites_and_marks_all_below(self):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        apples = services.add_category("Apples", fruit)
        other = services.add_category("Foodstuffs")
        inside, outside = make("A", category=apples), make("B", category=other)
        drained()
        food.name = "Food & drink"
        services.save_category(food)
        apples.refresh_from_db()
        assert apples.full_name == "Food & drink > Fruit > Apples"
        assert (apples.slug, food.slug) == ("apples", "food")
        assert waiting() == {inside.pk}
        outside.refresh_from_db()
        assert outside.category.full_name == "Foodstuffs"

    def test_moving_a_category_rewrites_and_marks_all_below(self):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        fruit = services.add_category("Fruit", food)
        apples = services.add_category("Apples", fruit)
        product = make(category=apples)
        drained()
        services.move_category(fruit, garden)
        assert Category.objects.get(pk=apples.pk).full_name == "Garden > Fruit > Apples"
        assert waiting() == {product.pk}
        drained()
        services.move_category(fruit, None)
        assert Category.objects.get(pk=apples.pk).full_name == "Fruit > Apples"
        assert waiting() == {product.pk}
        assert Category.objects.find_problems() == ([], [], [], [], [])

    def test_renaming_and_moving_at_once_minds_no_namesake_on_the_way(self):
        food, garden = services.add_category("Food"), services.add_category("Garden")
        herbs = services.add_category("Herbs", food)
        mint = services.add_category("Mint", herbs)
        services.add_category("Herbs", garden)
        services.add_category("Plants", food)
        product = make(category=mint)
        drained()
        herbs.name = "Plants"
        services.save_category(herbs, parent=garden)
        assert Category.objects.get(pk=mint.pk).full_name == "Garden > Plants > Mint"
        assert Category.objects.get(pk=herbs.pk).full_name == "Garden > Plants"
        assert waiting() == {product.pk}
        with pytest.raises(ValidationError, match="below itself"):
            services.save_category(herbs, parent=mint)
        assert Category.objects.find_problems() == ([], [], [], [], [])

    def test_changing_places_among_siblings_marks_nothing(self):
        a, b = services.add_category("A"), services.add_category("B")
        make(category=b)
        drained()
        services.move_category(b, a, "left")
        assert list(Category.objects.values_list("name", flat=True)) == ["B", "A"]
        assert waiting() == set()

    def test_a_category_cannot_go_below_itself_or_beside_a_namesake(self):
        food = services.add_category("Food")
        fruit = services.add_category("Fruit", food)
        services.add_category("Fruit")
        for target in (fruit, food):
            with pytest.raises(ValidationError, match="below itself"):
                services.move_category(food, target)
        with pytest.raises(ValidationError, match="already"):
            services.move_category(fruit, None)

    @pytest.mark.parametrize("name", ["", "  ", "A > B", "Food"])
    def test_names_that_cannot_be(self, name):
        services.add_category("Food")
        with pytest.raises(ValidationError):
            services.add_category(name)

    def test_namesakes_in_other_places_have_slugs_of_their_own(self):
        men, women = services.add_category("Men"), services.add_category("Women")
        slugs = {services.add_category("Shoes", parent).slug for parent in (men, women)}
        assert slugs == {"shoes", "shoes-women-shoes"}

    def test_a_full_name_that_grows_too_long_below_is_refused(self):
        parent = services.add_category("a" * 100)
        child = parent
        for letter in "bcd":
            child = services.add_category(letter * 120, child)
        parent.name = "x" * 120
        services.save_category(parent)
        with pytest.raises(ValidationError, match="longer than 500"):
            services.add_category("e" * 100, child)

    @pytest.mark.parametrize(("model", "field"), [(Brand, "brand"), (Store, "store")])
    def test_renaming_marks_the_products(self, model, field):
        label, other = model(name="Acme"), model(name="Other")
        services.save_label(label)
        services.save_label(other)
        product = make("A", **{field: label})
        make("B", **{field: other})
        drained()
        services.save_label(label)
        assert waiting() == set()
        label.name = "Acme & sons"
        services.save_label(label)
        assert waiting() == {product.pk}
        assert label.slug == "acme"

    def test_renaming_and_deleting_a_tag_marks_the_products(self):
        tag = Tag(name="New")
        services.save_label(tag)
        product = services.save_product(Product(sku="A", title="T"), tags=[tag])
        make("B")
        for change in (lambda: services.save_label(tag), lambda: services.delete_labels(Tag.objects.all())):
            drained()
            tag.name = "Fresh"
            change()
            assert waiting() == {product.pk}

    def test_what_holds_products_cannot_be_deleted(self):
        category, brand = services.add_category("Mugs"), Brand(name="Acme")
        services.save_label(brand)
        make(category=category, brand=brand)
        with pytest.raises(ProtectedError):
            services.delete_categories(Category.objects.all())
        with pytest.raises(ProtectedError):
            services.delete_labels(Brand.objects.all())


def test_a_category_that_somebody_deleted_meanwhile_is_said_to_be_gone():
    gone, other = services.add_category("Gone"), services.add_category("Other")
    services.delete_categories(Category.objects.filter(pk=gone.pk))
    for write in (
        lambda: services.add_category("Below", gone),
        lambda: services.save_category(gone),
        lambda: services.move_category(gone, other),
        lambda: services.move_category(other, gone),
    ):
        with pytest.raises(ValidationError, match="deleted in the meantime"):
            write()

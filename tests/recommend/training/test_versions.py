"""Publishing, going back, retiring."""

import pytest
from django.conf import settings as configured

from catalog import services
from recommend.training import behaviour, live, versions
from recommend.training.models import ModelVersion
from search.index.client import get_client
from search.index.drain import drain

pytestmark = [pytest.mark.slow, pytest.mark.django_db, pytest.mark.usefixtures("model")]


@pytest.fixture
def make(indexed, visit, train):
    """make(): train and publish one more version, whatever its figures."""
    visit(60)

    def make() -> ModelVersion:
        version = train(seed=ModelVersion.objects.count()).version
        if not version.live:
            versions.publish(version)
        version.refresh_from_db()
        live.forget()
        return version

    return make


def price_of(version: ModelVersion, product) -> float:
    (point,) = get_client().retrieve(behaviour.collection_of(version.pk), [product.pk], with_payload=True)
    return point.payload["price"]


def test_one_goes_back_at_once_and_the_points_follow(make, indexed):
    first, second = make(), make()
    indexed[0].price = 44
    services.save_product(indexed[0])
    drain()
    assert (price_of(first, indexed[0]), price_of(second, indexed[0])) == (10, 44)
    versions.go_back_to(versions.before(second))
    live.forget()
    assert live.live().version == first.pk
    assert behaviour.alias_target() == behaviour.collection_of(first.pk)
    assert ModelVersion.objects.get(pk=second.pk).points == "behind"
    indexed[1].price = 33  # a change reaches the version that one has gone back to, level or not
    services.save_product(indexed[1])
    drain()
    assert price_of(first, indexed[1]) == 33
    assert versions.level_live() == 1
    assert price_of(first, indexed[0]) == 44
    assert ModelVersion.objects.get(pk=first.pk).points == "level"
    assert versions.level_live() == 0


def test_going_back_twice_goes_back_two_steps_and_forward_again(make):
    first, second, third = make(), make(), make()
    versions.go_back_to(versions.before(third))
    versions.go_back_to(versions.before(ModelVersion.objects.get(live=True)))
    assert ModelVersion.objects.get(live=True) == first
    assert versions.before(ModelVersion.objects.get(live=True)) is None
    versions.go_back_to(ModelVersion.objects.get(pk=second.pk))
    assert ModelVersion.objects.get(live=True) == second


def test_the_live_version_and_one_without_files_cannot_be_gone_back_to(make, settings):
    settings.MODELS_KEPT = 1
    first, second = make(), make()
    with pytest.raises(versions.VersionError, match="is live already"):
        versions.go_back_to(second)
    with pytest.raises(versions.VersionError, match="its files are gone"):
        versions.go_back_to(ModelVersion.objects.get(pk=first.pk))
    with pytest.raises(versions.VersionError, match="cannot be read"):
        versions.publish(ModelVersion.objects.get(pk=first.pk))
    assert ModelVersion.objects.get(live=True) == second


def test_what_is_not_kept_loses_files_and_points_but_not_its_figures(make, settings):
    settings.MODELS_KEPT = 2
    made = [make(), make(), make()]
    assert [versions.has_files(each) for each in made] == [False, True, True]
    assert [behaviour.exists(each.pk) for each in made] == [False, True, True]
    assert ModelVersion.objects.get(pk=made[0].pk).metrics["new"]["questions"]


def test_the_live_version_is_kept_however_old(make, settings):
    settings.MODELS_KEPT = 3
    first, _ = make(), make()
    versions.go_back_to(ModelVersion.objects.get(pk=first.pk))
    settings.MODELS_KEPT = 1
    versions.retire()
    assert versions.has_files(ModelVersion.objects.get(pk=first.pk))
    assert ModelVersion.objects.get(live=True) == first


def test_publishing_again_what_was_published_changes_nothing(make):
    version = make()
    points = get_client().count(behaviour.collection_of(version.pk)).count
    versions.publish(version)
    assert get_client().count(behaviour.collection_of(version.pk)).count == points
    assert ModelVersion.objects.get(live=True) == version


def test_the_defaults_keep_more_than_one_version():
    assert configured.MODELS_KEPT >= 2

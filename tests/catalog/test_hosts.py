"""A request works for the shop of its host, to its very end."""

import threading

import pytest
from django.core.cache import cache
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from catalog import hosts
from catalog.models import Shop, ShopHost
from catalog.per_shop import EVERYWHERE, PerShop, ShopThreads, folder, in_own_folder, named, shop_cache
from catalog.tenancy import NoShopError, current_shop_id, in_shop

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(settings) -> Shop:
    settings.MULTI_SHOP = True
    settings.ALLOWED_HOSTS = ["*"]
    hosts.forget()
    shop = Shop.objects.create(name="Second", slug="second")
    ShopHost.objects.create(shop=shop, host="second.test")
    return shop


def ask(view, host: str = "second.test", path: str = "/"):
    return hosts.of_shop(view)(RequestFactory().get(path, SERVER_NAME=host))


def test_what_is_streamed_and_what_waits_for_the_end_work_for_the_shop(second):
    closed: list[int] = []

    def view(request):
        def parts():
            for _ in range(2):
                yield str(current_shop_id())

        response = StreamingHttpResponse(parts())
        response.close = lambda: closed.append(current_shop_id())  # type: ignore[method-assign]
        return response

    response = ask(view)
    with pytest.raises(NoShopError):
        current_shop_id()
    assert [int(part) for part in response.streaming_content] == [second.pk] * 2
    response.close()
    assert closed == [second.pk]


def test_the_shop_is_left_whatever_happens(second):
    def view(request):
        assert current_shop_id() == second.pk
        raise ValueError

    with pytest.raises(ValueError, match=""):
        ask(view)
    with pytest.raises(NoShopError):
        current_shop_id()


def test_a_new_host_is_noticed_where_it_was_saved(second):
    view = lambda request: HttpResponse(str(current_shop_id()))  # noqa: E731
    assert ask(view, "new.test").status_code == 404
    row = ShopHost.objects.create(shop=second, host="new.test")
    assert ask(view, "new.test").content == str(second.pk).encode()
    row.delete()
    assert ask(view, "new.test").status_code == 404


def test_one_query_serves_many_requests(second, django_assert_num_queries):
    hosts.forget()
    with django_assert_num_queries(1):
        for _ in range(5):
            ask(lambda request: HttpResponse())


def test_requests_that_wait_for_hosts_to_be_read_do_not_read_them_again(second, monkeypatch):
    reading, asked = threading.Barrier(2), []

    def read():
        asked.append(1)
        reading.wait(10)
        return {}

    monkeypatch.setattr(hosts, "_read", read)
    hosts.forget()
    threads = [threading.Thread(target=hosts.shops_by_host) for _ in range(4)]
    for thread in threads:
        thread.start()
    reading.wait(10)
    for thread in threads:
        thread.join()
    hosts.forget()
    assert len(asked) == 1


def test_where_there_is_one_shop_nothing_is_asked(settings, django_assert_num_queries):
    settings.MULTI_SHOP = False
    with django_assert_num_queries(0):
        assert ask(lambda request: HttpResponse(str(current_shop_id())), "any.test").content == b"1"


def test_names_and_folders_of_the_first_shop_are_as_they_were(second):
    with in_shop(1):
        assert (named("products"), folder()) == ("products", "")
        assert in_own_folder("pictures/a.png")
        assert not in_own_folder(f"shops/{second.pk}/pictures/a.png")
    with in_shop(second.pk):
        assert (named("products"), folder()) == (f"products-shop{second.pk}", f"shops/{second.pk}/")
        assert in_own_folder(f"shops/{second.pk}/pictures/a.png")
        for foreign in ("pictures/a.png", f"shops/{second.pk}1/pictures/a.png"):
            assert not in_own_folder(foreign)


def test_the_cache_keeps_shops_apart_but_for_what_is_everybodys(second):
    cache.clear()
    for number in (1, second.pk):
        with in_shop(number):
            assert cache.get("what") is None
            cache.set("what", number)
            cache.set(f"{EVERYWHERE}last", number)
    for number in (1, second.pk):
        with in_shop(number):
            assert (cache.get("what"), cache.get(f"{EVERYWHERE}last")) == (number, second.pk)
    assert cache.get(f"{EVERYWHERE}last") == second.pk
    with pytest.raises(NoShopError):
        cache.get("what")


def test_what_is_remembered_is_each_shops_own(second):
    held: PerShop[list[int]] = PerShop(list)
    computed: list[tuple[int, int]] = []

    @shop_cache(maxsize=8)
    def double(number: int) -> int:
        computed.append((current_shop_id(), number))
        return 2 * number

    for shop_id in (1, second.pk, 1):
        with in_shop(shop_id):
            held.here.append(shop_id)
            assert double(3) == 6
    assert sorted(map(tuple, held.all())) == [(1, 1), (second.pk,)]
    assert computed == [(1, 3), (second.pk, 3)]


def test_threads_of_a_pool_work_for_who_asks_and_bare_ones_for_nobody(second):
    told: list[object] = []
    with ShopThreads(2) as pool:
        for shop_id in (1, second.pk):
            with in_shop(shop_id):
                told += pool.map(lambda _: current_shop_id(), range(3))
    assert told == [1] * 3 + [second.pk] * 3

    def bare() -> None:
        try:
            told.append(current_shop_id())
        except NoShopError:
            told.append("no shop")

    with in_shop(1):
        thread = threading.Thread(target=bare)
        thread.start()
        thread.join()
    assert told[-1] == "no shop"

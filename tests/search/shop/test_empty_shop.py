"""The shop before it has anything to sell."""


def test_an_empty_shop_says_how_to_fill_it(client, db):
    page = client.get("/")
    assert page.status_code == 200
    assert "make demo" in page.content.decode()

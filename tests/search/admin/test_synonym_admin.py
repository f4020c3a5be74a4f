"""The admin of synonyms: form, files, suggestions, and who may do what."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from search.language.synonyms import expand
from search.models import Synonym, SynonymSuggestion

pytestmark = pytest.mark.django_db
LIST = "/admin/search/synonym/"
SUGGESTIONS = "/admin/search/synonymsuggestion/"


def form(**fields: object) -> dict[str, object]:
    return {
        "kind": "two_way",
        "words": "Sofa, couch",
        "also": "",
        "language": "",
        "enabled": "on",
        "note": "",
        **fields,
    }


@pytest.mark.parametrize("address", [LIST, SUGGESTIONS, f"{LIST}add/", f"{LIST}import/"])
def test_empty_pages_open_and_say_what_it_is_about(merchandiser, address):
    page = merchandiser.get(address)
    assert page.status_code == 200
    if address in (LIST, SUGGESTIONS):
        assert "No synonyms yet" in page.content.decode() or "Nothing to decide" in page.content.decode()


def test_a_synonym_is_cleaned_saved_with_its_author_and_holds_at_once(merchandiser):
    assert merchandiser.post(f"{LIST}add/", form()).status_code == 302
    row = Synonym.objects.get()
    assert (row.words, row.author.username) == ("sofa, couch", "merchandiser")
    assert expand(["couch"], "en") == {"couch": ("sofa",)}
    merchandiser.post(f"{LIST}{row.pk}/change/", form(words="sofa, couch, settee"))
    history = merchandiser.get(f"{LIST}{row.pk}/history/").content.decode()
    assert "sofa, couch, settee" in history
    assert history.count("merchandiser") >= 2
    assert "sofa = couch = settee" in merchandiser.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"words": "sofa"}, "Give two phrases or more"),
        ({"words": "a b c d e f, x"}, "more than 5 words"),
        ({"kind": "one_way"}, "Give what the words find"),
        ({"language": "<script>"}, "A code such as en"),
        (
            {"starts_at_0": "2030-01-02", "starts_at_1": "00:00", "ends_at_0": "2030-01-01", "ends_at_1": "00:00"},
            "after it starts",
        ),
    ],
)
def test_the_form_says_what_is_wrong(merchandiser, fields, sentence):
    page = merchandiser.post(f"{LIST}add/", form(**fields))
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert not Synonym.objects.exists()


def test_switching_off_is_in_the_history(merchandiser):
    row = Synonym.objects.create(words="sofa, couch")
    merchandiser.post(LIST, {"action": "switch_off", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert not row.enabled
    assert row.history.first().history_user.username == "merchandiser"
    assert expand(["couch"], "en") == {}


def test_files_go_out_and_in(merchandiser):
    row = Synonym.objects.create(words="sofa, couch")
    out = merchandiser.post(LIST, {"action": "export_as_csv", "_selected_action": [row.pk]})
    assert out["Content-Type"].startswith("text/csv")
    row.delete()
    answer = merchandiser.post(f"{LIST}import/", {"file": SimpleUploadedFile("synonyms.csv", out.content)}, follow=True)
    assert "1 new, 0 changed" in answer.content.decode()
    assert Synonym.objects.get().words == "sofa, couch"
    bad = merchandiser.post(f"{LIST}import/", {"file": SimpleUploadedFile("x.csv", b'words\n"grey, gray"\nsofa\n')})
    assert "Line 3" in bad.content.decode()
    assert Synonym.objects.count() == 1


def test_suggestions_are_accepted_and_dismissed_by_a_button(merchandiser):
    first, second = (
        SynonymSuggestion.objects.create(first="couch", second=other, source="clicks", support=4, lift=12.5)
        for other in ("sofa", "table")
    )
    page = merchandiser.get(SUGGESTIONS).content.decode()
    assert "12.5 ×" in page
    assert "4 products" in page
    assert f"{SUGGESTIONS}{first.pk}/accept/" in page
    merchandiser.post(f"{SUGGESTIONS}{first.pk}/accept/")
    merchandiser.post(f"{SUGGESTIONS}{second.pk}/dismiss/")
    assert [row.words for row in Synonym.objects.all()] == ["couch, sofa"]
    assert Synonym.objects.get().author.username == "merchandiser"
    assert dict(SynonymSuggestion.objects.values_list("second", "state")) == {"sofa": "accepted", "table": "dismissed"}
    assert merchandiser.post(f"{SUGGESTIONS}{first.pk}/accept/").status_code == 404  # decided already
    assert "Nothing to decide" in merchandiser.get(SUGGESTIONS).content.decode()
    assert "couch" in merchandiser.get(f"{SUGGESTIONS}?state=accepted").content.decode()


def test_many_are_decided_at_once(merchandiser):
    rows = [
        SynonymSuggestion.objects.create(first="couch", second="sofa", source=source, support=4, lift=9)
        for source in ("clicks", "reformulated")
    ]
    merchandiser.post(SUGGESTIONS, {"action": "accept_all", "_selected_action": [row.pk for row in rows]})
    assert Synonym.objects.count() == 1
    assert set(SynonymSuggestion.objects.values_list("state", flat=True)) == {"accepted"}


def test_viewers_look_and_change_nothing(sign_in):
    row = SynonymSuggestion.objects.create(first="couch", second="sofa", source="clicks", support=4, lift=9)
    viewer = sign_in("viewer")
    assert viewer.get(LIST).status_code == 200
    page = viewer.get(SUGGESTIONS)
    assert page.status_code == 200
    assert "formaction" not in page.content.decode()
    for address, data in (
        (f"{SUGGESTIONS}{row.pk}/accept/", {}),
        (f"{SUGGESTIONS}look/", {}),
        (f"{LIST}add/", form()),
        (f"{LIST}import/", {}),
    ):
        assert viewer.post(address, data).status_code == 403
    assert sign_in("nobody").get(LIST).status_code == 403
    assert not Synonym.objects.exists()


def test_nothing_happens_by_a_link(merchandiser):
    row = SynonymSuggestion.objects.create(first="couch", second="sofa", source="clicks", support=4, lift=9)
    assert merchandiser.get(f"{SUGGESTIONS}{row.pk}/accept/").status_code == 405
    assert merchandiser.get(f"{SUGGESTIONS}look/").status_code == 405


def test_looking_in_the_logs_says_what_it_found(merchandiser):
    answer = merchandiser.post(f"{SUGGESTIONS}look/", follow=True)
    assert "nothing new" in answer.content.decode()

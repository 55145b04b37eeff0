"""API.md section 4: search, over a fixed collection."""

import pytest

from tests.integration.api.asking import IMAGES, SEARCH, data, make_image, row
from tests.integration.api.live_server import LiveServer

PROMPTS = {
    "cat": "一只可爱的猫",
    "kitten": "可爱的小猫在窗台上",
    "traditional": "一隻可愛的貓與龍",
    "mixed": "Cyberpunk 城市 at Night, ＮＥＯＮ灯光",
    "percent": "100% wool_sweater \\ path",
    "wool": "100 woolXsweater",
    "quoted": 'a sign that says "open late" in red',
    "late": "open the gate late",
    "operators": "cats AND dogs OR NOT birds*",
    "cats": "cats",
    "emoji": "🐱 on a ｶﾀｶﾅ roof",
}


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    """A server with exactly these prompts."""
    server = LiveServer(tmp_path_factory.mktemp("gallery")).start()
    with server.client() as client:
        client.ids = {name: make_image(client, prompt)["id"] for name, prompt in PROMPTS.items()}
        yield client
    server.end()


def prompts_of(gallery, keyword, **query):
    """Return the names of the matches, newest first."""
    items = data(gallery.get(SEARCH, params={"keyword": keyword, "page_size": 100, **query}))["items"]
    names = {number: name for name, number in gallery.ids.items()}
    return [names[item["id"]] for item in items]


@pytest.mark.parametrize(
    ("keyword", "names"),
    [
        ("猫", ["traditional", "kitten", "cat"]),
        ("貓", ["traditional", "kitten", "cat"]),
        ("可爱", ["traditional", "kitten", "cat"]),
        ("可愛的", ["traditional", "kitten", "cat"]),
        ("可爱的猫", ["traditional", "cat"]),
        ("可爱的小猫", ["kitten"]),
        ("猫 窗台", ["kitten"]),
        ("窗台\u3000猫", ["kitten"]),
        ("龙", ["traditional"]),
        ("狗", []),
        ("CYBERPUNK", ["mixed"]),
        ("ｃｙｂｅｒｐｕｎｋ", ["mixed"]),
        ("neon", ["mixed"]),
        ("NEON灯", ["mixed"]),
        ("城", ["mixed"]),
        ("yberpun", ["mixed"]),
        ("%", ["percent"]),
        ("100%", ["percent"]),
        ("_", ["percent"]),
        ("l_s", ["percent"]),
        ("\\", ["percent"]),
        ("100", ["wool", "percent"]),
        ("open late", ["late", "quoted"]),
        ('"open late"', ["quoted"]),
        ('"OPEN  LATE"', []),
        ('"cats"', ["cats", "operators"]),
        ('says "open', ["quoted"]),
        ('"', ["quoted"]),
        ("cats AND dogs", ["operators"]),
        ("cats OR", ["operators"]),
        ("NOT", ["operators"]),
        ("birds*", ["operators"]),
        ("cat*", []),
        ("NEAR(cats dogs)", []),
        ("prompt:cats", []),
        ("^cats", []),
        ("'; DROP TABLE images; --", []),
        ("🐱", ["emoji"]),
        ("カタカナ", ["emoji"]),
        ("nothing like this", []),
    ],
)
def test_contains_finds_exactly_what_contains_the_words(gallery, keyword, names):
    """In any script and length; no more and no less; newest first."""
    assert names == prompts_of(gallery, keyword)


def test_single_letters_are_found(gallery):
    """As in any substring search."""
    expected = [name for name, prompt in reversed(PROMPTS.items()) if "w" in prompt.lower()]

    assert expected == prompts_of(gallery, "w")


def test_relevant_adds_similar_ones_after_the_exact_ones(gallery):
    """Each is marked."""
    items = data(gallery.get(SEARCH, params={"keyword": "可爱的猫", "mode": "relevant"}))["items"]
    marks = [item["match"] for item in items]
    by_id = {item["id"]: item["match"] for item in items}

    assert {"exact"} == {by_id[gallery.ids[name]] for name in ("cat", "traditional")}
    assert "close" == by_id[gallery.ids["kitten"]]
    assert sorted(marks, key=["exact", "close"].index) == marks


def test_contains_marks_all_as_exact(gallery):
    """There are no others."""
    items = data(gallery.get(SEARCH, params={"keyword": "猫"}))["items"]

    assert {"exact"} == {item["match"] for item in items}


def test_search_is_paged_like_any_list(gallery):
    """By page and by cursor."""
    first = data(gallery.get(SEARCH, params={"keyword": "a", "page_size": 2}))
    walked, cursor = [item["id"] for item in first["items"]], first["next_cursor"]
    while cursor:
        page = data(gallery.get(SEARCH, params={"keyword": "a", "page_size": 2, "cursor": cursor}))
        walked += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    second = data(gallery.get(SEARCH, params={"keyword": "a", "page_size": 2, "page": 2}))

    assert first["total"] == len(walked) == len(set(walked))
    assert walked[2:4] == [item["id"] for item in second["items"]]


def test_relevant_is_paged_without_gaps_or_duplicates(gallery):
    """Best first over all pages."""
    whole = prompts_of(gallery, "可爱的猫", mode="relevant")
    walked, cursor, page = [], "", None
    names = {number: name for name, number in gallery.ids.items()}
    while cursor is not None:
        query = {"keyword": "可爱的猫", "mode": "relevant", "page_size": 1}
        page = data(gallery.get(SEARCH, params={**query, **({"cursor": cursor} if cursor else {})}))
        walked += [names[item["id"]] for item in page["items"]]
        cursor = page["next_cursor"]

    assert whole == walked


@pytest.mark.parametrize("keyword", ["", " ", "\u3000", "\t\n"])
def test_an_empty_keyword_is_refused(gallery, keyword):
    """It would be the whole list."""
    assert (400, 40000, "validation_failed") == row(gallery.get(SEARCH, params={"keyword": keyword}))


def test_hits_are_records(gallery):
    """With all fields of the list, and the match; a record alone tells of its neighbours and relatives."""
    item = data(gallery.get(SEARCH, params={"keyword": "窗台"}))["items"][0]
    record = data(gallery.get(f"{IMAGES}/{item['id']}"))

    told_alone = {name: record.pop(name) for name in ("previous", "next", "parents", "children")}

    assert item == {**record, "match": "exact"}
    assert ([], []) == (told_alone["parents"], told_alone["children"])

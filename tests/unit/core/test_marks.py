"""Marks of images: names that are the same, and what a change makes of them."""

import pytest

from imagegen_adapters.memory import memory_adapters
from imagegen_core.errors import ValidationFailed
from imagegen_core.images import MarkChange, Marks, collection_name, fold_name, tag_name, tag_names
from imagegen_core.limits import MAX_BATCH_IMAGES
from imagegen_core.services.gallery import Images


@pytest.mark.parametrize(
    ("one", "other"),
    [("Cat", "ＣＡＴ"), ("straße", "STRASSE"), ("é", "e\u0301"), ("ｶﾞ", "ガ"), ("ﬁn", "FIN"), ("𝐀", "a")],
)
def test_names_that_only_case_and_width_part_are_the_same(one, other):
    """And those that Unicode takes for the same."""
    assert fold_name(one) == fold_name(other)


def test_traditional_characters_are_others():
    """What is folded is stored, and dictionaries change."""
    assert fold_name("貓") != fold_name("猫")


def test_a_name_is_trimmed_and_composed():
    """Inner spaces stay."""
    assert "caf\u00e9 au lait" == tag_name("\u3000cafe\u0301 au lait\n") == collection_name(" café au lait ")


@pytest.mark.parametrize("text", ["", " \u3000", "a\x00b", "a\nb", "a\u2028b", "\x7f", "\ud83d", "猫" * 41])
def test_what_cannot_be_a_tag_is_refused(text):
    """Empty, too long, or nothing that one line of text can show."""
    with pytest.raises(ValidationFailed, match="tag: "):
        tag_name(text)


def test_as_many_characters_as_a_tag_may_have_are_taken():
    """Counted once it is trimmed and composed."""
    assert "é" * 40 == tag_name(" " + "e\u0301" * 40)


def test_all_that_is_wrong_with_tags_is_named():
    """By their places."""
    with pytest.raises(ValidationFailed) as caught:
        tag_names(["", "fine", "a\tb"])

    assert ["tags.0", "tags.2"] == [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (MarkChange(), Marks(favourite=True, tags=("Cat", "b"), collections=(2, 5))),
        (MarkChange(favourite=False), Marks(tags=("Cat", "b"), collections=(2, 5))),
        (MarkChange(tag="CAT"), Marks(favourite=True, tags=("Cat", "b"), collections=(2, 5))),
        (MarkChange(tag="a"), Marks(favourite=True, tags=("Cat", "b", "a"), collections=(2, 5))),
        (MarkChange(untag="ＣＡＴ"), Marks(favourite=True, tags=("b",), collections=(2, 5))),
        (MarkChange(tags=("x", "cat")), Marks(favourite=True, tags=("x", "Cat"), collections=(2, 5))),
        (MarkChange(tags=()), Marks(favourite=True, collections=(2, 5))),
        (MarkChange(add_to=3), Marks(favourite=True, tags=("Cat", "b"), collections=(2, 3, 5))),
        (MarkChange(remove_from=2), Marks(favourite=True, tags=("Cat", "b"), collections=(5,))),
    ],
)
def test_a_change_changes_what_it_names_alone(change, expected):
    """Twice is as good as once."""
    marks = Marks(favourite=True, tags=("Cat", "b"), collections=(2, 5))

    assert expected == change.apply(marks) == change.apply(change.apply(marks))


@pytest.mark.anyio
async def test_too_many_images_are_refused():
    """Before any is looked up."""
    mark_images = Images(parts=memory_adapters(), on_change=lambda: None).mark
    ids = range(1, MAX_BATCH_IMAGES + 2)

    with pytest.raises(ValidationFailed, match="ids"):
        await mark_images(image_ids=ids, change=MarkChange(favourite=True))
    result = await mark_images(image_ids=ids[1:], change=MarkChange(favourite=True))
    assert (0, MAX_BATCH_IMAGES) == (result.changed, len(result.missing))

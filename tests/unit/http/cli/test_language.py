"""In which language a reader is spoken to."""

import pytest

from imagegen_core.messages import Language
from imagegen_http.cli.words import apply_reader_options, colour_of, language_of


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW.UTF-8"}, "zh"),
        ({"LANG": "en_US.UTF-8", "LANGUAGE": "zh_CN:en"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LANGUAGE": "en"}, "en"),
        ({"LC_ALL": "C", "LANGUAGE": "zh_CN"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "IMAGEGEN_LANG": "en"}, "en"),
        ({"LC_ALL": "C", "IMAGEGEN_LANG": "zh"}, "zh"),
    ],
    ids=lambda value: " ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else value,
)
def test_the_language_is_the_locales(environ, language):
    """By its name alone, since few machines have the locale itself."""
    assert Language(language) is language_of(environ)


@pytest.mark.parametrize(
    ("arguments", "language"),
    [
        ("--lang zh tasks list", "zh"),
        ("tasks list --lang zh", "zh"),
        ("tasks --lang=zh list", "zh"),
        ("--lang en tasks list --lang zh", "zh"),
        ("generate -- --lang zh", "en"),
        ("tasks list --lang fr", "en"),
        ("tasks list --lang", "en"),
    ],
)
def test_an_option_in_any_place_chooses_the_language(arguments, language):
    """The last one counts; after ``--`` and with an unknown value it is none."""
    environ = {"LANG": "C.UTF-8"}
    apply_reader_options(arguments.split(), environ)

    assert Language(language) is language_of(environ)


@pytest.mark.parametrize(
    ("arguments", "environ", "colour"),
    [
        ("", {}, None),
        ("", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("", {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        ("", {"TERM": "dumb"}, False),
        ("--color always", {"NO_COLOR": "1"}, True),
        ("tasks list --color=never", {"FORCE_COLOR": "1"}, False),
        ("--color auto", {"NO_COLOR": "1"}, None),
    ],
)
def test_colours_are_chosen_by_option_or_variable(arguments, environ, colour):
    """None: on a terminal only. An empty variable is as good as none."""
    environ = dict(environ)
    apply_reader_options(arguments.split(), environ)

    assert colour is colour_of(environ)

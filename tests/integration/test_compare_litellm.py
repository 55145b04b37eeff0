"""The tool that compares the shipped models with LiteLLM's price map; the map here is invented."""

import json
import runpy
from pathlib import Path

import pytest

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "compare_litellm.py"))


def entry(provider="openai", mode="image_generation", **fields):
    return {"litellm_provider": provider, "mode": mode, **fields}


def lines_about(price_map, model):
    return [line for line in TOOL["differences"](price_map) if line.split(": ")[0].endswith(f" {model}")]


def test_prices_and_days_that_agree_are_not_told():
    """Amounts are for one token there, for a million here."""
    price_map = {
        "gpt-image-2.6-flare": entry(input_cost_per_token=5e-06, output_cost_per_image_token=3e-05),
        "gpt-image-1.5": entry(deprecation_date="2026-12-01"),
    }

    assert [] == lines_about(price_map, "gpt-image-2.6-flare") + lines_about(price_map, "gpt-image-1.5")


@pytest.mark.parametrize(
    ("price_map", "line"),
    [
        (
            {"gpt-image-2.6-flare": entry(output_cost_per_image_token=4e-05)},
            "openai gpt-image-2.6-flare: output_cost_per_image_token 0.00003 here, 4e-05 there",
        ),
        (
            {"gpt-image-2.6-flare": entry(deprecation_date="2027-01-01")},
            "openai gpt-image-2.6-flare: retires None here, 2027-01-01 there",
        ),
        ({"gpt-image-9": entry()}, "openai gpt-image-9: only in the map"),
        ({}, "openai gpt-image-2.6-flare: not in the map"),
    ],
)
def test_each_difference_is_a_line(price_map, line):
    """A price, a day, a model that only one of both has."""
    model = line.split(": ")[0].split(" ")[1]

    assert [line] == lines_about(price_map, model)


def test_models_of_other_providers_and_kinds_are_not_compared():
    """The map has thousands."""
    price_map = {"some/chat": entry(mode="chat"), "else/image": entry(provider="elsewhere")}

    assert [] == [line for line in TOOL["differences"](price_map) if "only in the map" in line]


def test_it_reads_a_file_and_ends_with_1(tmp_path, capsys):
    """There are always differences to a map that is empty."""
    file = tmp_path / "map.json"
    file.write_text(json.dumps({}))

    assert 1 == TOOL["main"]([str(file)])
    assert "openai gpt-image-2: not in the map" in capsys.readouterr().out


def test_without_a_map_it_says_how_it_is_used(capsys):
    """It fetches nothing by itself."""
    assert 2 == TOOL["main"]([])
    assert "FILE_OR_URL" in capsys.readouterr().err

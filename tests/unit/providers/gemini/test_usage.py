"""The tokens that Google counts, by the lines of its price list."""

import io

import pytest

from imagegen_adapters.providers.gemini.responses import read_content, read_usage
from imagegen_core.facts import TokenKind
from tests.fakes.samples import sample

INPUT, TEXT, IMAGE = TokenKind.TEXT_INPUT, TokenKind.TEXT_OUTPUT, TokenKind.IMAGE_OUTPUT


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"promptTokenCount": 5, "candidatesTokenCount": 1120}, {INPUT: 5, TEXT: 0, IMAGE: 1120}),
        (
            {
                "promptTokenCount": 263,
                "candidatesTokenCount": 1300,
                "thoughtsTokenCount": 200,
                "candidatesTokensDetails": [
                    {"modality": "IMAGE", "tokenCount": 1290},
                    {"modality": "TEXT", "tokenCount": 10},
                ],
            },
            {INPUT: 263, TEXT: 210, IMAGE: 1290},
        ),
        (
            {"promptTokenCount": -1, "candidatesTokenCount": 7, "candidatesTokensDetails": {"modality": 1}},
            {INPUT: 0, TEXT: 0, IMAGE: 7},
        ),
        (
            {"candidatesTokenCount": 7, "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 99}]},
            {INPUT: 0, TEXT: 7, IMAGE: 0},
        ),
    ],
)
def test_tokens_are_by_what_they_are_billed_as(usage, tokens):
    """Thoughts as text; what is not said to be text as images; no sum is larger than the whole."""
    assert tokens == read_usage({"usageMetadata": usage}).tokens


@pytest.mark.parametrize("usage", [None, 5, [], {}, {"candidatesTokenCount": "many"}])
def test_without_an_output_nothing_is_said(usage):
    """Nor where it is no object."""
    assert read_usage({"usageMetadata": usage}) is None


def test_a_response_with_an_image_has_it():
    """As the sample says."""
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    body = {"candidates": [{"content": {"parts": [image]}}], **sample("gemini", "usage").body}

    assert 1120 == read_content(body, io.BytesIO).usage.tokens[IMAGE]

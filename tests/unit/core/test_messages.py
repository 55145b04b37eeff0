"""Messages: text in each language, made of a code and arguments."""

import pytest

from imagegen_core.messages import (
    JsonType,
    Language,
    MessageCode,
    ProblemCode,
    RefusalCode,
    UpstreamCode,
    as_message,
    upstream_text,
)


def both(message):
    return message.text(Language.EN), message.text(Language.ZH)


def test_a_message_is_its_template_filled_in():
    """In each language; its own text is the English one."""
    message = ProblemCode.TOO_LONG(maximum=64)

    assert ("must be at most 64 characters", "不能超过 64 个字符") == both(message)
    assert "must be at most 64 characters" == str(message)


def test_lists_are_written_as_each_language_does():
    """Names, alternatives and clauses; nothing is said to be none."""
    some, none = ProblemCode.NOT_ONE_OF(choices=("1K", "2K")), ProblemCode.NOT_ONE_OF(choices=())
    types = ProblemCode.WRONG_TYPE(types=(JsonType.STRING(), JsonType.OBJECT()))

    assert ("must be one of 1K, 2K", "须为以下之一：1K、2K") == both(some)
    assert ("must be one of none", "须为以下之一：无") == both(none)
    assert ("must be a string or an object", "须为字符串或对象") == both(types)


def test_a_message_within_another_is_in_the_same_language():
    """At any depth."""
    reason = RefusalCode.PROVIDER_UNUSABLE(provider="sd", reason=RefusalCode.NO_API_KEY())

    assert ("provider 'sd' cannot be used: api_key is missing", "服务商 'sd' 无法使用：缺少 api_key") == both(
        reason
    )


@pytest.mark.parametrize(("number", "text"), [(2**63 - 1, "9223372036854775807"), (0.5, "0.5"), (4.0, "4")])
def test_numbers_are_written_in_full(number, text):
    """A limit that is rounded is another limit."""
    assert f"must be at most {text}" == str(ProblemCode.TOO_LARGE(maximum=number))


def test_upstream_text_stays_as_it_is():
    """In every language, also where they look like a template; only what no store holds is replaced."""
    assert ("{no} template", "{no} template") == both(upstream_text("{no} template"))
    assert "a\N{REPLACEMENT CHARACTER}" == str(as_message("a\x00"))


def test_every_text_in_a_message_can_be_changed():
    """So that secrets are taken out of arguments, nested and listed ones too, and never out of ours."""
    message = RefusalCode.PROBLEM(field="sk-1", reason=ProblemCode.NOT_ONE_OF(choices=("sk-1", "b")))

    changed = message.map_text(lambda text: text.replace("sk-1", "****"))

    assert "****: must be one of ****, b" == str(changed)


def test_a_code_is_found_by_its_name():
    """Whatever table it is in; a code of another version is not."""
    assert (ProblemCode.REQUIRED, UpstreamCode.UPSTREAM_TEXT, None) == tuple(
        map(MessageCode.named, ("required", "upstream_text", "of_another_version"))
    )


def test_messages_are_values():
    """Equal ones are one in a set."""
    assert 2 == len({ProblemCode.TOO_LONG(maximum=1), ProblemCode.TOO_LONG(maximum=1), ProblemCode.EMPTY()})

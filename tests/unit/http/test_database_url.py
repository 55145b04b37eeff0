"""The URL of a database is what the driver reads, and is shown without what is secret."""

import pytest

from imagegen_http.settings.schema import check_database_url, masked_database_url, passwords

SECRET = "postgresql://user:p%40ss@[::1]:5432,host1/imagegen?sslmode=require&sslpassword=key%2B1"


@pytest.mark.parametrize(
    "url",
    [
        SECRET,
        "postgresql://user@host1,host2/imagegen?target_session_attrs=read-write",
        "postgresql://user@/imagegen?host=%2Frun%2Fpostgresql",
        "postgres:///imagegen",
    ],
)
def test_a_url_of_postgresql(url):
    """With several hosts, a socket, or what the environment has."""
    check_database_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://user@host/imagegen",
        "postgresql:user@host",
        "host=localhost dbname=imagegen",
        "postgresql://user:a/b@host/imagegen",
        "postgresql://user:a@b@host/imagegen",
        "postgresql://user:a#b@host/imagegen",
        "postgresql://user@host:70000/imagegen",
        "postgresql://user@host:port/imagegen",
        "postgresql://user@host/imagegen?sslmode",
        "postgresql://user@host/image gen\n",
    ],
)
def test_what_the_driver_would_misread(url):
    """A part of a password must not become a host to which the rest is sent."""
    with pytest.raises(ValueError, match=r"^$"):
        check_database_url(url)


def test_passwords_are_masked_where_the_url_is_shown():
    """Everything else is what an operator has to see."""
    shown = masked_database_url(SECRET)

    assert "postgresql://user:****@[::1]:5432,host1/imagegen?sslmode=require&sslpassword=****" == shown


def test_a_url_without_a_password_is_shown_as_it_is():
    """There is nothing to mask."""
    url = "postgresql://user@host1,host2/imagegen?target_session_attrs=read-write"

    assert (url, []) == (masked_database_url(url), [*passwords(url)])


def test_passwords_are_masked_as_written_and_as_meant():
    """A message may have either."""
    assert {"p%40ss", "p@ss", "key%2B1", "key+1"} == set(passwords(SECRET))


def test_the_name_of_a_parameter_may_be_escaped():
    """The driver reads it all the same."""
    url = "postgresql://host/imagegen?p%61ssword=secret"

    assert ("postgresql://host/imagegen?p%61ssword=****", {"secret"}) == (
        masked_database_url(url),
        set(passwords(url)),
    )


def test_a_password_may_have_a_colon():
    """The first one ends the user."""
    url = "postgresql://user:pass:word@host/imagegen"

    assert ("postgresql://user:****@host/imagegen", {"pass:word"}) == (
        masked_database_url(url),
        set(passwords(url)),
    )

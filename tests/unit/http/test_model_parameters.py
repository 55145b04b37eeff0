"""What is said of a model's parameters, so that a form can show them."""

import msgspec

from imagegen_core.models import Parameter, common
from imagegen_http.api.providers import ModelParameter


def test_the_bounds_of_an_integer_are_whole_numbers():
    """However a document wrote them; a client's form would show 0.0 as it is."""
    bounded = Parameter(name="steps", type="integer", minimum=1.0, maximum=50.0)

    assert b'"minimum":1,"maximum":50,' in msgspec.json.encode(ModelParameter.from_parameter(bounded))


def test_the_number_of_images_has_a_default():
    """It is what a request without one gets."""
    (number,) = common("num")

    assert 1 == ModelParameter.from_parameter(number).default

"""What is answered by the names of its fields has the same ones in the core and in the API."""

import attrs
import pytest

from imagegen_core.services.upkeep import ExpirySummary, SyncSummary
from imagegen_core.services.verify import Finding
from imagegen_core.services.verify import VerifyReport as CoreVerifyReport
from imagegen_http.api.upkeep import ExpiryReport, StorageFinding, SyncReport, VerifyReport


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (SyncSummary, SyncReport),
        (ExpirySummary, ExpiryReport),
        (CoreVerifyReport, VerifyReport),
        (Finding, StorageFinding),
    ],
)
def test_an_answer_has_the_fields_of_the_value(value, answer):
    """Beside whether it was a dry run, which the request said."""
    assert set(attrs.fields_dict(value)) == set(answer.__struct_fields__) - {"dry_run"}

"""Bodies that are about the stores."""

from typing import Annotated

from imagegen_http.answers.fields import doc
from imagegen_http.api.bodies.fields import Body


class StorageBody(Body, frozen=True, kw_only=True):
    """Something to do to the stores; in a dry run, nothing is changed."""

    dry_run: Annotated[bool, doc("count only, and change nothing", example=True)] = False


class VerifyBody(StorageBody, frozen=True, kw_only=True):
    """What to compare in the stores, and whether to put it right."""

    checksums: Annotated[
        bool, doc("read every local file whole; else only sizes are compared", example=True)
    ] = True

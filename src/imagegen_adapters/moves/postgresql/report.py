"""What a move did, for whoever started it."""

import attrs


@attrs.frozen(kw_only=True)
class TableReport:
    """A table that both databases hold equally; ``sha256`` is the checksum of its rows."""

    name: str
    rows: int
    sha256: str


@attrs.define
class FilesReport:
    """The files that were looked at; ``missing`` are the keys by the ids of images that neither store has.

    ``spooled`` counts responses and inputs, also those that are kept.
    """

    images: int = 0
    unrecorded: int = 0
    spooled: int = 0
    sent_bytes: int = 0
    missing: dict[int, str] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class MoveReport:
    """``finished_at`` is None while nodes may not start; without tables, an earlier run has finished it."""

    finished_at: str | None
    tables: tuple[TableReport, ...] = ()
    files: FilesReport = attrs.field(factory=FilesReport)

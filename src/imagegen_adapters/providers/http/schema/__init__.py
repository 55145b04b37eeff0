"""The declarative document of a JSON provider, as values; `parsing` reads one and reports its mistakes.

Every field is described, with its default, in ``docs/reference/provider-documents.md``.
"""

"""Adapters of the `Redactor` port."""

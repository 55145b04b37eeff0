"""What can be wrong: each thing a code, with its sentence in English and in Chinese.

A rule that only one provider has stands in a table beside that provider's adapter; see `MessageCode`.
"""

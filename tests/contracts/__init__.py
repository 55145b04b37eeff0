"""What each port promises, tested over every store that has it; `conftest.py` has the stores."""

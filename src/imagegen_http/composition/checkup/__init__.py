"""Read-only checks of an installation, beside a running service or without one."""

from imagegen_http.composition.checkup.checks import Check, Health
from imagegen_http.composition.checkup.runner import run_checks

__all__ = ["Check", "Health", "run_checks"]

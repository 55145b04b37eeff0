"""Checks of the database: keys, tasks, the search index, providers."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.image_records.index_state import IndexState
from imagegen_adapters.secret_boxes.sqlite_rows import SqliteSealedRows
from imagegen_adapters.secrets import CHECK_FILE, KEY_FILE, FernetSecretBox, MasterKeyRefused
from imagegen_adapters.stores.messages import KeyCode
from imagegen_adapters.stores.rows import to_timestamp
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.stores.sqlite.tasks import SqliteTasks
from imagegen_core.errors import Refusal
from imagegen_core.ports.provider_configs import ProviderConfigs
from imagegen_core.problems import RefusalCode
from imagegen_core.task import TaskStatus
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.composition.checkup.messages import CheckCode
from imagegen_http.composition.provider_listing import default_provider_warning, open_listing
from imagegen_http.settings.schema import Settings

STUCK_AFTER = timedelta(days=1)
RECENT = timedelta(days=7)
_CLOCK_TOLERANCE = timedelta(minutes=5)

_STUCK_TASKS = "SELECT count(*) FROM tasks WHERE status IN ('pending', 'processing') AND created_at < ?"

_UNKNOWN_OUTCOME_TASKS = """
SELECT count(*) FROM tasks
WHERE status = 'failed' AND completed_at > ? AND failure ->> '$.code' = 'outcome_unknown'
"""

_NEWEST_TASK = "SELECT created_at FROM tasks ORDER BY seq DESC LIMIT 1"


async def master_key(database: Database, data_dir: Path, environ: Mapping[str, str]) -> Check:
    """Check whether the master key opens everything that was sealed."""
    tokens = [row.token async for row in SqliteSealedRows(database).all()]
    variable = environ.get("IMAGEGEN_MASTER_KEY")
    if not (variable or tokens or (data_dir / KEY_FILE).exists() or (data_dir / CHECK_FILE).exists()):
        return ok("master key", CheckCode.NO_KEY_YET())
    try:
        box = FernetSecretBox.for_inspection(data_dir, environment_keys=variable, tokens=tokens)
    except MasterKeyRefused as error:
        return fail("master key", error.reason)
    if box.locked:
        reason = box.lock_reason or KeyCode.MASTER_KEY_MISSING()
        return fail("master key", CheckCode.SECRETS_LOCKED(reason=reason, count=len(tokens)))
    return ok("master key", CheckCode.SECRETS_OPEN(count=len(tokens)))


async def tasks(database: Database, *, has_server: bool) -> list[Check]:
    """Count the tasks that have not ended, and those that an operator should look at."""
    now = SystemClock().now()
    old, unknown = to_timestamp(now - STUCK_AFTER), to_timestamp(now - RECENT)
    return task_checks(
        await SqliteTasks(database, simplify=str).counts(),
        stuck=await database.read(lambda c: c.execute(_STUCK_TASKS, (old,)).fetchone()[0]),
        unclear=await database.read(lambda c: c.execute(_UNKNOWN_OUTCOME_TASKS, (unknown,)).fetchone()[0]),
        has_server=has_server,
    )


def task_checks(
    counts: Mapping[TaskStatus, int], *, stuck: int, unclear: int, has_server: bool
) -> list[Check]:
    """Check what was counted: ``stuck`` tasks, and ``unclear`` outcomes."""
    summary = CheckCode.TASK_COUNTS(
        pending=counts[TaskStatus.PENDING], processing=counts[TaskStatus.PROCESSING]
    )
    checks = [ok("tasks", summary)]
    if counts[TaskStatus.PROCESSING] and not has_server:
        checks = [warn("tasks", CheckCode.TASKS_WITHOUT_SERVER(counts=summary))]
    elif stuck:
        checks = [warn("tasks", CheckCode.TASKS_STUCK(counts=summary, stuck=stuck))]
    if unclear:
        checks.append(warn("unknown outcomes", CheckCode.OUTCOMES_UNKNOWN(count=unclear)))
    return checks


async def clock(database: Database) -> Check:
    """Check whether the clock was set back since the newest task."""
    now = SystemClock().now()
    newest = await database.read(lambda c: c.execute(_NEWEST_TASK).fetchone())
    if newest is not None and newest[0] > to_timestamp(now + _CLOCK_TOLERANCE):
        return warn("clock", CheckCode.CLOCK_BEHIND(now=to_timestamp(now), newest=newest[0]))
    return ok("clock", CheckCode.CLOCK_RIGHT(now=to_timestamp(now)))


def search_index(state: IndexState) -> Check:
    """Check whether the search index is up to date."""
    if state is IndexState.CURRENT:
        return ok("search index", CheckCode.INDEX_CURRENT())
    is_missing = state is IndexState.MISSING
    return warn("search index", CheckCode.INDEX_MISSING() if is_missing else CheckCode.INDEX_STALE())


async def providers(configs: ProviderConfigs, settings: Settings) -> list[Check]:
    """Check the configurations, those of the file and the saved ones, for errors and retired models."""
    try:
        async with open_listing(settings, configs) as listing:
            configured = await listing.configured()
            default_warning = await default_provider_warning(listing)
    except Refusal as error:
        return [warn("providers", error.reason)]
    today = SystemClock().now().date()
    enabled = [provider for provider in configured if provider.config.is_enabled]
    warnings = [
        warn("providers", RefusalCode.PROBLEM(field=provider.config.provider_name, reason=warning))
        for provider in enabled
        for warning in (*provider.name_warnings, *provider.endings_on(today))
    ]
    if default_warning is not None:
        warnings.append(warn("default provider", default_warning))
    return warnings or [ok("providers", CheckCode.PROVIDERS_ENABLED(count=len(enabled)))]

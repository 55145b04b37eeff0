"""What the database tells: keys, tasks, the search index, providers."""

from collections.abc import Mapping
from pathlib import Path

from imagegen_adapters.clocks.system import SystemClock
from imagegen_adapters.databases.sqlite import Database
from imagegen_adapters.image_records.reindex import IndexState, index_state
from imagegen_adapters.outbound import Outbound
from imagegen_adapters.provider_configs.sqlite import SqliteProviderConfigs
from imagegen_adapters.providers.http import PresetLibrary
from imagegen_adapters.queues.sqlite import SqliteQueue
from imagegen_adapters.redaction import Redactor
from imagegen_adapters.secret_boxes.fernet import FernetSecretBox
from imagegen_adapters.secret_boxes.master_key import CHECK_FILE, KEY_FILE, MasterKeyRefused
from imagegen_adapters.secret_boxes.sqlite_rows import SqliteSealedRows
from imagegen_adapters.simplifiers.opencc import simplify
from imagegen_core.errors import Refusal
from imagegen_core.use_cases.list_providers import ListProviders
from imagegen_core.use_cases.resolve_provider import ResolveProvider
from imagegen_http.composition.checkup.checks import Check, fail, ok, warn
from imagegen_http.composition.providers import compose_providers
from imagegen_http.composition.service import file_configs
from imagegen_http.settings import Settings


async def master_key(database: Database, data_dir: Path, environ: Mapping[str, str]) -> Check:
    """Return whether the master key opens everything that was sealed."""
    tokens = [row.token async for row in SqliteSealedRows(database).all()]
    given = environ.get("IMAGEGEN_MASTER_KEY")
    if not (given or tokens or (data_dir / KEY_FILE).exists() or (data_dir / CHECK_FILE).exists()):
        return ok("master key", "is not there yet, and nothing is sealed; the next start makes it")
    try:
        box = FernetSecretBox.to_look_into(data_dir, given=given, tokens=tokens)
    except MasterKeyRefused as error:
        return fail("master key", str(error))
    if box.locked:
        return fail("master key", f"{box.locked_because}; {len(tokens)} saved secret(s) cannot be read")
    return ok("master key", f"opens all {len(tokens)} saved secret(s)")


async def tasks(database: Database) -> Check:
    """Return how many tasks have not ended."""
    counts = await SqliteQueue(database).counts()
    return ok("tasks", f"{counts.pending} waiting, {counts.processing} running")


async def search_index(database: Database) -> Check:
    """Return whether searches find what they should."""
    state = await index_state(database, simplify)
    if state is IndexState.CURRENT:
        return ok("search index", "up to date")
    return warn("search index", f"{state}: run `imagegen reindex`")


async def providers(database: Database, settings: Settings) -> list[Check]:
    """Return the configurations that name retired models, or that cannot be understood."""
    outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
    try:
        resolve = ResolveProvider(
            configs=SqliteProviderConfigs(database, FernetSecretBox(None)),  # no key is needed to look
            file_configs=file_configs(settings),
            providers=compose_providers(SystemClock(), outbound, PresetLibrary()),
            redactor=Redactor(),
        )
        found = await ListProviders(resolve=resolve).configured()
    except Refusal as error:
        return [warn("providers", str(error))]
    finally:
        await outbound.aclose()
    enabled = [provider for provider in found if provider.config.is_enabled]
    warnings = [
        warn("providers", f"{provider.config.provider_name}: {said}")
        for provider in enabled
        for model in provider.profile.models
        if (said := model.warning)
    ]
    return warnings or [ok("providers", f"{len(enabled)} enabled, no retired model among theirs")]

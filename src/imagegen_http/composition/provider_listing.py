"""Lists the providers without a service: those of the file, and those of a database if there is one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imagegen_adapters.kinds import compose_providers
from imagegen_adapters.memory.tasks import MemoryProviderConfigs
from imagegen_adapters.outbound.client import Outbound
from imagegen_adapters.secrets import FernetSecretBox
from imagegen_adapters.stores.directory import DATABASE_FILE
from imagegen_adapters.stores.sqlite.configs import SqliteProviderConfigs
from imagegen_adapters.stores.sqlite.database import Database
from imagegen_adapters.system import SystemClock
from imagegen_core.errors import ImagegenError, ProviderConfigNotFound, Refusal, StorageError
from imagegen_core.messages import Message
from imagegen_core.ports.secrets import ProviderConfigs
from imagegen_core.problems import RefusalCode
from imagegen_core.redaction import Redactor
from imagegen_core.resolving import ProviderKinds, ResolveProvider
from imagegen_core.services.providers import ProviderListing
from imagegen_http.api.providers import ProviderConfig
from imagegen_http.composition.providers import check_file_providers
from imagegen_http.composition.service import file_configs
from imagegen_http.settings.schema import Settings
from imagegen_http.settings.words import SettingCode


def saved_configs(database: Database) -> ProviderConfigs:
    """Return the configurations of a data directory's database, their secrets locked."""
    return SqliteProviderConfigs(database, FernetSecretBox(()))


@asynccontextmanager
async def open_listing(settings: Settings, configs: ProviderConfigs) -> AsyncIterator[ProviderListing]:
    """Yield the service that lists the providers, of the file and of ``configs``; it needs no master key."""
    outbound = Outbound(allow_private=settings.security.allow_private_upstreams)
    try:
        yield ProviderListing(
            resolve=ResolveProvider(
                configs=configs,
                file_configs=file_configs(settings),
                default_provider=settings.default_provider,
                kinds=ProviderKinds(adapters=compose_providers(SystemClock(), outbound)),
                redactor=Redactor(),
                clock=SystemClock(),
            )
        )
    finally:
        await outbound.aclose()


async def default_provider_warning(providers: ProviderListing) -> Message | None:
    """Return why a task that names no provider would be refused; None if it would be accepted."""
    hint, name = None, await providers.resolve.default_name()
    try:
        provider = await providers.get(name)
    except ProviderConfigNotFound as error:
        hint = error.hint
        reason = SettingCode.DEFAULT_UNKNOWN(provider=name)
    except (Refusal, StorageError) as error:
        reason = error.reason
    else:
        if provider.config.is_enabled:
            return None
        reason = RefusalCode.PROVIDER_DISABLED(provider=name)
    sentences = (SettingCode.DEFAULT_UNUSABLE(reason=reason), *(() if hint is None else (hint,)))
    return RefusalCode.PROBLEM(field="default_provider", reason=RefusalCode.PROBLEMS(problems=sentences))


async def check_default_provider(settings: Settings) -> Message | None:
    """Return the same by the settings and, if it exists and is readable, the data directory's database.

    Of a database server nothing is known here: `doctor` and each start look there.
    """
    if settings.database is not None:
        return None
    try:
        path = settings.data_dir / DATABASE_FILE
        database = Database.open(path, read_only=True) if path.exists() else None
    except (ImagegenError, OSError):
        return None  # the check of the database reports what is wrong with it
    try:
        configs = MemoryProviderConfigs() if database is None else saved_configs(database)
        async with open_listing(settings, configs) as providers:
            return await default_provider_warning(providers)
    finally:
        if database is not None:
            await database.close()


async def configured_without_data(settings: Settings) -> list[ProviderConfig] | None:
    """Return what the API would list of the settings alone; None if a database may have other configurations.

    Nothing is opened or created, so that settings may be checked before the first start.

    Raises:
        SettingsError: a provider of the settings is not valid.
    """
    if settings.database is not None:
        return None
    try:
        (settings.data_dir / DATABASE_FILE).stat()
    except FileNotFoundError:
        async with open_listing(settings, MemoryProviderConfigs()) as providers:
            check_file_providers(providers.resolve.kinds, settings.providers)
            today = SystemClock().now().date()
            return [ProviderConfig.from_resolved(p, today) for p in await providers.configured()]
    except OSError:  # opening the database will say what is wrong
        return None
    return None

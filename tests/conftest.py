"""What all tests share: the event loop, a PostgreSQL server, and that CI skips nothing."""

import asyncio
import gc
import os
import signal
from pathlib import Path

import hypothesis
import pytest

from imagegen_adapters.stores.postgresql.database import Database
from tests.fakes.postgresql import Cluster
from tests.forks import run_in_forks

hypothesis.settings.register_profile("any speed", deadline=None)
hypothesis.settings.load_profile("any speed")  # a busy machine is no defect
hypothesis.settings.register_profile("quick", deadline=None, max_examples=25)

pytest.register_assert_rewrite("tests.contracts")  # a failure shows both sides

TESTS = Path(__file__).parent

THOROUGH = {
    "integration/agents/test_ways_in.py",
    "integration/cli/test_closed_streams.py",
    "integration/cli/test_image_days.py",
    "integration/cli/test_image_marks.py",
    "integration/cli/test_image_zip.py",
    "integration/cli/test_keys.py",
    "integration/cli/test_lists.py",
    "integration/cli/test_migrate.py",
    "integration/cli/test_operations.py",
    "integration/cli/test_ownership.py",
    "integration/cli/test_progress.py",
    "integration/cli/test_provider_facts.py",
    "integration/cli/test_reindex.py",
    "integration/cluster",
    "integration/providers/test_coded_limits.py",
    "integration/providers/test_http_presets.py",
    "integration/providers/test_provider_limits.py",
    "integration/secret_boxes/test_rotation.py",
    "integration/test_benchmarks.py",
    "integration/test_distributions.py",
    "integration/test_docs_examples.py",
    "integration/test_old_schemas.py",
    "integration/test_queue_order.py",
    "integration/test_s3_blob_archive.py",
    "integration/test_search.py",
    "unit/providers/test_any_answer.py",
    "unit/providers/test_http_budgets.py",
}
"""What ``--quick`` does not even collect: files that take more than three seconds of a processor."""

TEXTS = {
    "unit/http/test_console_modules.py",
    "unit/http/test_console_page.py",
    *(
        f"unit/test_{subject}.py"
        for subject in (
            "architecture_page",
            "blocking_reads",
            "command_line_reference",
            "console_page",
            "contributing_page",
            "deployment",
            "docs_links",
            "docs_translations",
            "errors_reference",
            "house",
            "http_api_reference",
            "never_pay_twice_page",
            "nginx_site",
            "ports",
            "raw_clocks",
            "samples",
            "settings_reference",
            "suppressions",
            "vendored_modules",
            "vocabulary",
            "ways",
        )
    ),
}
"""What reads the texts of this checkout, its sources among them, and so comes out alike on each Python."""

OWN_LOGIC = {
    "contracts/test_blobs.py",
    "contracts/test_inspector.py",
    *(
        f"integration/{subject}.py"
        for subject in (
            "agents/test_lost_calls",
            "api/command_line/test_imports",
            "api/test_cached_responses",
            "api/test_envelope",
            "api/test_error_rows",
            "api/test_guard_rows",
            "cli/test_other_directory",
            "cli/test_storage",
            "cli/test_usage",
            "openai/test_asynchronous",
            "openai/test_client_retries",
            "openai/test_lost_callers",
            "providers/test_gemini_developer",
            "providers/test_stability",
            "security/test_forbidden_addresses",
            "security/test_keys_stay_home",
            "test_batch_jobs",
            "test_fallback",
            "test_hostile_images",
            "test_oss_blob_archive",
            "test_short_responses",
            "test_storage_in_step",
        )
    ),
    "unit/http/cli/test_help_pages.py",
    "unit/test_message_tables.py",
}
"""What tries our own rules where its neighbours have met this Python already, and takes most of the time."""

OWN_RULES = {
    *(
        f"integration/api/test_bad_input.py::test_{subject}"
        for subject in (
            "a_body_that_is_no_json_object_is_refused",
            "a_field_of_the_wrong_kind_is_named",
            "a_parameter_out_of_its_range_is_named",
            "an_invalid_configuration_is_refused",
            "what_is_refused_by_its_shape_is_no_body_of_the_document",
            "what_is_refused_by_its_shape_is_no_parameter_of_the_document",
        )
    ),
    "integration/api/test_image_days.py::test_a_list_is_shown_from_either_end",
    "integration/api/test_image_days.py::test_neighbours_lead_through_the_list",
    "integration/api/test_operations.py::test_a_wrong_field_of_an_operation_is_named",
    "integration/api/test_operations.py::test_an_invalid_image_is_40005_with_its_field",
    "integration/security/test_google_credentials_stay_home.py::test_config_yaml_alone_lends_them",
    "integration/test_sqlite_engine.py::test_an_old_sqlite_is_refused_in_one_line",
    "integration/test_sqlite_engine.py::test_doctor_reports_only_the_old_sqlite",
}
"""The same of single tests, in files whose others meet PostgreSQL there."""

_skipped: list[str] = []


def pytest_addoption(parser):
    """Say what the tests of the API run over, as far as they share a server, and what the contracts test."""
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.addoption("--quick", action="store_true", help="leave out what takes long, or needs PostgreSQL")
    parser.addoption("--forks", metavar="N", help="run the files in N processes, or as many as do well: auto")
    parser.addoption("--another-python", action="store_true", help="leave out what no Python changes")
    parser.addoption("--store", metavar="MODULE:FACTORY", help="the contracts run over this store of yours")


def pytest_configure(config):
    """Let what the tests start hear Ctrl-C: a job in the background ignores it, and so do its children.

    A quarter of the examples is for ``--quick``.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.getoption("--quick"):
        hypothesis.settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """Let six processes share two processors with ``-n auto``: more than half of the time, a test waits."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return int(os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS", cores + max(4, cores // 2)))


def pytest_runtestloop(session):
    """Run the tests in forks of this process where that was asked for."""
    count = session.config.getoption("--forks") or 0
    return run_in_forks(session, pytest_xdist_auto_num_workers(None) if count == "auto" else int(count))


def pytest_ignore_collect(collection_path, config):
    """Leave whole files to ``./run test --all``, or to another Python."""
    left_out = THOROUGH if config.getoption("--quick") else set()
    left_out = left_out | TEXTS | OWN_LOGIC if config.getoption("--another-python") else left_out
    if left_out and collection_path.is_relative_to(TESTS):
        return True if collection_path.relative_to(TESTS).as_posix() in left_out else None
    return None


def pytest_collection_modifyitems(config, items):
    """Leave to ``./run test --all`` what is marked, and what starts a PostgreSQL server.

    The stores in memory run the statements of SQLite's, so another Python has them in a file alone.
    """
    is_left = {item: config.getoption("--quick") and _is_thorough(item) for item in items}
    if config.getoption("--another-python"):
        stores = {item: getattr(item, "callspec", None) and item.callspec.id.split("-")[0] for item in items}
        in_files = {(item.path, item.originalname) for item, store in stores.items() if store == "sqlite"}
        twins = {i for i, s in stores.items() if s == "memory" and (i.path, i.originalname) in in_files}
        named = {i for i in items if f"{i.path.relative_to(TESTS)}::{i.originalname}" in OWN_RULES}
        is_left |= dict.fromkeys(twins | named, True)
    if any(is_left.values()):
        config.hook.pytest_deselected(items=[item for item in items if is_left[item]])
        items[:] = [item for item in items if not is_left[item]]


def _is_thorough(item):
    marks = {mark.name for mark in item.iter_markers()}
    return not marks.isdisjoint({"thorough", "one_python"}) or "postgresql" in item.fixturenames


@pytest.hookimpl(wrapper=True)
def pytest_collection(session):
    """Do not look for garbage among what stays to the end: half of the time that collecting takes."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def anyio_backend():
    """Coroutines are tested on uvloop, the only loop that the service runs on."""
    return "asyncio", {"use_uvloop": True}


@pytest.fixture(scope="session")
def postgresql():
    """Return the server of this session, which the tests of this process share."""
    with Cluster.start() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgresql_template(postgresql):
    """Return the name of a database with the schema and nothing else."""

    async def migrate(dsn):
        await (await Database.open(dsn)).close()

    asyncio.run(migrate(postgresql.create_database("template_with_schema")))
    return "template_with_schema"


@pytest.fixture(scope="module")
def postgresql_dsn(postgresql, postgresql_template, request):
    """Return the address of a database of this module."""
    name = request.module.__name__.rpartition(".")[2]
    return postgresql.create_database(name, f"TEMPLATE {postgresql_template}")


_EMPTY_TABLES = """
DO $$
DECLARE
    name text;
BEGIN
    SET LOCAL session_replication_role = replica;  -- no triggers
    FOR name IN
        SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
    LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
END $$
"""
"""To truncate thirty tables takes fifteen times as long, since each has files of its own."""


@pytest.fixture
async def postgresql_database(postgresql_dsn):
    """Return the module's database, open and empty."""
    database = await Database.open(postgresql_dsn)
    try:
        await database.rows(_EMPTY_TABLES)
        yield database
    finally:
        await database.close()


def pytest_runtest_logreport(report):
    """Remember skipped tests; an expected failure is none."""
    _remember(report)


def pytest_collectreport(report):
    """Remember modules that were skipped as a whole."""
    _remember(report)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Fail in CI when a test was skipped: there a skip is a test that nobody runs."""
    if _skips_fail() and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    """Say why the run failed although no test did."""
    if _skips_fail():
        terminalreporter.section("skipped, which CI does not allow", red=True)
        for line in _skipped:
            terminalreporter.write_line(line)


def _remember(report):
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        _skipped.append(f"{report.nodeid}: {reason}")


def _skips_fail():
    return bool(_skipped) and os.environ.get("CI") == "true"

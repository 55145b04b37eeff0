"""What the process that commands are forked from does once it has imported them, instead of each fork."""

import inspect
import sys
from pathlib import Path
from types import SimpleNamespace

import imagegen_core
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.system import SystemClock, release_dictionaries, simplify
from imagegen_http.app import build_app
from imagegen_http.settings.schema import Settings

folding_version(simplify)
release_dictionaries()

# The first application takes three times as long as the next: Litestar keeps what it learns of the types.
_imagegen = SimpleNamespace(parts=SimpleNamespace(clock=SystemClock()))
build_app(SimpleNamespace(settings=Settings(), version="0", cluster=None, imagegen=_imagegen))

# Coverage begins by asking where it is, for which `inspect` looks at all modules once. It ends by listing the
# files that were not run, unless it only has patterns; the processes that run the tests list them.
if "coverage" in sys.modules and (measurement := sys.modules["coverage"].Coverage.current()):
    inspect.stack()
    measurement.set_option("run:source", None)
    measurement.set_option("run:include", [f"{Path(imagegen_core.__file__).parents[1]}/**"])

"""What the process that commands are forked from does once it has imported them, instead of each fork."""

import inspect
import sys
from pathlib import Path

import imagegen_core
from imagegen_adapters.stores.search import folding_version
from imagegen_adapters.system import release_dictionaries, simplify

folding_version(simplify)
release_dictionaries()

# Coverage begins by asking where it is, for which `inspect` looks at all modules once. It ends by listing the
# files that were not run, unless it only has patterns; the processes that run the tests list them.
if "coverage" in sys.modules and (measurement := sys.modules["coverage"].Coverage.current()):
    inspect.stack()
    measurement.set_option("run:source", None)
    measurement.set_option("run:include", [f"{Path(imagegen_core.__file__).parents[1]}/**"])

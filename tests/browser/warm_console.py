"""What the process that services are forked from does once: it has each page and each file of the console.

Else each test's service compresses again what its page loads: a tenth of a second of a processor.
"""

import asyncio
from itertools import product
from types import SimpleNamespace

from imagegen_core.messages import Language
from imagegen_http.console import HANDLERS, console_file, console_files
from imagegen_http.guard import asgi
from imagegen_http.settings.schema import Settings

_READER = SimpleNamespace(headers={"accept": "text/html"})


async def _load():
    files, service = console_files(), SimpleNamespace(settings=Settings())
    digest = await files.digest()
    for path in files.paths:
        await console_file.fn(f"/{digest}/{path}")
    for language, page in product(Language, HANDLERS[: HANDLERS.index(console_file)]):
        asgi.language.set(language)
        await page.fn(service, _READER)


asyncio.run(_load())

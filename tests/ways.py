"""The ways on the page about them: the files of each, in their order."""

import re

from tests.markdown import DOCS, sections

PAGE = DOCS / "explanation" / "ways.md"
_STEP = re.compile(r"^\d+\. `(src/[^`]+)`:", re.MULTILINE)


def ways():
    """Return the files of each way: of the prompt, of the image's bytes, and of the API key."""
    prompt, image, key = (
        list(dict.fromkeys(files)) for text in sections(PAGE) if (files := _STEP.findall(text))
    )
    return {"prompt": prompt, "image": image, "key": key}


def is_imported(port, files):
    """Whether one of the files imports the module of a port, which says what it does."""
    module = port.removeprefix("src/").removesuffix(".py").replace("/", ".")
    return any(f"{module} import" in (DOCS.parent / file).read_text("utf-8") for file in files)

"""The console's page names all modules that it needs, each with the digest of all of them."""

import re

from imagegen_http.console import PAGES, PRELOADS, complete, entries, needed
from tests.markdown import ROOT

ROUTER = ROOT / "src" / "imagegen_http" / "static" / "console" / "lib" / "router.js"
MODULES = {
    "app.js": """
        import { html } from "./vendor/index.js";
        import {
          first,
          second,
        } from './lib/api.js';
        import "./lib/keys.js";
        export * from "./parts/card.js";
        const later = () => import("./pages/usage.js");
    """,
    "vendor/index.js": 'import{h}from"./preact.js";export{h}from"./preact.js";',
    "vendor/preact.js": "var n;",
    "lib/api.js": 'import { format } from "../lib/format.js"; import "./missing.js"; import "bare";',
    "lib/keys.js": 'import { first } from "./api.js";',
    "lib/format.js": 'import "../app.js";',
    "parts/card.js": "",
    "pages/usage.js": 'import "../lib/chart.js";',
    "lib/chart.js": "",
}
HTML = f"""<link rel="stylesheet" href="/console/css/base.css">
{PRELOADS}
<script type="module" src="/console/app.js"></script>
<a href="/docs">/console/</a>"""


def test_a_page_starts_with_its_module_scripts():
    """Other scripts are none."""
    text = '<script src="/console/old.js"></script><script type="module" src="/console/a/b.js"></script>'

    assert ("a/b.js",) == entries(text)


def test_all_that_is_imported_is_known_at_once():
    """Nearest first, each once, circles included; neither what is loaded later nor what is not there."""
    expected = (
        "app.js",
        "vendor/index.js",
        "lib/api.js",
        "lib/keys.js",
        "parts/card.js",
        "vendor/preact.js",
        "lib/format.js",
    )

    assert expected == needed(("app.js", "gone.js"), MODULES)


def test_the_page_announces_its_modules_and_every_address_has_the_digest():
    """So that all of them are asked for at once, and are those of one version."""
    html = complete(HTML, {"app.js": 'import "./lib/api.js";', "lib/api.js": ""}, "abc123")

    assert (
        """<link rel="stylesheet" href="/console/abc123/css/base.css">
<link rel="modulepreload" href="/console/abc123/lib/api.js">
<script type="module" src="/console/abc123/app.js"></script>
<a href="/docs">/console/</a>"""
        == html
    )


def test_what_the_script_loads_for_an_address_is_announced_too():
    """Its module with what that imports, and its style."""
    modules = {"app.js": "", "pages/usage.js": 'import "../lib/chart.js";', "lib/chart.js": ""}
    html = complete(HTML, modules, "1", later=("pages/usage.js", "css/usage.css"))

    assert [
        '<link rel="preload" as="style" href="/console/1/css/usage.css">',
        '<link rel="modulepreload" href="/console/1/pages/usage.js">',
        '<link rel="modulepreload" href="/console/1/lib/chart.js">',
    ] == html.splitlines()[1:4]


def test_a_page_without_the_marked_place_stays_as_it_is():
    """But for the digest."""
    assert '<script src="/console/1/a.js">' == complete('<script src="/console/a.js">', {}, "1")


def test_the_server_answers_the_addresses_that_the_router_knows():
    """With the module that it shows there; add a page in both places."""
    routes = re.findall(r'^  \[/\^(.+)\$/, "(\w+)"\],$', ROUTER.read_text("utf-8"), re.MULTILINE)
    router = {re.compile(pattern): name for pattern, name in routes}
    samples = {
        re.sub(r"\{\w+:(int|str)\}", "7", path): name for name, paths in PAGES.items() for path in paths
    }
    shown = {
        sample: [name for pattern, name in router.items() if pattern.fullmatch(sample)] for sample in samples
    }

    assert {sample: [name] for sample, name in samples.items()} == shown
    assert set(router.values()) == set(PAGES)
    assert [] == [name for name in PAGES if not (ROUTER.parents[1] / "pages" / f"{name}.js").exists()]

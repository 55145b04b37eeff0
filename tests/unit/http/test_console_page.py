"""The console's modules are sent as few, and its page names them, each with the digest of all."""

import re

from imagegen_http.console import PAGES, PRELOADS, bundles, complete, console_files, imports, joined, needed
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
        export { card } from "./parts/card.js";
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


def test_a_module_comes_after_all_that_it_imports():
    """Each once, circles included; neither what is loaded later nor what is not there."""
    expected = (
        "vendor/preact.js",
        "vendor/index.js",
        "lib/format.js",
        "lib/api.js",
        "lib/keys.js",
        "parts/card.js",
        "app.js",
    )

    assert expected == needed("app.js", imports(MODULES))


def test_what_is_loaded_later_brings_only_what_is_not_there():
    """On every way to it: of two pages that lead there one has no chart yet."""
    sources = {
        "app.js": 'import "./lib/api.js"; import(`./pages/${page}.js`);',
        "lib/api.js": "",
        "lib/chart.js": 'import "./api.js";',
        "pages/usage.js": 'import "../lib/chart.js"; const later = () => import("../parts/menu.js");',
        "pages/tasks.js": 'const later = () => import("../parts/menu.js");',
        "parts/menu.js": 'import "../lib/chart.js"; import "../lib/api.js"; import("./sheet.js");',
        "parts/sheet.js": 'import "../lib/chart.js";',
    }

    assert {
        "app.js": ("lib/api.js", "app.js"),
        "pages/usage.js": ("lib/chart.js", "pages/usage.js"),
        "pages/tasks.js": ("pages/tasks.js",),
        "parts/menu.js": ("lib/chart.js", "parts/menu.js"),
        "parts/sheet.js": ("parts/sheet.js",),
    } == bundles(["pages/usage.js", "pages/tasks.js"], sources)


def test_modules_that_are_one_keep_their_names_apart():
    """Each is a function that runs once, whichever address brings it first."""
    sources = {
        "lib/api.js": "export const get = 1;\nexport async function post() {}\nexport { get as read };",
        "lib/all.js": 'export { get as first, post } from "./api.js";',
        "pages/usage.js": """import { get as take, post } from "../lib/api.js";
import all from "../lib/all.js";
await post();
export default function Page() {
  return import("./later.js").then(() => import.meta.url);
}""",
    }

    assert """const $root=new URL("../",import.meta.url),$m=(globalThis.$m??={});
const $import=(folder,path)=>import(new URL(path,new URL(folder,$root)));
$m["lib/api.js"]??=(()=>{
const get = 1;
async function post() {}

return{get,post,read:get}})();
$m["lib/all.js"]??=(()=>{

return{first:$m["lib/api.js"].get,post:$m["lib/api.js"].post}})();
$m["pages/usage.js"]=await($m["pages/usage.js"]??=(async()=>{
const{ get:take, post }=$m["lib/api.js"];
const{default:all}=$m["lib/all.js"];
await post();
const $default=function Page() {
  return $import("pages/","./later.js").then(() => new URL("pages/usage.js",$root));
}
return{default:$default}})());
export default $m["pages/usage.js"].default;""" == joined("pages/usage.js", sources, sources)


def test_every_module_of_the_console_runs_after_those_that_it_imports():
    """A circle would leave one without the names of the other."""
    sources = {path: console_files().text(path) for path in console_files().paths if path.endswith(".js")}
    imported = imports(sources)
    orders = [needed(path, imported) for path in sources]

    assert [] == [
        f"{path} before {target}"
        for order in orders
        for n, path in enumerate(order)
        for target in needed(path, imported)
        if target not in order[: n + 1]
    ]
    assert [] == [path for path in sources if re.search(r"^export (let|var|\*)", sources[path], re.MULTILINE)]


def test_the_page_announces_what_its_script_loads_and_every_address_has_the_digest():
    """So that all is asked for at once, and is of one version."""
    html = complete(HTML, "abc123", later=("pages/usage.js", "css/usage.css"))

    assert (
        """<link rel="stylesheet" href="/console/abc123/css/base.css">
<link rel="modulepreload" href="/console/abc123/pages/usage.js">
<link rel="preload" as="style" href="/console/abc123/css/usage.css">
<script type="module" src="/console/abc123/app.js"></script>
<a href="/docs">/console/</a>"""
        == html
    )


def test_a_page_without_the_marked_place_stays_as_it_is():
    """But for the digest."""
    assert '<script src="/console/1/a.js">' == complete('<script src="/console/a.js">', "1")


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

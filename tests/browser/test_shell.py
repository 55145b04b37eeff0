"""What a browser loads before it shows the console: little, in one go, and only once."""

MAX_SHELL_BYTES = 60 * 1000
SHELL = ("Document", "Script", "Stylesheet")
"""The page, its modules and its styles; images and answers of the API come on top."""


def shell(exchanges):
    return [exchange for exchange in exchanges if exchange.kind in SHELL]


def idle(tab):
    """Wait until the page has loaded what it needs, also what its modules ask for later."""
    tab.until(lambda: tab.driver.execute_script("return document.readyState") == "complete")
    tab.until(lambda: all(e.size or e.failure or e.is_cached for e in shell(tab.exchanges())))


def test_the_first_page_is_at_most_60_kilobytes(serve, tab):
    """On the wire, with the heads of all responses, compressed."""
    server = serve()
    with tab.recording() as exchanges:
        tab.open(server.url)
        idle(tab)
    sizes = {exchange.path: exchange.size for exchange in shell(exchanges)}

    assert {exchange.path for exchange in shell(exchanges) if exchange.size > 1000} == {
        exchange.path for exchange in shell(exchanges) if exchange.encoding == "gzip" and exchange.size > 1000
    }
    assert sum(sizes.values()) <= MAX_SHELL_BYTES, sizes


def test_the_second_visit_asks_for_the_page_alone(serve, tab):
    """Modules and styles are kept by their digest."""
    server = serve()
    tab.open(server.url)
    idle(tab)
    tab.open("about:blank")
    with tab.recording() as exchanges:
        tab.open(server.url)
        idle(tab)

    assert ["/"] == [exchange.path for exchange in shell(exchanges) if not exchange.is_cached]


def test_no_module_waits_for_another_one(serve, tab):
    """The page announces all that its script imports, so a slow line is paid for once.

    Only the browser knows its reader's language.
    """
    server = serve()
    with tab.recording() as exchanges:
        tab.open(server.url)
        idle(tab)
    announced = tab.driver.execute_script(
        "return [...document.querySelectorAll('link[rel=modulepreload], script')].map((e) => e.href || e.src)"
    )
    scripts = {exchange.url for exchange in exchanges if exchange.kind == "Script"}

    assert [] == [url for url in scripts - set(announced) if "/i18n/" not in url]

"""The page that shows the document: swagger-ui, and a line of ours above it."""

from collections.abc import Mapping

from imagegen_core.messages import Language

_PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="{root}docs/favicon-32x32.png"><link rel="stylesheet" href="{root}docs/swagger-ui.css">
<link rel="stylesheet" href="{root}docs/page.css"></head>
<body><nav><a href="{root}./">{console}</a><a href="{root}openapi.json?lang={code}">openapi.json</a>
<a href="{root}docs?lang={other_code}" lang="{other_lang}" hreflang="{other_lang}">{other}</a></nav>
<div id="swagger-ui"></div><noscript><p>{noscript}</p></noscript>
<script src="{root}docs/swagger-ui-bundle.js"></script>
<script src="{root}docs/start.js"></script></body></html>
"""
_TEXTS: Mapping[Language, Mapping[str, str]] = {
    Language.EN: {
        "title": "imagegen API",
        "console": "Console",
        "other": "中文",
        "noscript": "This page needs JavaScript; openapi.json is all that it shows.",
    },
    Language.ZH: {
        "title": "imagegen API 文档",
        "console": "控制台",
        "other": "English",
        "noscript": "本页面需要 JavaScript；它显示的就是 openapi.json 的内容。",
    },
}


def page(language: Language, *, root: str) -> str:
    """Return the HTML in a language; ``root`` leads from its address to that of the service.

    All its addresses are relative, so that it works below a proxy's prefix.
    """
    other = Language.ZH if language is Language.EN else Language.EN
    return _PAGE.format(
        root=root,
        lang=language.tag,
        code=language,
        other_lang=other.tag,
        other_code=other,
        **_TEXTS[language],
    )

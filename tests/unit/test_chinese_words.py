"""Chinese readers are spoken to in one way, and each thing has one name for them."""

import re

import pytest

from tests.markdown import ROOT

OTHERS = {
    "你": "您",
    "服务商": "供应商|提供商",
    "收藏夹": "图集|图片集|相册",
    "提示词": "提示语|咒语",
    "参考图": "参考图片",
    "蒙版": "遮罩|掩码",
    "阶段图": "中间图",
    "反向提示词": "负面提示词|负向提示词",
    "风格": "样式",
    "模板": "模版",
    "任务编号": "任务号",
    "批量作业": "批处理",
    "描述文档": "描述文件",
    "响应": "回应|应答",
    "打码": "遮盖|打了码",
    "币种": "货币",
    "归档": "归档存储",
    "密钥": "秘钥",
    "登录": "登陆",
    "账号": "[帐]",
    "其他": "其它",
    "撤销": "撤消",
}
"""The word that is taken, and what else it is called elsewhere."""

SRC = ROOT / "src"
PATHS = (
    ROOT / "README.zh-CN.md",
    *sorted((ROOT / "docs" / "zh-CN").rglob("*.md")),
    *sorted((SRC / "imagegen_http/static/console/i18n").rglob("zh*.js")),
    *sorted((SRC / "imagegen_http/static/console/i18n/zh").rglob("*.js")),
    *sorted(SRC.rglob("chinese.yaml")),
    *sorted(SRC.rglob("words.json")),
    SRC / "imagegen_http/styles.json",
    SRC / "imagegen_http/guard/pages.py",
    SRC / "imagegen_http/static/console/index.html",
)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_thing_has_one_name(path):
    """In the console, on pages, in refusals and in what the command line says."""
    text = path.read_text("utf-8")

    assert [] == [
        f"{match[0]}: {word}, in …{text[max(0, match.start() - 12) : match.end() + 12]}…"
        for word, others in OTHERS.items()
        for match in re.finditer(others, text)
    ]

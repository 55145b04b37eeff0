"""Writes prompts like those that people type: Chinese, English and mixed, the same ones in every run.

::

    python benchmarks/prompts.py --lines 1000000 --out prompts.txt

About 40 of 100 prompts contain 猫, one in 100 contains a unique serial number, and names are drawn from the
3,755 most frequent characters, so that the vocabulary keeps growing as it does in reality.
"""

import argparse
import random
import sys
from collections.abc import Iterator
from pathlib import Path


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_CATS = _words("一只猫 一只可爱的猫 橘猫 黑猫 一只小猫 布偶猫 两只猫咪")
_OTHERS = _words(
    "一位穿汉服的少女 机械战士 老渔夫 宇航员 一条金龙 柴犬 白狐 小女孩 骑士 赛博朋克风格的女孩 一匹马 鲸鱼 "
    "武侠剑客 一座古塔 茶馆 蒸汽火车 机器人 红色跑车 一束牡丹 熊貓 水墨山水 敦煌飞天 雪山 玻璃杯"
)
_ACTS = _words(
    "坐在窗台上 在雨夜的街头奔跑 望着星空 漂浮在云海之上 站在樱花树下 穿过霓虹灯闪烁的小巷 弹奏古筝 喝咖啡 "
    "趴在键盘上睡觉 在沙漠中行走 守护着一座古城 捧着一盏灯笼 在海边看日落 与孩子玩耍 驾驶飞船 読書する"
)
_PLACES = _words(
    "江南水乡 未来都市 敦煌石窟 京都街头 火星基地 图书馆 森林深处 长安城 海底世界 竹林 屋顶 地铁站"
)
_MOODS = _words("温暖的 神秘的 忧郁的 明亮的 梦幻的 古典的 孤独的 热闹的 宁静的 壮丽的 可爱的 华丽的")
_STYLES = _words(
    "水彩画 油画 国风插画 赛博朋克 吉卜力风格 像素艺术 3D渲染 电影质感 超写实 浮世绘 工笔画 极简主义 "
    "蒸汽波 黏土动画 素描 胶片摄影"
)
_TAGS = _words(
    "8K 4k 高清 masterpiece|best quality (masterpiece:1.2) ultra-detailed cinematic|lighting 柔光 景深 逆光 "
    "f/1.8 35mm bokeh trending|on|artstation unreal|engine|5 HDR 细节丰富 --ar|16:9 ✨ 色彩鲜艳 黄金分割"
)
_ENGLISH = _words(
    "a|portrait|of an|interior|with a|cute|cat a|lonely|astronaut the|ancient|temple a|vintage|car "
    "an|oil|painting|of in|the|morning|mist under|neon|lights beside|a|quiet|lake over|the|mountains "
    "made|of|glass in|a|crowded|market"
)
_TAILS = "，", "，", "，", "、", " ", "。"


def prompts(lines: int, seed: int = 20261124) -> Iterator[str]:
    """Yield prompts, the same ones for the same seed, 10 to 120 characters each."""
    rng = random.Random(seed)
    hanzi = [bytes((high, low)).decode("gb2312") for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFA)]
    for number in range(lines):
        yield _english(rng) if rng.random() < 0.15 else _chinese(rng, hanzi, number)


def _chinese(rng: random.Random, hanzi: list[str], number: int) -> str:
    pick, tail = rng.choice, rng.choice(_TAILS)
    subject = pick(_CATS if rng.random() < 0.45 else _OTHERS)
    parts = [f"{pick(_MOODS)}{subject}{pick(_ACTS)}"]
    if rng.random() < 0.5:
        parts.append(f"{pick(_PLACES)}的{pick(_MOODS)}清晨")
    if rng.random() < 0.4:
        parts.append("名叫" + "".join(rng.choices(hanzi, k=rng.randint(2, 5))))
    parts.append(pick(_STYLES))
    parts += (pick(_TAGS).replace("|", " ") for _ in range(rng.randint(0, 4)))
    if rng.random() < 0.01:
        parts.append(f"编号{number:07d}")
    return tail.join(parts)


def _english(rng: random.Random) -> str:
    parts = rng.sample(_ENGLISH, k=rng.randint(2, 5)) + rng.sample(_TAGS, k=rng.randint(1, 3))
    if rng.random() < 0.3:
        parts.append("".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(4, 9))))
    return ", ".join(parts).replace("|", " ")


def main() -> None:
    """Write the file, or to the standard output."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    with arguments.out.open("w", encoding="utf-8") if arguments.out else sys.stdout as out:
        out.writelines(f"{prompt}\n" for prompt in prompts(arguments.lines, arguments.seed))


if __name__ == "__main__":
    main()

"""The parameters that many providers have, and what a form says of them; a form shows them in this order."""

from collections.abc import Mapping
from types import MappingProxyType

from imagegen_core.providers.form_fields import FormField, Group, Label

PIXELS = Label(zh="像素", en="px")
_LEVELS = {
    "auto": ("自动", "Auto"),
    "minimal": ("最少", "Minimal"),
    "low": ("低", "Low"),
    "medium": ("中", "Medium"),
    "high": ("高", "High"),
    "xhigh": ("很高", "Very high"),
    "max": ("最高", "Maximum"),
}
_labelled = FormField.labelled

KNOWN_FIELDS: Mapping[str, FormField] = MappingProxyType(
    {
        "num": _labelled("张数", "Images", Group.BASIC),
        "negative_prompt": _labelled(
            "反向提示词", "Negative prompt", Group.BASIC, description=("不希望出现的内容", "what not to show")
        ),
        "size": _labelled(
            "尺寸",
            "Size",
            Group.SIZE,
            description=("宽x高，或模型自有的写法", "WIDTHxHEIGHT, or a word of the model's own"),
            choices={"auto": _LEVELS["auto"]},
        ),
        "aspect_ratio": _labelled("宽高比", "Aspect ratio", Group.SIZE, choices={"auto": _LEVELS["auto"]}),
        "image_size": _labelled("分辨率", "Resolution", Group.SIZE),
        "resolution": _labelled("分辨率", "Resolution", Group.SIZE),
        "width": _labelled("宽", "Width", Group.SIZE, unit=PIXELS),
        "height": _labelled("高", "Height", Group.SIZE, unit=PIXELS),
        "quality": _labelled(
            "质量",
            "Quality",
            Group.LOOK,
            choices={**_LEVELS, "standard": ("标准", "Standard"), "hd": ("高清", "HD")},
        ),
        "style": _labelled("风格", "Style", Group.LOOK),
        "substyle": _labelled("子风格", "Substyle", Group.LOOK),
        "style_preset": _labelled("风格预设", "Style preset", Group.LOOK),
        "background": _labelled(
            "背景",
            "Background",
            Group.LOOK,
            choices={
                "auto": _LEVELS["auto"],
                "opaque": ("不透明", "Opaque"),
                "transparent": ("透明", "Transparent"),
            },
        ),
        "prompt_extend": _labelled("智能扩写提示词", "Extend the prompt", Group.PROMPT),
        "prompt_optimizer": _labelled("优化提示词", "Optimise the prompt", Group.PROMPT),
        "prompt_upsampling": _labelled("扩写提示词", "Upsample the prompt", Group.PROMPT),
        "enhance_prompt": _labelled("增强提示词", "Enhance the prompt", Group.PROMPT),
        "revise": _labelled("改写提示词", "Revise the prompt", Group.PROMPT),
        "grounding": _labelled(
            "联网检索", "Grounding", Group.PROMPT, description=("作图前先检索资料", "look things up first")
        ),
        "thinking_mode": _labelled("思考模式", "Thinking", Group.PROMPT),
        "thinking_level": _labelled("思考程度", "Thinking level", Group.PROMPT, choices=_LEVELS),
        "seed": _labelled(
            "随机种子",
            "Seed",
            Group.SAMPLING,
            description=(
                "同样的种子得到相近的图；留空则随机",
                "the same seed, a similar image; empty: random",
            ),
        ),
        "steps": _labelled("步数", "Steps", Group.SAMPLING),
        "cfg_scale": _labelled(
            "提示词相关性",
            "Guidance scale",
            Group.SAMPLING,
            description=("越大越贴近提示词", "the greater, the closer to the prompt"),
        ),
        "sampler_name": _labelled("采样器", "Sampler", Group.SAMPLING),
        "scheduler": _labelled("调度器", "Scheduler", Group.SAMPLING),
        "edit_mode": _labelled(
            "编辑方式",
            "Edit mode",
            Group.EDITING,
            choices={
                "EDIT_MODE_DEFAULT": ("默认", "Default"),
                "EDIT_MODE_INPAINT_INSERTION": ("局部重绘", "Repaint"),
                "EDIT_MODE_INPAINT_REMOVAL": ("移除", "Remove"),
                "EDIT_MODE_OUTPAINT": ("扩图", "Outpaint"),
                "EDIT_MODE_BGSWAP": ("换背景", "Swap the background"),
                "EDIT_MODE_CONTROLLED_EDITING": ("受控编辑", "Controlled editing"),
                "EDIT_MODE_STYLE": ("改风格", "Change the style"),
                "EDIT_MODE_PRODUCT_IMAGE": ("商品图", "Product image"),
            },
        ),
        "upscale_factor": _labelled(
            "放大倍数",
            "Upscale factor",
            Group.EDITING,
            choices={"x2": ("2 倍", "2 times"), "x4": ("4 倍", "4 times")},
        ),
        "mode": _labelled(
            "分割方式",
            "Segmentation",
            Group.EDITING,
            choices={
                "FOREGROUND": ("前景", "Foreground"),
                "BACKGROUND": ("背景", "Background"),
                "PROMPT": ("按提示词", "By the prompt"),
                "SEMANTIC": ("按语义", "Semantic"),
                "INTERACTIVE": ("交互", "Interactive"),
            },
        ),
        "strength": _labelled(
            "重绘强度",
            "Strength",
            Group.EDITING,
            description=("越大离原图越远", "the greater, the further from the original"),
        ),
        "output_format": _labelled("文件格式", "File format", Group.OUTPUT),
        "output_compression": _labelled("压缩质量", "Compression", Group.OUTPUT, unit=Label(zh="%", en="%")),
        "partial_images": _labelled(
            "过程图",
            "Partial images",
            Group.OUTPUT,
            description=("生成途中先看几张，每张另计费", "how many to see on the way; each costs extra"),
        ),
        "watermark": _labelled("水印", "Watermark", Group.OUTPUT),
        "response_format": _labelled(
            "返回方式",
            "Response format",
            Group.OUTPUT,
            choices={"url": ("链接", "URL"), "b64_json": ("内嵌数据", "Inline data")},
        ),
        "moderation": _labelled(
            "审核强度",
            "Moderation",
            Group.SAFETY,
            choices={"auto": ("标准", "Standard"), "low": ("宽松", "Low")},
        ),
        "safety_tolerance": _labelled(
            "安全容忍度",
            "Safety tolerance",
            Group.SAFETY,
            description=("越大越宽松", "the greater, the more is allowed"),
        ),
    }
)
"""By the canonical name of the parameter."""


def form_field_of(name: str) -> FormField:
    """Return what a form says of a parameter; one that nobody knows is labelled by its name."""
    return KNOWN_FIELDS.get(name) or FormField(label=Label(zh=name, en=name))

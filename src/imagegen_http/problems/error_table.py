"""The table of errors: one row a slug, its code, and what it says in Chinese and English."""

from typing import Any

import attrs

from imagegen_core.messages import Language, Message
from imagegen_core.problems import Problem


@attrs.frozen
class Row:
    """``code // 100`` is the HTTP status. A hint is for callers who can act on it."""

    code: int
    zh: str
    en: str
    hint_zh: str | None = None
    hint_en: str | None = None


TABLE: dict[str, Row] = {
    "validation_failed": Row(
        40000, "请求参数有误", "the request is not valid", "请按 errors 逐项修改", "correct what errors lists"
    ),
    "provider_not_configured": Row(
        40001,
        "该服务商尚未配置，或缺少 api_base / api_key",
        "the provider is not configured, or its api_base or api_key is missing",
        "请先用 POST /api/v1/providers/config 保存配置",
        "save a configuration with POST /api/v1/providers/config first",
    ),
    "provider_disabled": Row(
        40002, "该服务商已停用", "the provider is switched off", "请先启用它", "switch it on first"
    ),
    "model_not_available": Row(
        40003, "该模型不可用", "the model is not available", "请从 models 中选择", "choose one of models"
    ),
    "unsupported_operation": Row(
        40004,
        "该服务商或模型不支持此操作",
        "this provider or model cannot do that operation",
        "请从 supported 中选择，或换一个模型",
        "choose one of supported, or another model",
    ),
    "invalid_image": Row(
        40005,
        "输入图片无效：须为完整的 PNG、JPEG 或 WebP，不超过 50 MB、4000 万像素",
        "an input image is not valid: whole PNG, JPEG or WebP of at most 50 MB and 40 megapixels",
        "field 指出是哪一张，请换一张或转换格式后重试",
        "field tells which one: send another, or convert it",
    ),
    "reference_count": Row(
        40006,
        "参考图数量不对",
        "the number of reference images is not possible",
        "数量须在 1 到 max 之间",
        "send 1 to max of them",
    ),
    "api_key_required": Row(
        40007,
        "api_base 指向了另一个来源，或配置会让秘密到达别处，必须同时提供 api_key 或该秘密",
        "api_base or another setting takes a secret elsewhere: send an api_key, or that secret, with it",
        "secret 指出是哪一个；已保存的只会到达当初给定的地方，本机凭据只按 config.yaml 使用",
        "secret tells which: saved ones go where they were given for, this machine's where config.yaml says",
    ),
    "upstream_not_allowed": Row(
        40008,
        "不允许访问该地址（内网、本机、链路本地或元数据地址）",
        "the address is private, loopback, link-local or metadata, and not allow-listed",
        "如确为自己的服务，请把 host:port 加入 security.allow_private_upstreams",
        "if it is your own service, list its host:port in security.allow_private_upstreams",
    ),
    "unauthorized": Row(
        40101,
        "缺少或错误的访问令牌",
        "the token is missing or wrong",
        "请使用 Authorization: Bearer <令牌>",
        "send Authorization: Bearer <token>",
    ),
    "forbidden_origin": Row(
        40301,
        "拒绝该请求：Host 不在允许之列，或来自其他网站",
        "refused: the Host is not allowed, or the request comes from another site",
        "其他主机名请加入 server.allowed_hosts；其他网站的网页请带上令牌，或加入 security.allowed_origins",
        "list further host names in server.allowed_hosts; pages of others send the token, or stand in "
        "security.allowed_origins",
    ),
    "not_found": Row(40400, "没有这个地址", "no such route", "接口文档见 /docs", "see /docs"),
    "task_not_found": Row(40401, "任务不存在", "no such task"),
    "image_not_found": Row(40402, "图片不存在或已删除", "no such image, or it was deleted"),
    "provider_config_not_found": Row(
        40403,
        "没有这个服务商的配置",
        "no such provider configuration",
        "请先用 POST /api/v1/providers/config 保存；只写在 config.yaml 中的请在那里修改",
        "save one with POST /api/v1/providers/config; what is only in config.yaml is changed there",
    ),
    "collection_not_found": Row(40404, "收藏夹不存在或已删除", "no such collection, or it was deleted"),
    "response_not_kept": Row(
        40405,
        "没有保留该任务的答复，或已过期删除",
        "nothing was kept of the task's answers, or it was removed after a week",
    ),
    "method_not_allowed": Row(
        40500,
        "该地址不支持此方法",
        "the method is not allowed here",
        "可用的方法见响应头 Allow",
        "the Allow header names those that are",
    ),
    "body_too_large": Row(
        41300,
        "请求体过大",
        "the body is too large",
        "请缩小到 max_bytes 字节以内",
        "send at most max_bytes bytes",
    ),
    "unsupported_media_type": Row(
        41500,
        "请求体的类型或编码不被接受",
        "the type or the coding of the body is not accepted",
        "请用 accepted 之一作为 Content-Type，且不要压缩（不带 Content-Encoding）",
        "send one of accepted as Content-Type, uncompressed and without Content-Encoding",
    ),
    "idempotency_key_reused": Row(
        42201,
        "该 Idempotency-Key 已用于另一个请求",
        "this Idempotency-Key was used for another body",
        "不同的请求请使用不同的键",
        "use another key for another request",
    ),
    "collection_exists": Row(
        42202,
        "已有同名的收藏夹",
        "there is a collection of this name already",
        "请使用 collection 指出的那一个，或换一个名称",
        "use the one that collection tells, or choose another name",
    ),
    "too_many_collections": Row(
        42203,
        "收藏夹数量已达上限",
        "there are as many collections as there may be",
        "收藏夹最多 max 个，请先删除一个",
        "there may be max of them: delete one first",
    ),
    "too_many_tags": Row(
        42204,
        "有图片的标签会超过上限，未作任何更改",
        "some images would have too many tags; nothing was changed",
        "images 指出是哪些，每张最多 max 个标签",
        "images tells which; each may have max tags",
    ),
    "queue_full": Row(
        42901,
        "排队任务已满，请稍后再试",
        "the queue is full, try again later",
        "请按 Retry-After 等待后重试",
        "wait for Retry-After, then try again",
    ),
    "internal": Row(
        50000, "服务内部错误", "internal error", "请附上 request_id 反馈", "report it with its request_id"
    ),
    "unavailable": Row(
        50301,
        "服务暂不可用，请稍后再试",
        "unavailable now, try again later",
        "请按 Retry-After 等待后重试",
        "wait for Retry-After, then try again",
    ),
    "insufficient_storage": Row(
        50701,
        "磁盘剩余空间不足，暂不接受付费任务",
        "too little disk is left to store the result of a paid call",
        "请清理磁盘后重试",
        "free some disk space, then try again",
    ),
}

FAILURES: dict[str, tuple[str, str]] = {
    "provider_not_configured": ("服务商未配置", "the provider is not configured"),
    "provider_disabled": ("服务商已停用", "the provider is switched off"),
    "rejected": ("服务商拒绝了请求", "the provider refused the request"),
    "content_policy": ("内容未通过服务商的安全审核", "the provider's content policy refused it"),
    "auth_failed": ("服务商不接受该密钥", "the provider does not accept the key"),
    "quota_exhausted": ("服务商账户额度或余额不足", "the provider's quota or balance is used up"),
    "rate_limited": ("服务商限流，重试后仍未成功", "the provider limited the rate, after all retries"),
    "unavailable": ("服务商不可达，重试后仍未成功", "the provider could not be reached, after all retries"),
    "timeout": ("已超时，可能已计费", "it took too long, and may have been charged"),
    "outcome_unknown": (
        "结果未知：请求可能已被处理并计费，不会自动重发",
        "the outcome is unknown: the call may have been charged and is never repeated on its own",
    ),
    "bad_response": ("服务商的答复无法读取", "the provider's answer cannot be read"),
    "download_failed": ("图片下载失败", "the image could not be downloaded"),
    "invalid_image": ("服务商返回的不是有效图片", "the provider's image is not valid"),
    "storage_failed": ("图片未能保存", "the image could not be stored"),
    "cancelled": ("任务已取消", "the task was cancelled"),
    "result_expired": ("服务商已不再保留该结果", "the provider no longer keeps the result"),
    "internal": ("服务内部错误", "internal error"),
}
"""What ``task.error.message`` begins with, by its code: Chinese and English."""


_WHOLE_REASONS = frozenset(
    {
        "provider_unusable",
        "provider_disabled",
        "preset_ended",
        "image_not_stored",
        "image_refused",
        "image_too_large",
        "response_unreadable",
    }
)
"""Reasons that say by themselves what the code of the failure means."""


def failure_sentence(code: str, reason: Message, language: Language) -> str:
    """Return what the code of a failed task means, and why it came to that, saying nothing twice."""
    text = reason.text(language)
    cause = reason.args["reason"] if str(reason.code) == "answer_kept" else reason
    if str(cause.code) in _WHOLE_REASONS:
        return text
    meaning = FAILURES[code][language is Language.EN]
    colon = ": " if language is Language.EN else "："
    return f"{meaning}{colon}{text}" if text else meaning


def envelope(
    slug: str, data: dict[str, Any], *, language: Language, request_id: str
) -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of an error; messages and problems in ``data`` become text."""
    row = TABLE[slug]
    message, hint = (row.en, row.hint_en) if language is Language.EN else (row.zh, row.hint_zh)
    body: dict[str, Any] = {"error": slug, "request_id": request_id}
    if hint:
        body["hint"] = hint
    body |= {name: _shown(value, language) for name, value in data.items()}
    return row.code // 100, {"code": row.code, "message": message, "data": body}


def _shown(value: Any, language: Language) -> Any:
    match value:
        case Message():
            return value.text(language)
        case Problem(field=field, reason=reason):
            return {"field": field, "code": str(reason.code), "message": reason.text(language)}
        case tuple():
            return [_shown(item, language) for item in value]
        case _:
            return value

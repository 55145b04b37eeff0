"""How each command is used, shown below its options; the same in every language."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        'imagegen generate "一只可爱的猫" -o cat.png',
        "imagegen images search 猫",
        "imagegen --server https://images.example.com --token file:token tasks list",
    ),
    "backup": ("imagegen backup imagegen-2026-11-27.tar",),
    "config check": ("imagegen config check --config /etc/imagegen/config.yaml",),
    "config show": ("imagegen config show",),
    "doctor": ("imagegen doctor", "imagegen doctor --full --strict --json"),
    "edit": (
        'imagegen edit "加一顶帽子" --image cat.png -o hat.png',
        'imagegen edit "a blue sky" --image image:7 --mask sky.png -p openai',
    ),
    "generate": (
        'imagegen generate "一只可爱的猫" -o cat.png',
        'imagegen generate "a lighthouse" -p openai -n 2 --param quality=high -o .',
    ),
    "images days": ("imagegen images days --tz Asia/Shanghai",),
    "images delete": ("imagegen images delete 7 8",),
    "images export": ("imagegen images export backup --search 猫 --from 2026-11-01",),
    "images list": ("imagegen images list --provider gemini --from 2026-11-01 --all",),
    "images search": ("imagegen images search 猫", 'imagegen images search "灯塔 海边" --mode relevant'),
    "images show": ("imagegen images show 7",),
    "keys rotate": ("imagegen keys rotate",),
    "migrate": ("imagegen migrate --to postgresql://imagegen@db.example/imagegen --dry-run",),
    "providers check": ("imagegen providers check --strict",),
    "providers list": ("imagegen providers list",),
    "providers remove": ("imagegen providers remove gemini",),
    "providers set": (
        "imagegen providers set gemini --api-key env:GEMINI_API_KEY",
        "imagegen providers set huawei-maas --api-key file:key --enable",
    ),
    "providers test": ("imagegen providers test gemini",),
    "recontext": ('imagegen recontext "on a beach" --image shoe.png -o beach.png',),
    "reference": ('imagegen reference "两只猫在下棋" --image cat.png --image image:7 -o chess.png',),
    "reindex": ("imagegen reindex",),
    "restore": ("imagegen restore imagegen-2026-11-27.tar",),
    "segment": ("imagegen segment --image street.png -o parts.png",),
    "serve": ("imagegen serve", "imagegen serve --config /etc/imagegen/config.yaml --port 0"),
    "storage expire": ("imagegen storage expire --dry-run",),
    "storage sync": ("imagegen storage sync",),
    "storage verify": ("imagegen storage verify --sizes-only",),
    "tasks cancel": (
        "imagegen tasks cancel TASK_ID",
        "imagegen tasks cancel --all --provider gemini",
    ),
    "tasks counts": ("imagegen tasks counts",),
    "tasks list": ("imagegen tasks list --status failed", "imagegen tasks list --all --json"),
    "tasks rerun": ("imagegen tasks rerun TASK_ID --prompt 一只可爱的狗 --param seed=",),
    "tasks retry": ("imagegen tasks retry TASK_ID",),
    "tasks show": ("imagegen tasks show TASK_ID",),
    "upscale": (
        "imagegen upscale --image cat.png --factor x4 -o large.png",
        "convert cat.gif png:- | imagegen upscale --image - -o large.png",
    ),
    "usage": ("imagegen usage --from 2026-11-01 --group-by provider --tz Asia/Shanghai",),
}
"""By the words that call the command; the program itself has none."""

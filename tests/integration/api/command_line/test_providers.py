"""``imagegen providers``: setting, listing, testing and removing."""

import json

import pytest
import yaml

from imagegen_adapters.providers.comfyui_workflow import default_workflow
from tests.integration.cli.outcomes import failed, good


def test_providers_are_set_listed_tested_and_removed(run):
    """A key comes from a variable or from stdin, and is only ever shown masked."""
    key = "sk-from-the-environment-1234"
    texts = [
        good(run("providers", "set", "one", "--kind", "demo", "--api-key", "env:KEY", environ={"KEY": key})),
        good(
            run(
                "providers",
                "set",
                "two",
                "--kind",
                "demo",
                "--api-key",
                "-",
                "--model",
                "a",
                "--model",
                "b",
                stdin=f"{key}\n",
            )
        ),
        good(run("providers", "list")),
        good(run("providers", "test", "one")),
    ]
    listed = {c["provider_name"]: c for c in json.loads(good(run("providers", "list", "--json")))}
    removed = good(run("providers", "remove", "one", "--yes"))

    assert [] == [text for text in texts if key in text]
    assert ("sk-****1234", "sk-****1234", ["a", "b"]) == (
        listed["one"]["api_key"],
        listed["two"]["api_key"],
        [m["id"] for m in listed["two"]["models"]],
    )
    assert "one" in removed
    assert "one" not in [c["provider_name"] for c in json.loads(good(run("providers", "list", "--json")))]


def test_a_provider_becomes_the_default(run):
    """With what is said of it, or alone; then nothing is saved of it."""
    draw = ("generate", "a lighthouse", "--param", "width=64", "--param", "height=64", "--json")
    texts = [good(run("providers", "set", "mine", "--kind", "demo", "--default"))]
    drawn = [json.loads(good(run(*draw)))["provider"]]
    texts.append(good(run("providers", "set", "demo", "--default")))
    drawn.append(json.loads(good(run(*draw)))["provider"])
    listed = {c["provider_name"]: c["source"] for c in json.loads(good(run("providers", "list", "--json")))}
    refused = failed(run("providers", "set", "nobody", "--default"), 1)

    assert ["mine", "demo"] == drawn
    assert [True, True] == [
        f"tasks that name no provider go to {name}" in text for name, text in zip(drawn, texts, strict=True)
    ]
    assert {"mine": "database", "demo": "file"} == listed
    assert "nobody" in refused


def _extra_of(run, name):
    """Return the ``extra_config`` that the API shows for a provider."""
    listed = json.loads(good(run("providers", "list", "--json")))
    return next(c["extra_config"] for c in listed if c["provider_name"] == name)


def test_providers_set_changes_one_setting_and_leaves_the_others(run, tmp_path):
    """Headers, proxy and preset are set and removed one by one; secrets are references."""
    (tmp_path / "token").write_text("token-from-a-file\n")
    change = ("providers", "set", "mine")
    headers = ("--header", "X-Team=blue", "--header", "X-Auth=file:token", "--header", "X-Key=-")
    texts = [
        good(run(*change, "--preset", "openai-compatible", "--api-base", "https://a.example/v1")),
        good(run(*change, *headers, "--max-concurrency", "2", stdin="key-from-stdin\n")),
        good(run(*change, "--proxy", "env:PROXY", environ={"PROXY": "https://u:proxy-word@p.example:1"})),
    ]
    full = _extra_of(run, "mine")
    texts.append(good(run(*change, "--header", "X-Team", "--header", "X-Key", "--proxy", "")))
    less = _extra_of(run, "mine")

    hidden = ("token-from-a-file", "key-from-stdin", "proxy-word")
    assert [] == [text for text in texts if any(word in text for word in hidden)]
    assert {
        "preset": "openai-compatible",
        "headers": {"X-Team": "blue", "X-Auth": "****", "X-Key": "****"},
        "max_concurrency": 2,
        "proxy": "https://****@p.example:1",
    } == full
    assert ({"X-Auth": "****"}, None, 2) == (less["headers"], less.get("proxy"), less["max_concurrency"])


def test_a_document_comes_from_a_file_with_its_variables(run, tmp_path):
    """It replaces a preset; variables are set one by one."""
    spec = {
        "schema": 1,
        "id": "own",
        "name": "Own",
        "base_url": "https://own.example",
        "vars": {"a": "1", "b": "2"},
        "operations": {
            "generate": {
                "request": {"path": "/x", "body": {"type": "json", "template": {"p": "${prompt}"}}},
                "response": {"images": [{"select": "data[]", "base64": "b64_json"}]},
            }
        },
        "models": [{"id": "m", "capabilities": ["generate"]}],
    }
    text = f"# ours\n{yaml.safe_dump(spec)}"
    (tmp_path / "own.yaml").write_text(text)
    (tmp_path / "twice.yaml").write_text("schema: 1\nschema: 2\n")
    good(run("providers", "set", "own", "--preset", "openai", "--max-concurrency", "3"))
    good(run("providers", "set", "own", "--spec", "own.yaml", "--var", "a=5"))
    good(run("providers", "set", "own", "--var", "b=7"))
    both = _extra_of(run, "own")
    good(run("providers", "set", "own", "--var", "a"))
    twice = failed(run("providers", "set", "own", "--spec", "twice.yaml"), 1)
    unknown = failed(run("providers", "set", "own", "--var", "c=1"), 1)

    assert {"spec": text, "vars": {"a": "5", "b": "7"}, "max_concurrency": 3} == both
    assert {"b": "7"} == _extra_of(run, "own")["vars"]
    assert "extra_config.spec:2: has the key schema twice" in twice
    assert "extra_config.vars.c" in unknown


def test_a_header_beside_the_files_own_is_all_that_is_saved(run, tmp_path):
    """The rest stays in ``config.yaml``, whose changes keep counting."""
    config = tmp_path / "config.yaml"
    text = "providers: {filed: {kind: demo, extra_config: {max_concurrency: %d, headers: {X-Team: blue}}}}"
    config.write_text(text % 2)
    good(run("providers", "set", "filed", "--header", "X-More=red"))
    config.write_text(text % 7)

    assert {"max_concurrency": 7, "headers": {"X-Team": "blue", "X-More": "red"}} == _extra_of(run, "filed")


def test_testing_a_provider_without_a_free_call_says_not_verified(run):
    """It is neither a failure nor a success."""
    good(run("providers", "set", "minimax", "--api-key", "env:KEY", environ={"KEY": "mm-0123456789abcdef"}))

    assert good(run("providers", "test", "minimax")).startswith(
        "minimax: not verified: this provider has no free"
    )


def test_a_preset_only_needs_a_key(run):
    """Address and models come with it."""
    good(
        run(
            "providers",
            "set",
            "mine",
            "--preset",
            "openai",
            "--api-key",
            "env:KEY",
            environ={"KEY": "sk-preset-0001"},
        )
    )
    mine = next(
        c for c in json.loads(good(run("providers", "list", "--json"))) if c["provider_name"] == "mine"
    )

    assert ("http", "https://api.openai.com/v1", True) == (
        mine["kind"],
        mine["api_base"],
        bool(mine["models"]),
    )


def test_a_workflow_comes_from_its_file(run, tmp_path):
    """With its inputs, of which a name may stand for several; another workflow has none of them."""
    graph = dict(default_workflow().graph)
    (tmp_path / "flux.json").write_text(json.dumps(graph))
    change = ("providers", "set", "comfyui-own", "--workflow", str(tmp_path / "flux.json"))
    good(run("providers", "set", "comfyui-own", "--api-base", "https://comfyui.example"))
    inputs = ("prompt=6.inputs.text", "steps=3.inputs.steps", "seed=3.inputs.seed")
    good(run(*change, *(word for pair in inputs for word in ("--input", pair))))
    good(run("providers", "set", "comfyui-own", "--input", "steps", "--input", "seed=KSampler.inputs.seed"))
    first = _extra_of(run, "comfyui-own")
    good(run(*change, "--input", "prompt=6.inputs.text", "--input", "prompt=7.inputs.text"))
    second = _extra_of(run, "comfyui-own")

    assert {"prompt": ["6.inputs.text"], "seed": ["KSampler.inputs.seed"]} == first["inputs"]
    assert {"prompt": ["6.inputs.text", "7.inputs.text"]} == second["inputs"]
    assert graph == first["workflow"] == second["workflow"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "extra_config.workflow: is not JSON"),
        ('{"nodes": [], "links": []}', "extra_config.workflow: is saved for ComfyUI's page"),
        ("{}", "extra_config.workflow: must be the JSON that ComfyUI exports"),
    ],
)
def test_a_file_that_is_no_workflow_is_refused(run, tmp_path, content, reason):
    """With its path inside the configuration."""
    (tmp_path / "own.json").write_text(content)
    ended = run(
        "providers",
        "set",
        "comfyui-own",
        "--workflow",
        str(tmp_path / "own.json"),
        "--input",
        "prompt=6.inputs.text",
    )

    assert reason in ended.stderr

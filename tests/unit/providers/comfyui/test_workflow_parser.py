"""A workflow is read when it is saved: each mistake is told with its path, in both languages."""

import copy
import json
from types import MappingProxyType

import pytest

from imagegen_adapters.providers.comfyui_workflow import (
    DEFAULT_INPUTS,
    MAX_WORKFLOW_CHARS,
    NodeInput,
    default_workflow,
    parse_workflow,
)
from imagegen_core.errors import ValidationFailed
from imagegen_core.messages import Language


def encoder(text, title):
    inputs = {"text": text, "clip": ["4", 1]}
    return {"class_type": "CLIPTextEncode", "_meta": {"title": title}, "inputs": inputs}


GRAPH = {
    "6": encoder("a", "The v1.5 text"),
    "7": encoder("b", "Twice"),
    "8": encoder("c", "Twice"),
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "x.safetensors"}},
    "57:3": {"class_type": "KSampler", "inputs": {"seed": 5, "model.shift": 1, "model": ["4", 0]}},
    "58": {"class_type": "RandomNoise", "inputs": {"noise_seed": 9}},
}
PROMPT = {"prompt": "6.inputs.text"}


def problems(workflow, inputs=PROMPT, language=Language.EN):
    with pytest.raises(ValidationFailed) as caught:
        parse_workflow({"workflow": workflow, "inputs": inputs})
    return [(p.field.removeprefix("extra_config."), p.reason.text(language)) for p in caught.value.problems]


def fields(workflow, inputs=PROMPT):
    return [field for field, _ in problems(workflow, inputs)]


def changed(node, **inputs):
    graph = copy.deepcopy(GRAPH)
    graph[node]["inputs"] |= inputs
    return graph


@pytest.mark.parametrize("form", [dict, json.dumps, MappingProxyType])
def test_a_workflow_is_json_or_its_text(form):
    """The text is what ``file:`` in config.yaml reads."""
    workflow = parse_workflow({"workflow": form(GRAPH), "inputs": PROMPT})

    assert GRAPH == workflow.graph


def test_a_node_is_named_by_its_id_or_its_title():
    """Ids of subgraphs have a colon, titles may have a dot, and so may fields."""
    inputs = {"prompt": "The v1.5 text.inputs.text", "shift": "57:3.inputs.model.shift"}
    workflow = parse_workflow({"workflow": GRAPH, "inputs": inputs})

    assert {
        "prompt": (NodeInput("6", "text"),),
        "shift": (NodeInput("57:3", "model.shift"),),
        "seed": (NodeInput("57:3", "seed"), NodeInput("58", "noise_seed")),
    } == workflow.inputs


def test_a_node_without_a_title_goes_by_its_class():
    """As in ComfyUI's page."""
    workflow = parse_workflow({"workflow": GRAPH, "inputs": {**PROMPT, "seed": "KSampler.inputs.seed"}})

    assert (NodeInput("57:3", "seed"),) == workflow.inputs["seed"]


def test_seeds_can_be_left_as_they_are():
    """By naming none."""
    assert "seed" not in parse_workflow({"workflow": GRAPH, "inputs": {**PROMPT, "seed": []}}).inputs


def test_a_name_may_stand_for_several_inputs():
    """Such as the two text encoders of a model; what nobody names stays."""
    inputs = {"prompt": ["6.inputs.text", "7.inputs.text"]}
    graph = parse_workflow({"workflow": GRAPH, "inputs": inputs}).with_values({"prompt": "a cat"})

    assert ["a cat", "a cat", "c"] == [graph[node]["inputs"]["text"] for node in "678"]
    assert "a" == GRAPH["6"]["inputs"]["text"]


def test_the_shipped_workflow_fits_its_names():
    """All of them, and its seed."""
    assert {*DEFAULT_INPUTS, "seed"} == set(default_workflow().inputs)
    assert default_workflow() == parse_workflow({})


PAGE = {"nodes": [{"id": 6, "type": "CLIPTextEncode"}], "links": [], "version": 0.4}


@pytest.mark.parametrize(
    ("workflow", "inputs", "expected"),
    [
        (PAGE, PROMPT, ["workflow"]),
        ("{", PROMPT, ["workflow"]),
        ("[1]", PROMPT, ["workflow"]),
        (7, PROMPT, ["workflow"]),
        ({}, PROMPT, ["workflow"]),
        (" " * (MAX_WORKFLOW_CHARS + 1), PROMPT, ["workflow"]),
        ({"6": {"inputs": {}}}, PROMPT, ["workflow.6"]),
        ({"6": 1, "7": "x"}, PROMPT, ["workflow.6", "workflow.7"]),
        ({"6": {"class_type": 1, "inputs": {}}}, PROMPT, ["workflow.6.class_type"]),
        ({"6": {"class_type": "X"}}, PROMPT, ["workflow.6.inputs"]),
        (changed("6", clip=["99", 0]), PROMPT, ["workflow.6.inputs.clip"]),
        (None, PROMPT, ["workflow"]),
        (GRAPH, None, ["inputs.prompt"]),
        (GRAPH, {"prompt": []}, ["inputs.prompt"]),
        (GRAPH, "6.inputs.text", ["inputs"]),
        (GRAPH, {"prompt": 6}, ["inputs.prompt"]),
        (GRAPH, {"prompt": "6.text"}, ["inputs.prompt"]),
        (GRAPH, {"prompt": "5.inputs.text"}, ["inputs.prompt"]),
        (GRAPH, {"prompt": "6.inputs.texts"}, ["inputs.prompt"]),
        (GRAPH, {"prompt": "6.inputs.clip"}, ["inputs.prompt"]),
        (GRAPH, {"prompt": "Twice.inputs.text"}, ["inputs.prompt"]),
        (GRAPH, {**PROMPT, "Dénoise": "57:3.inputs.seed"}, ["inputs.Dénoise"]),
        (GRAPH, {**PROMPT, "negative_prompt": "6.inputs.text"}, ["inputs.negative_prompt"]),
        (GRAPH, {**PROMPT, "width": "58.inputs.noise_seed"}, ["inputs.height"]),
        (GRAPH, {**PROMPT, "mask": "58.inputs.noise_seed"}, ["inputs.image"]),
        (GRAPH, {**PROMPT, "image": "7.inputs.text", "references": "8.inputs.text"}, ["inputs.references"]),
    ],
)
def test_a_mistake_is_told_with_its_path(workflow, inputs, expected):
    """In what was saved, below ``extra_config``."""
    assert expected == fields(workflow, inputs)


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        (
            Language.EN,
            "is saved for ComfyUI's page, not for its API; export it there with Workflow, Export (API)",
        ),
        (Language.ZH, "是供 ComfyUI 页面使用的格式，不是 API 格式；请在页面中用“工作流 → 导出（API）”导出"),
    ],
)
def test_a_workflow_of_the_page_is_recognized(language, sentence):
    """It is what the page saves by itself."""
    assert [("workflow", sentence)] == problems(PAGE, language=language)


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (
            "5.inputs.text",
            "the workflow has no node with the id or title '5'; it has 6 (The v1.5 text), 7 (Twice)",
        ),
        ("6.inputs.texts", "node 6 (CLIPTextEncode) has no input 'texts'; it has text, clip"),
        ("6.inputs.clip", "6.inputs.clip comes from node 4; name an input of that node"),
        ("Twice.inputs.text", "several nodes have the title 'Twice': 7, 8; name one by its id"),
    ],
)
def test_a_wrong_path_says_what_there_is(path, sentence):
    """So that the next try is right."""
    ((_, reason),) = problems(GRAPH, {"prompt": path})

    assert reason.startswith(sentence)

"""Somebody asks for images, whatever comes between."""

import pytest
from PIL import Image
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.browser.form import TOKEN, png, tasks, unsure
from tests.browser.tab import PHONE, Look
from tests.fakes.http_server import HttpServer, Reply
from tests.fakes.images import png_base64
from tests.fakes.in_thread import in_thread
from tests.integration.api.asking import TASKS, data, make_image

COMPOSE = """
const options = { key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true };
arguments[0].dispatchEvent(new KeyboardEvent('keydown', options));
"""
FILL = """
arguments[0].value = '长'.repeat(40000);
arguments[0].dispatchEvent(new Event('input', { bubbles: true }));
"""
PASTE_WORDS = """
const transfer = new DataTransfer();
transfer.setData('text/plain', arguments[1]);
transfer.items.add(new File([new Uint8Array(9)], 'words.png', { type: 'image/png' }));
const event = new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true });
arguments[0].dispatchEvent(event);
return event.defaultPrevented;
"""
"""Pastes what a word processor copies: words, and an image of them."""

UNCOVERED = """
const { left, right, top, bottom } = arguments[0].getBoundingClientRect();
const at = [[left + 9, top + 9], [right - 9, bottom - 9]];
return at.every(([x, y]) => arguments[0].contains(document.elementFromPoint(x, y)));
"""
FIRST = (".welcome", "textarea", ".examples", ".go")
"""What somebody is to see first: what this is, where to write, what to press."""

DOUBLE_CLICK = """
for (const detail of [1, 2]) arguments[0].dispatchEvent(new MouseEvent('click', { bubbles: true, detail }));
"""
FAILURES = """
const dismissed = JSON.parse(localStorage['imagegen.dismissed'] ?? '[]');
return [dismissed, document.querySelectorAll('.group.failed').length];
"""
"""The failures that were taken note of, and how many are shown."""

IN_SIGHT = """
const { top } = arguments[0].getBoundingClientRect();
return top >= 0 && top < innerHeight - 100;
"""


def is_uncovered(form, selector):
    return form.driver.execute_script(UNCOVERED, form.one(selector))


def test_the_first_image_takes_one_press(console, tab, axe_violations):
    """With nothing configured, in sight of a phone; the page says that the demo is no real model."""
    tab.look(Look(size=PHONE, has_touch=True))
    server, form = console()
    demo = form.text(".welcome")
    tiles = [tile.get_attribute("href") for tile in form.all(".tile")]
    violations = axe_violations()
    in_sight = [is_uncovered(form, selector) for selector in FIRST]
    form.button("EN English").click()
    tab.until(lambda: "Generate" in form.text(".go"))
    in_sight += [is_uncovered(form, selector) for selector in FIRST]
    form.one(".examples button").click()
    form.decoded(1)

    assert "演示服务商" in demo
    assert "不是真实的模型" in demo
    assert f"{server.url}/providers/siliconflow" in tiles
    assert [] == violations
    assert [True] * 8 == in_sight
    assert ["completed"] == [task["status"] for task in tasks(server)]


def test_each_operation_leaves_a_record_with_what_was_asked(console, tmp_path):
    """A reference comes by each way once, as one image; the others work on an image of the gallery."""
    server, form = console()
    with server.client() as api:
        make_image(api, "一只猫")
    form.prompt().send_keys("同样的猫")
    form.go()
    form.decoded(2)
    form.put("paste", "textarea")
    form.inputs(1)
    form.put("drop", ".dropzone")
    form.inputs(2)
    (tmp_path / "c.png").write_bytes(png((0, 0, 200)))
    form.one("input[type=file]").send_keys(str(tmp_path / "c.png"))
    form.inputs(3)
    for number, kind in enumerate(("gif", "avif"), start=4):
        Image.new("RGB", (40, 30)).save(tmp_path / f"d.{kind}")
        form.one("input[type=file]").send_keys(str(tmp_path / f"d.{kind}"))
        form.inputs(number)
    draggable = [element.tag_name for element in form.all(".inputs [draggable=true]")]
    form.go()
    form.decoded(3)
    for number, operation in enumerate(("edit", "upscale", "recontext", "segment"), start=4):
        form.choose("operation", operation)
        if operation == "edit":
            form.button("从图库选").click()
            form.one(".choices button[aria-label='一只猫']").click()
            form.inputs(1)
        form.go()
        form.decoded(number)
    bodies = {path.rpartition("/")[2]: body for path, _, body in form.requests()}
    stored = [task["operation"] for task in tasks(server)][:6]

    assert ["segment", "recontext", "upscale", "edit", "reference", "generate"] == stored
    references = bodies["generate-with-references"]["reference_images"]
    assert 5 == len(references)
    assert 4 == len(set(references))
    assert ["image/gif", "image/avif"] == [reference[5:].partition(";")[0] for reference in references[3:]]
    assert ["li"] * 5 == draggable, "an image that is dragged to another place would be dropped as one more"
    assert {"image:1"} == {bodies[name]["image"] for name in ("edit", "upscale", "recontext", "segment")}


def test_a_login_in_the_middle_loses_nothing(console, tab):
    """What is sent after it is what was typed before: number, seed, size, parameters and files."""
    tab.allow("status of 401")
    server, form = console(server={"auth_token": TOKEN})
    form.log_in()
    form.choose("operation", "reference")
    form.put("drop", ".dropzone", ("a.png", "b.png"))
    form.inputs(2)
    form.prompt().send_keys("两只猫")
    form.choose("ratio", "3:4")
    form.press(form.button("增加"))
    form.open_advanced()
    form.set("seed", "9007199254740993")
    form.set("steps", "7")
    form.driver.execute_script("sessionStorage.leave = 1")
    form.go()
    form.log_in()
    form.go()
    form.decoded(2)
    before, after = form.requests()

    assert before == after
    assert 2 == len(after[2]["reference_images"])
    assert {
        "num": 2,
        "seed": "9007199254740993",
        "steps": 7,
        "aspect_ratio": "3:4",
        "image_size": "512",
    } == after[2]["params"]
    with server.client(Authorization=f"Bearer {TOKEN}") as api:
        assert 1 == data(api.get(TASKS))["total"]


def test_a_lost_answer_is_asked_for_again(console, tab):
    """Pressed once more it is the same task, and the focus is still there; a double click is one, too."""
    server, form = console()
    form.prompt().send_keys("雪山")
    form.driver.execute_script("sessionStorage.lose = 1")
    form.go()
    lost = form.text(".foot .error")
    script = "return document.activeElement.matches('.go')"
    tab.until(lambda: form.driver.execute_script(script))
    form.go()
    form.decoded(1)
    form.tab.until(lambda: not form.all(".foot .error"))
    ActionChains(form.driver).double_click(form.button("生成")).perform()
    form.decoded(2)
    keys = [key for _, key, _ in form.requests()]

    assert "不会重复付费" in lost
    assert 3 == len(keys)
    assert keys[0] == keys[1]
    assert 2 == len(tasks(server))


def test_input_methods_and_bad_input_send_nothing(console):
    """Keys of a composition, texts that are too long, files that are none: all say so, and nothing is cut."""
    server, form = console()
    form.prompt().send_keys("雪")
    form.driver.execute_script(COMPOSE, form.prompt())
    is_image = form.driver.execute_script(PASTE_WORDS, form.prompt(), "雪山")
    form.driver.execute_script(FILL, form.prompt())
    form.go()
    long = form.text(".prompt .error"), form.text(".prompt .hint")
    length = form.driver.execute_script("return arguments[0].value.length", form.prompt())
    form.choose("operation", "reference")
    form.put("drop", ".dropzone", ("<b>a</b>.png",), b"no image at all")
    refused = form.tab.until(lambda: "png" in form.text(".dropzone .error") and form.text(".dropzone .error"))
    form.put("drop", ".dropzone", [f"{n}.png" for n in range(15)])
    form.inputs(14)
    too_many = form.tab.until(
        lambda: "14" in (form.text(".dropzone .error")) and form.text(".dropzone .error")
    )

    assert not is_image
    assert 40000 == length
    assert "32,000" in long[0]
    assert "8,000" in long[0]
    assert "40,000" in long[1]
    assert "<b>a</b>.png" in refused
    assert "有 1 张没有添加" in too_many
    assert [] == form.requests()
    assert [] == tasks(server)


def test_values_stay_when_the_model_changes_and_the_page_is_reloaded(console, tab):
    """Those whose names both know are sent, the others come back with their model."""
    sd = {
        "kind": "stable_diffusion",
        "api_base": "http://127.0.0.1:9",
        "models": [{"id": "sd-xl", "name": "SD XL", "default": True}],
    }
    _, form = console(providers={"sd": sd}, security={"allow_private_upstreams": ["127.0.0.1:9"]})
    form.prompt().send_keys("一只猫")
    form.pick("model", "Demo")  # with a real model, none begins with the demo
    form.open_advanced()
    form.set("steps", "12")
    form.set("delay_seconds", "1")
    form.pick("model", "SD XL")
    form.tab.until(lambda: not form.all("input[name=delay_seconds]"))
    steps = form.one("input[name=steps]").get_attribute("value")
    form.pick("model", "Demo")
    form.one("input[name=delay_seconds]")
    tab.refresh()
    form.open_advanced()

    assert "12" == steps
    assert ["一只猫", "12", "1"] == [
        form.prompt().get_attribute("value"),
        form.one("input[name=steps]").get_attribute("value"),
        form.one("input[name=delay_seconds]").get_attribute("value"),
    ]


def test_what_it_will_cost_is_told_before(console, tab):
    """For as many images as are asked for."""
    price = {"currency": "CNY", "rates": [{"amount": 0.1}]}
    priced = {"kind": "demo", "extra_config": {"prices": {"demo": price}}}
    _, form = console(providers={"priced": priced}, default_provider="priced")
    form.prompt().send_keys("雪山")
    one = tab.until(lambda: form.text(".estimate"))
    form.press(form.button("增加"))
    two = tab.until(lambda: (text := form.text(".estimate")) != one and text)

    assert ["预计 ¥0.10", "预计 ¥0.20"] == [one, two]


def test_a_second_choice_is_asked_where_the_first_charged_nothing(console, tab, axe_violations):
    """The form names both, the estimate is of the dearer one, and the task says who was asked and why."""
    document = {
        "schema": 1,
        "id": "own",
        "operations": {
            "generate": {
                "request": {
                    "path": "/paint/${model}",
                    "body": {"type": "json", "template": {"prompt": "${prompt}"}},
                },
                "response": {"images": [{"select": "made[]", "base64": "data"}]},
            }
        },
    }

    def answer(request):
        has_credit = request.path == "/paint/second"
        return (
            Reply.json({"made": [{"data": png_base64()}]})
            if has_credit
            else Reply.json({"message": "no credit"}, 402)
        )

    with in_thread(HttpServer(answer)) as upstream:
        providers = {
            name: {
                "kind": "http",
                "display_name": f"The {name}",
                "api_base": upstream.url,
                "api_key": f"sk-of-the-{name}-one",
                "extra_config": {
                    "spec": {
                        **document,
                        "models": [{"id": name, "price": {"currency": "CNY", "rates": [{"amount": price}]}}],
                    }
                },
            }
            for name, price in (("first", 0.1), ("second", 0.3))
        }
        security = {"allow_private_upstreams": [upstream.url.removeprefix("http://")]}
        server, form = console(providers=providers, security=security, default_provider="first")
        form.prompt().send_keys("雪山")
        alone = tab.until(lambda: form.text(".estimate"))
        form.pick("fallback", "The second")
        both = tab.until(lambda: (text := form.text(".estimate")) != alone and text)
        violations = axe_violations()
        form.button("生成").click()
        form.decoded(1)
        (task,) = tasks(server)
        tab.open(f"{server.url}/tasks/{task['task_id']}")
        form.one("details summary").click()
        shown = form.text("details dl")
        form.button("修改后再生成").click()
        tab.until(lambda: "预计 ¥0.30" == form.text(".estimate"))
        again = [form.picked(name) for name in ("model", "fallback")]

    assert ["预计 ¥0.10", "预计 ¥0.30", []] == [alone, both, violations]
    assert ["first", "The second · second"] == again
    assert [("first", "quota_exhausted"), ("second", None)] == [
        (each["provider"], each["code"]) for each in task["attempt_history"]
    ]
    assert "The first (quota_exhausted) → The second" in shown


def test_models_of_one_name_are_told_apart(console):
    """By their ids; the others go by their names alone."""
    models = [
        {"id": "xl-1", "name": "SD XL", "default": True},
        {"id": "xl-2", "name": "SD XL"},
        {"id": "sd-3", "name": "SD 3"},
    ]
    sd = {"kind": "stable_diffusion", "api_base": "http://127.0.0.1:9", "models": models}
    _, form = console(providers={"sd": sd}, security={"allow_private_upstreams": ["127.0.0.1:9"]})

    texts = [
        option.text.strip() for option in form.one("select[name=model]").find_elements("tag name", "option")
    ]
    assert {"SD XL · xl-1（默认）", "SD XL · xl-2", "SD 3"} <= set(texts)


def test_keys_send_and_go_back_through_prompts(console, tab):
    """From anywhere on the page; what was typed and not sent is where the way through the prompts began.

    Who has no such keys finds them below the styles, and there what they have taken the place of, too.
    """
    server, form = console()
    box = form.prompt()
    long = "乙" * 80
    for prompt in ("甲", long):
        box.send_keys(Keys.CONTROL, "a")
        box.send_keys(prompt)
        ActionChains(form.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).key_up(Keys.CONTROL).perform()
        tab.until(lambda prompt=prompt: prompt in [task["prompt"] for task in tasks(server)])
    box.send_keys(Keys.ARROW_UP)
    tab.until(lambda: box.get_property("value") == "甲")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("丙", Keys.HOME)
    walked = []
    for key in (Keys.ARROW_UP, Keys.ARROW_UP, Keys.ARROW_DOWN, Keys.ARROW_DOWN):
        box.send_keys(key)
        walked.append(box.get_property("value"))
    form.button("风格").click()
    tab.until(lambda: "丙" not in form.text("[aria-labelledby=earlier]"))
    over = "const body = document.querySelector('dialog .body'); return body.scrollWidth - body.clientWidth"
    assert 0 == form.driver.execute_script(over)
    form.press(form.all(".earlier")[1])
    tab.until(lambda: box.get_property("value") == "甲")
    form.button("风格").click()
    tab.until(lambda: ["丙", long, "甲"] == [one.text for one in form.all(".earlier")])
    form.press(form.all(".earlier")[0])
    form.one("button[aria-label='增加']").send_keys(Keys.CONTROL, Keys.ENTER)
    tab.until(lambda: ["completed"] * 3 == [task["status"] for task in tasks(server)])

    assert [long, "甲", long, "丙"] == walked
    assert [1] * 3 == [len(task["images"]) for task in tasks(server)]


def test_a_deleted_image_passes_the_focus_on(console):
    """To the one in its place; an undo brings it back."""
    server, form = console()
    with server.client() as api:
        for prompt in ("一", "二", "三"):
            make_image(api, prompt)
    form.tab.until(lambda: ["3", "2", "1"] == [each.get_attribute("data-id") for each in form.all(".frame")])
    form.one(".frame[data-id='2'] a").send_keys(Keys.DELETE)
    form.tab.until(lambda: 2 == len(form.all(".frame")))
    script = "return document.activeElement.closest('.frame')?.dataset.id"
    focused = form.tab.until(lambda: form.driver.execute_script(script))
    form.button("撤销").click()
    form.tab.until(lambda: 3 == len(form.all(".frame")))

    assert "1" == focused


@pytest.fixture
def unsure_settings():
    with unsure() as settings:
        yield settings


def test_a_failure_stays_until_it_is_dismissed(console, tab, axe_violations, unsure_settings):
    """On both pages and over a reload; with reason and possible charge, in sight of a phone, as a line."""
    tab.look(Look(size=PHONE, has_touch=True, theme="dark"))
    _, form = console(**unsure_settings)
    form.prompt().send_keys("雪山")
    form.go()
    failed = form.text(".group.failed")
    tab.until(lambda: form.driver.execute_script(IN_SIGHT, form.one(".group.failed")))
    violations = axe_violations()
    tab.refresh()
    again = form.text(".group.failed")
    form.press(form.button("知道了"))
    tab.until(lambda: not form.all(".group"))
    tab.refresh()
    form.prompt()
    overflow = form.driver.execute_script(
        "const { scrollWidth, clientWidth } = document.documentElement; return scrollWidth - clientWidth"
    )
    remaining = form.all(".group")
    form.driver.execute_script("document.querySelector('a[href=\"/tasks\"]').click()")
    tab.until(lambda: form.all(".task.failed"))

    assert "可能已计费" in failed
    assert "结果未知" in failed
    assert failed == again
    assert [] == violations
    assert 0 >= overflow
    assert [] == remaining
    assert [] == form.all(".failures")


def test_a_failure_is_tried_again_where_it_is_shown(console, tab):
    """Once, also by a double click; the new task takes its place. The demo charges nothing."""
    server, form = console()
    form.prompt().send_keys("雪山")
    form.open_advanced()
    form.pick("fail", "结果未知")
    form.go()
    button = form.button("重试")
    (failed,) = tasks(server)
    form.driver.execute_script(DOUBLE_CLICK, button)
    tab.until(lambda: ["failed"] * 2 == [task["status"] for task in tasks(server)])
    tab.until(lambda: [[failed["task_id"]], 1] == form.driver.execute_script(FAILURES))
    (_, *later), (repeat, _) = form.requests(), tasks(server)

    assert [[f"{TASKS}/{failed['task_id']}/retry", "console", None]] == later
    assert failed["task_id"] == repeat["retry_of"]


_EVEN = """
const boxes = (name) => [...document.querySelectorAll(name)].map((one) => one.getBoundingClientRect());
const heights = (all) => new Set(all.map(({ height }) => Math.round(height))).size;
const rows = Map.groupBy(boxes(".tile"), ({ y }) => Math.round(y));
return [heights(boxes(".examples i")), [...rows.values()].map(heights)];
"""


def test_a_first_visit_has_even_rows(console, tab):
    """Examples and providers of a row are of one height, however long their words."""
    _, form = console()
    form.one(".tile")
    form.one(".examples i")
    examples, rows = tab.driver.execute_script(_EVEN)

    assert (1, {1}) == (examples, {*rows})
    assert len(rows) > 2

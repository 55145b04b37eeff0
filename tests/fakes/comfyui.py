"""ComfyUI on loopback: its queue, its history, and what it checks before it takes a workflow.

It runs one job after another. A job is done once it has been asked for three times, unless ``is_held``.
"""

import re

from tests.fakes.http_server import Reply, Request
from tests.fakes.images import png
from tests.fakes.samples import sample

_LINK = "link"
_NODES = {
    "CheckpointLoaderSimple": {"ckpt_name": ("sd_xl_base_1.0.safetensors", "flux1-dev.safetensors")},
    "CLIPTextEncode": {"text": str, "clip": _LINK},
    "EmptyLatentImage": {
        "width": range(16, 16_385),
        "height": range(16, 16_385),
        "batch_size": range(1, 4097),
    },
    "KSampler": {
        "seed": range(2**64),
        "steps": range(1, 10_001),
        "cfg": float,
        "sampler_name": ("euler", "dpmpp_2m"),
        "scheduler": ("normal", "karras"),
        "denoise": float,
        "model": _LINK,
        "positive": _LINK,
        "negative": _LINK,
        "latent_image": _LINK,
    },
    "VAEEncode": {"pixels": _LINK, "vae": _LINK},
    "VAEDecode": {"samples": _LINK, "vae": _LINK},
    "LoadImage": {"image": "file"},
    "LoadImageMask": {"image": "file", "channel": ("alpha", "red", "green", "blue")},
    "SetLatentNoiseMask": {"samples": _LINK, "mask": _LINK},
    "ImageBatch": {"image1": _LINK, "image2": _LINK},
    "SaveImage": {"filename_prefix": str, "images": _LINK},
    "PreviewImage": {"images": _LINK},
}
"""Some of its nodes, and what each input takes: a type, a range, a list of words, a link, or a file."""

_OUTPUT_NODES = {"SaveImage": "output", "PreviewImage": "temp"}
_POLLS = 3


class FakeComfyUI:
    """``old``: a ComfyUI up to 0.3.56, which has no ``/api/jobs`` and interrupts whatever runs.

    Attributes:
        ledger: the graph of each job that it took.
        pending, running, history: its jobs, by their ids, which count up over restarts.
        is_held: while True, no running job ends by itself.
        failing: node id and message of the node in which the next job fails.
        interrupted: the ids of the jobs that ran when an interrupt arrived.
        files: the uploaded files by name.
    """

    preset, key = "comfyui", None
    base = ""
    paid = "^/prompt$"

    def __init__(self, *, old=False):
        self.old = old
        self.ledger, self.bodies, self.interrupted = [], [], []
        self.pending, self.running, self.history, self.files = {}, {}, {}, {}
        self.is_held, self.failing, self.downloads = False, None, {}
        self._question_count = 0

    def restart(self):
        """Forget all jobs and temporary files, as when its process ends."""
        for forgotten in (self.pending, self.running, self.history, self.files):
            forgotten.clear()

    def clear_queue(self):
        """Do what its page does with all that waits."""
        self.pending.clear()

    def interrupt(self):
        """Do what the cross of its page does with the job that runs."""
        for job in list(self.running):
            self.interrupted.append(job)
            message = sample("comfyui", "execution_interrupted", job=job, node="3", kind="KSampler")
            self._end(job, "error", message)

    def __call__(self, request: Request) -> Reply:
        self._start_next()
        if request.method == "POST":
            handler = {
                "/prompt": lambda: self._prompt(request.json),
                "/upload/image": lambda: self._upload(request),
                "/queue": lambda: self._delete(request.json),
                "/interrupt": lambda: self._interrupt(request.json),
            }.get(request.path)
        else:
            handler = (
                {
                    "/view": lambda: self._view(request.query),
                    "/system_stats": lambda: self._answer("system"),
                    "/queue": self._answer_queue,
                }.get(request.path)
                or self._about_job(request.path)
                or self._about_node(request.path)
            )
        if handler is None:
            return Reply(404, b"404: Not Found", {"content-type": "text/plain; charset=utf-8"})
        return handler()

    def _about_job(self, path):
        """Return what answers a question about one job, None if the path is not one."""
        match = re.fullmatch("/(history|api/jobs)/([^/]+)", path)
        if match is None or (self.old and match[1] == "api/jobs"):
            return None
        self._poll(match[2])
        return lambda: (self._answer_history if match[1] == "history" else self._job)(match[2])

    def _about_node(self, path):
        """Return what answers a question about one kind of node, None if the path is not one."""
        match = re.fullmatch("/object_info/(.+)", path)
        name = "node" if match and match[1] in _NODES else "unknown_node"
        return match and (lambda: self._answer(name, kind=match[1]))

    def _prompt(self, body):
        assert set(body) == {"client_id", "prompt"}, body.keys()
        self.bodies.append(body)
        graph = body["prompt"]
        if (problem := self._problem_of_all(graph)) is not None:
            return self._refuse(*problem, {})
        outputs = [node_id for node_id, node in graph.items() if node["class_type"] in _OUTPUT_NODES]
        errors = {output: self._node_errors(graph, output) for output in outputs}
        node_errors = {node: error for each in errors.values() for node, error in each.items()}
        if all(errors.values()):
            details = "\n".join(
                f"{e['message']}: {e['details']}" for n in node_errors.values() for e in n["errors"]
            )
            kind, message = "prompt_outputs_failed_validation", "Prompt outputs failed validation"
            return self._refuse(kind, message, details, node_errors)
        self.ledger.append(graph)
        job = f"00000000-0000-4000-8000-{len(self.ledger):012}"
        self.pending[job] = (graph, [output for output in outputs if not errors[output]])
        return self._answer("accepted", job=job, number=len(self.ledger), node_errors=node_errors)

    def _problem_of_all(self, graph):
        """Return type, message and details of what is wrong with a graph as a whole."""
        for node_id, node in graph.items():
            if node["class_type"] not in _NODES:
                message = f"Cannot execute because node {node['class_type']} does not exist."
                return "invalid_prompt", message, f"Node ID '#{node_id}'"
        if not any(node["class_type"] in _OUTPUT_NODES for node in graph.values()):
            return "prompt_no_outputs", "Prompt has no outputs", ""
        return None

    def _node_errors(self, graph, output):
        """Return what is wrong with the nodes that an output needs, by their ids."""
        errors, visited, todo = {}, set(), [output]
        while todo:
            node_id = todo.pop()
            if node_id in visited:
                continue
            visited.add(node_id)
            node = graph[node_id]
            for field, rule in _NODES[node["class_type"]].items():
                value = node["inputs"].get(field)
                error = self._input_error(field, rule, value)
                if error is not None and node_id not in errors:
                    kind = node["class_type"]
                    errors[node_id] = sample(
                        "comfyui", "node_error", error=error, output=output, kind=kind
                    ).body
                if isinstance(value, list):
                    todo.append(value[0])
        return errors

    def _input_error(self, field, rule, value):
        def error(kind, message, details):
            return sample(
                "comfyui", "input_error", type=kind, message=message, details=details, field=field
            ).body

        if value is None:
            return error("required_input_missing", "Required input is missing", field)
        if isinstance(rule, tuple) and value not in rule:
            return error("value_not_in_list", "Value not in list", f"{field}: '{value}' not in {list(rule)}")
        if isinstance(rule, range) and int(value) not in rule:
            word = "smaller than min" if int(value) < rule.start else "bigger than max"
            limit = rule.start if int(value) < rule.start else rule.stop - 1
            return error("value_out_of_range", f"Value {value} {word} of {limit}", field)
        if rule == "file" and value not in self.files:
            details = f"{field} - Invalid image file: {value}"
            return error("custom_validation_failed", "Custom validation failed for node", details)
        assert rule != _LINK or isinstance(value, list), (field, value)
        return None

    def _refuse(self, kind, message, details, node_errors):
        return self._answer("refused", type=kind, message=message, details=details, node_errors=node_errors)

    def _upload(self, request):
        parts = {part.name: part for part in request.parts}
        assert set(parts) <= {"image", "type", "subfolder"}, parts.keys()
        folder, subfolder = parts["type"].data.decode(), parts["subfolder"].data.decode()
        name, data = parts["image"].filename, parts["image"].data
        assert ".." not in name, name
        self.files[f"{subfolder}/{name} [{folder}]"] = data
        return self._answer("uploaded", name=name, subfolder=subfolder, folder=folder)

    def _view(self, query):
        """Serve a file of a job; those of the output folder outlive a restart."""
        number = self.downloads.get((query["filename"], query["type"]))
        if number is None or set(query) != {"filename", "subfolder", "type"}:
            return Reply(404)
        return Reply(200, png(number), {"content-type": "image/png"})

    def _answer_queue(self):
        for job in list(self.running):
            self._poll(job)
        return self._queue()

    def _queue(self):
        return self._answer("queue", active=self._items(self.running), waiting=self._items(self.pending))

    def _items(self, jobs):
        return [self._item(job, graph, outputs) for job, (graph, outputs) in jobs.items()]

    def _item(self, job, graph, outputs):
        return sample("comfyui", "queue_item", number=1, job=job, graph=graph, outputs=outputs).body

    def _delete(self, body):
        for job in body["delete"]:
            self.pending.pop(job, None)
        return Reply()

    def _interrupt(self, body):
        if self.old or body["prompt_id"] in self.running:
            self.interrupt()
        return Reply()

    def _answer_history(self, job):
        if job not in self.history:
            return self._answer("unknown_history")
        entry = self.history[job]
        return self._answer(
            "history",
            job=job,
            item=self._item(job, entry["graph"], []),
            outputs=entry["outputs"],
            status=entry["status"],
            is_completed=entry["status"] == "success",
            messages=entry["messages"],
        )

    def _job(self, job):
        if job in self.history:
            return self._ended_job(job, self.history[job])
        for status, jobs in (("in_progress", self.running), ("pending", self.pending)):
            if job in jobs:
                return self._answer("job", job=job, status=status, graph=jobs[job][0])
        return self._answer("unknown_job")

    def _ended_job(self, job, entry):
        events = dict(entry["messages"])
        status = "completed" if entry["status"] == "success" else "failed"
        if "execution_interrupted" in events:
            status = "cancelled"
        execution_status = {"status_str": entry["status"], "messages": entry["messages"]}
        body = sample(
            "comfyui",
            "ended_job",
            job=job,
            status=status,
            outputs=entry["outputs"],
            execution_status=execution_status,
            graph=entry["graph"],
        ).body
        error = {"execution_error": events["execution_error"]} if "execution_error" in events else {}
        return Reply.json({**body, **error})

    def _start_next(self):
        if not self.running and self.pending:
            job = next(iter(self.pending))
            self.running[job] = self.pending.pop(job)
            self._question_count = 0

    def _poll(self, job):
        """Count a question about a job; it ends before the third is answered."""
        if job not in self.running or self.is_held:
            return
        self._question_count += 1
        if self._question_count < _POLLS:
            return
        if self.failing is not None:
            (node, reason), self.failing = self.failing, None
            kind = self.running[job][0][node]["class_type"]
            error = {"node": node, "kind": kind, "reason": reason, "type": "torch.OutOfMemoryError"}
            self._end(job, "error", sample("comfyui", "execution_error", job=job, **error))
        else:
            self._end(job, "success", sample("comfyui", "execution_success", job=job))

    def _end(self, job, status, message):
        graph, outputs = self.running.pop(job)
        start = sample("comfyui", "execution_start", job=job)
        is_done = status == "success"
        self.history[job] = {
            "graph": graph,
            "outputs": {node: {"images": self._save(graph, node, job)} for node in outputs if is_done},
            "status": status,
            "messages": [start.body, message.body],
        }

    def _save(self, graph, node, job):
        folder = _OUTPUT_NODES[graph[node]["class_type"]]
        sizes = [n["inputs"]["batch_size"] for n in graph.values() if n["class_type"] == "EmptyLatentImage"]
        images = []
        for number in range(sizes[0] if sizes else 1):
            filename = f"imagegen {job[-3:]} {node} {number}.png"
            self.downloads[filename, folder] = number
            images.append(sample("comfyui", "saved_image", filename=filename, folder=folder).body)
        return images

    def _answer(self, name, /, **values):
        answer = sample("comfyui", name, **values)
        return Reply.json(answer.body, answer.status)

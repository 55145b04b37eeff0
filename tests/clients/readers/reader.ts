// Asks for images, and reads a task and its image, with the types that openapi-typescript makes of /openapi.json.
import type { components, paths } from "./imagegen";

declare const process: { argv: string[] };

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

type Body<Path extends keyof paths> = paths[Path] extends {
  post: { requestBody: { content: { "application/json": infer Content } } };
}
  ? Content
  : never;

type Accepted = paths["/api/v1/tasks/generate"]["post"]["responses"][202]["content"]["application/json"];

const [, , server, taskId] = process.argv;

async function read<Path extends keyof paths>(_: Path, address: string): Promise<Answer<Path>> {
  const response = await fetch(server + address);
  return response.json() as Promise<Answer<Path>>;
}

async function post<Path extends keyof paths, Result>(path: Path, body: Body<Path>): Promise<Result> {
  const headers = { "Content-Type": "application/json", Prefer: "wait=60" };
  const response = await fetch(server + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return response.json() as Promise<Result>;
}

async function make(prompt: string): Promise<[string, number]> {
  const params = { prompt, width: 64, height: 64 };
  const task = (await post<"/api/v1/tasks/generate", Accepted>("/api/v1/tasks/generate", { params })).data;
  const images = await post<"/v1/images/generations", components["schemas"]["Images"]>(
    "/v1/images/generations",
    { prompt, size: "64x64" },
  );
  await post("/api/v1/images/batch", { ids: [1], action: "favourite" });
  await post("/api/v1/providers/config", { provider_name: "mine", kind: "demo", models: [{ id: "demo" }] });
  await post("/api/v1/tasks/estimate", { params });
  // @ts-expect-error the prompt is missing
  await post("/api/v1/tasks/generate", { params: {} }).catch(() => undefined);
  return [task.status, images.data.length];
}

async function main(): Promise<void> {
  const task = (await read("/api/v1/tasks/{task_id}", `/api/v1/tasks/${taskId}`)).data;
  const status: components["schemas"]["TaskStatus"] = task.status;
  const image = (await read("/api/v1/images/{image_id}", `/api/v1/images/${task.images[0].id}`)).data;
  const side: number = image.width;
  // @ts-expect-error no such field: nothing here is `any`
  void task.noSuchField;
  // @ts-expect-error no such status
  if (status === "done") throw new Error(status);
  const [made, count] = await make(task.prompt);
  console.log(made, count);
  console.log(status, task.prompt, image.mime_type, side, image.task_id === task.task_id);
}

void main();

// Reads a task and its image with the types that openapi-typescript makes of /openapi.json.
import type { components, paths } from "./imagegen";

declare const process: { argv: string[] };

type Answer<Path extends keyof paths> = paths[Path] extends {
  get: { responses: { 200: { content: { "application/json": infer Body } } } };
}
  ? Body
  : never;

const [, , server, taskId] = process.argv;

async function read<Path extends keyof paths>(_: Path, address: string): Promise<Answer<Path>> {
  const response = await fetch(server + address);
  return response.json() as Promise<Answer<Path>>;
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
  console.log(status, task.prompt, image.mime_type, side, image.task_id === task.task_id);
}

void main();

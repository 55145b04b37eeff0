// One picture, large, with what is known of it.

import { reuse } from "./form.js";

const dialog = document.querySelector("#viewer");
const STORED = { local: "本地", both: "本地和 OSS", oss: "OSS" };
let shown;

dialog.querySelector("[data-act=reuse]").addEventListener("click", () => {
  dialog.close();
  reuse(shown.prompt);
});
dialog.querySelector("[data-act=close]").addEventListener("click", () => dialog.close());
dialog.addEventListener("pointerdown", (event) => {
  if (event.target === dialog) dialog.close(); // beside it; text that is selected may well end there
});
dialog.addEventListener("close", () => dialog.querySelector("img").removeAttribute("src"));

/** Show a picture. */
export function view(image) {
  shown = image;
  const picture = dialog.querySelector("img");
  picture.src = image.image_url;
  picture.alt = image.prompt || `图片 ${image.id}`;
  dialog.querySelector(".prompt").textContent = image.prompt;
  dialog.querySelector("dl").replaceChildren(...facts(image).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  dialog.querySelector("[data-act=download]").href = image.image_url;
  dialog.showModal();
}

function facts(image) {
  const params = Object.entries(image.params).filter(([name]) => name !== "prompt");
  return [
    ["服务商", image.provider],
    ["模型", image.model_id],
    ["尺寸", `${image.width} × ${image.height}`],
    ["大小", `${(image.size_bytes / 1_048_576).toFixed(2)} MB`],
    ["时间", new Date(image.created_at).toLocaleString("zh-CN")],
    ["保存在", STORED[image.storage]],
    ...params.map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  ];
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// Many images as one file.

import { inLanguage } from "./api.js";

export const MAX_ZIPPED = 1000; // images of one file

/** Download the images of these ids; the browser writes the file to the disk as it comes. */
export function downloadZip(ids) {
  const form = Object.assign(document.createElement("form"), { method: "post", action: inLanguage("/api/v1/images/zip"), hidden: true });
  form.append(Object.assign(document.createElement("input"), { name: "ids", value: ids.join(",") }));
  document.body.append(form);
  form.submit();
  form.remove();
}

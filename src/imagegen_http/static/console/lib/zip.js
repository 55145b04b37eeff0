// Many images as one file.

import { inLanguage, tryPost } from "./api.js";

const PATH = "/api/v1/images/zip";

export const MAX_ZIPPED = 1000; // images of one file

/**
 * Download the images of these ids; the browser writes the file to the disk as it comes. A refusal would come in the
 * place of this page: so the service is first asked whether there is a file, of which nothing is taken.
 */
export async function downloadZip(ids) {
  await tryPost(PATH, { ids });
  const form = Object.assign(document.createElement("form"), { method: "post", action: inLanguage(PATH), hidden: true });
  form.append(Object.assign(document.createElement("input"), { name: "ids", value: ids.join(",") }));
  document.body.append(form);
  form.submit();
  form.remove();
}

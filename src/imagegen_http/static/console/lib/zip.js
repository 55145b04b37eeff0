// Many images as one file.

import { ApiError, refuse } from "./api.js";
import { locale, t } from "./i18n.js";

/** Download the images of these ids. */
export async function downloadZip(ids) {
  const headers = { "Content-Type": "application/json", "Accept-Language": locale() };
  const body = JSON.stringify({ ids });
  const answer = await fetch("/api/v1/images/zip", { method: "POST", headers, body }).catch(() => {
    throw new ApiError(t("problem.unreachable"));
  });
  if (!answer.ok) await refuse(answer);
  const url = URL.createObjectURL(await answer.blob());
  const name = /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] ?? "imagegen.zip";
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

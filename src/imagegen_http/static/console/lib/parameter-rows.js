// What was asked for beside what an image has, in the reader's words.

import { modelOf } from "./api.js";
import { named, t } from "./i18n.js";

const SIZES = ["size", "width", "height", "aspect_ratio", "image_size"];
const NOT_SHOWN = ["prompt", "num", "n", "number_of_images", "image", "mask", "reference_images"];

/**
 * Return `{ label, asked, used }` of each parameter, as texts; `used` is "" where nothing says otherwise, and `isTold` is false
 * where it says that nobody knows.
 */
export function parameterRows({ provider, model_id, params, metadata, width, height }) {
  const known = modelOf(provider, model_id)?.parameters ?? [];
  const shown = (name, value) => {
    const one = known.find((parameter) => parameter.name === name);
    if (value === true || value === false) return t(value ? "picture.yes" : "picture.no");
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    return named(one?.value_labels?.[text], text) + (one?.unit ? ` ${named(one.unit)}` : "");
  };
  const label = (name) => named(known.find((parameter) => parameter.name === name)?.label, "") || spoken(name);
  const asked = SIZES.filter((name) => params[name] !== undefined);
  const size = {
    label: t("picture.size"),
    asked: params.width && params.height ? `${params.width} × ${params.height}` : asked.map((name) => shown(name, params[name])).join(" · ") || t("picture.by_model"),
    used: `${width} × ${height}`,
  };
  const seed = metadata?.seed ?? null;
  const rows = [size];
  if (seed !== null || params.seed !== undefined) {
    rows.push({ label: t("picture.seed"), asked: isRandom(params.seed) ? t("picture.random") : String(params.seed), used: seed === null ? t("picture.untold") : String(seed), isTold: seed !== null });
  }
  for (const [name, value] of Object.entries(params)) {
    if (SIZES.includes(name) || NOT_SHOWN.includes(name) || name === "seed" || value === null) continue;
    const used = metadata?.[name];
    rows.push({ label: label(name), asked: shown(name, value), used: used === undefined || used === null ? "" : shown(name, used) });
  }
  return rows;
}

function isRandom(seed) {
  return seed === undefined || seed === null || Number(seed) === -1;
}

/** A name that nobody has a label for, in words. */
function spoken(name) {
  return name.replaceAll("_", " ");
}

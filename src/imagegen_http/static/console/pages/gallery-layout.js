// Where each image of a list lies: rows of one height, in true proportions, under the headings of their groups.
// Plain arithmetic without a page, so that it is quick for ten thousand and can be tried alone.

const MIN_RATIO = 0.4; // of width to height; beyond these an image has room beside it, so that it can still be pressed
const MAX_RATIO = 5;
const TALLEST = 1.4; // times the height that rows should have

/** How large the images are, and how much higher rows are than of the usual size. */
export const SIZES = { small: 0.65, medium: 1, large: 1.6 };

/** Return the heights and gaps for a width in pixels, of a size in `SIZES`. */
export function shapeOf(width, size = "medium") {
  const target = Math.round((width < 560 ? 150 : width < 1300 ? 210 : 250) * (SIZES[size] ?? 1));
  return { width, target, gap: width < 560 ? 4 : 8, head: 44, apart: 12 };
}

/**
 * Return `{ sections, height, count }`: a section has `group`, `top`, `height`, `from`, `to` and `rows`, a row `top` within its section,
 * `height`, `from` and `boxes` of `{ left, width }`. `groupOf` tells the group of an image. `before` is the layout of the
 * first of these images: only what comes after its last whole row is laid.
 */
export function lay(images, shape, groupOf, before = null) {
  const sections = before ? before.sections.slice() : [];
  let section = null;
  let at = 0;
  if (sections.length) {
    section = { ...sections.pop() };
    section.rows = section.rows.slice(0, -1);
    at = section.rows.length ? section.rows.at(-1).from + section.rows.at(-1).boxes.length : section.from;
  }
  while (at < images.length) {
    const group = groupOf(images[at]);
    if (!section || section.group !== group) {
      if (section) sections.push(closed(section, at, shape));
      const last = sections.at(-1);
      section = { group, top: last ? last.top + last.height + shape.apart : 0, height: 0, from: at, to: at, rows: [] };
    }
    const row = fill(images, at, group, groupOf, shape);
    const last = section.rows.at(-1);
    row.top = last ? last.top + last.height + shape.gap : shape.head;
    section.rows.push(row);
    at += row.boxes.length;
  }
  if (section) sections.push(closed(section, at, shape));
  const last = sections.at(-1);
  return { sections, height: last ? last.top + last.height : 0, count: images.length };
}

/** Return `{ section, row }` of the image at this place of the list. */
export function rowAt({ sections }, at) {
  const section = sections.find(({ to }) => at < to);
  return { section, row: section?.rows.findLast(({ from }) => from <= at) };
}

/** Return the place of the image above or below one: the nearest of the row that follows in that direction. */
export function neighbour({ sections }, at, step) {
  const rows = sections.flatMap((section) => section.rows);
  const here = rows.findLastIndex(({ from }) => from <= at);
  const next = rows[here + step];
  if (!next) return at;
  const middle = centre(rows[here].boxes[at - rows[here].from]);
  const far = next.boxes.map((box) => Math.abs(centre(box) - middle));
  return next.from + far.indexOf(Math.min(...far));
}

function centre({ left, width }) {
  return left + width / 2;
}

function closed(section, to, { head }) {
  const last = section.rows.at(-1);
  return { ...section, to, height: last ? last.top + last.height : head };
}

/** Return the row that begins at this image: as many as come nearest to the height that rows should have. */
function fill(images, from, group, groupOf, { width, target, gap }) {
  const ratios = [];
  let sum = 0;
  let height = Infinity;
  for (let at = from; at < images.length && groupOf(images[at]) === group; at += 1) {
    const ratio = ratioOf(images[at]);
    const less = height;
    sum += ratio;
    height = (width - gap * ratios.length) / sum;
    ratios.push(ratio);
    if (height > target) continue;
    if (ratios.length > 1 && less <= target * TALLEST && less - target < target - height) {
      ratios.pop();
      return row(from, ratios, less, width, gap);
    }
    return row(from, ratios, height, width, gap);
  }
  return row(from, ratios, target, null, gap);
}

function row(from, ratios, height, width, gap) {
  let left = 0;
  const boxes = ratios.map((ratio, at) => {
    const start = Math.round(left);
    left += ratio * height + gap;
    const end = width !== null && at === ratios.length - 1 ? width : Math.round(left - gap);
    return { left: start, width: end - start };
  });
  return { top: 0, height: Math.round(height), from, boxes };
}

function ratioOf({ width, height }) {
  if (!width || !height) return 1;
  return Math.min(MAX_RATIO, Math.max(MIN_RATIO, width / height));
}

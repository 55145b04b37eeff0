// A mask as what was done to make it: so that each step can be undone, and the mask drawn at any time, in any size.

import { ApiError } from "../lib/api.js";
import { t } from "../lib/i18n.js";

const COLOUR = "#ff3d7f"; // of the painted part over the picture; the mask itself is black and white
const ROWS = 256; // of the mask that are made at a time: no canvas is as large as a large picture
const READ = { willReadFrequently: true };
const OPAQUE = 128; // from here on a pixel at the edge of hard paint is painted
const STAMPS = 8; // of a soft brush along its own width
const MAX_LOSSLESS = 8_000_000; // pixels; what is larger would be too many bytes for a provider
const SIDES = ["left", "top", "right", "bottom"];

/** How many pixels the canvas is wider than its picture at each side. */
export const NARROW = { left: 0, top: 0, right: 0, bottom: 0 };

export function isWidened(sides) {
  return SIDES.some((side) => sides[side] > 0);
}

/** Return `{ width, height }` of a picture with its sides. */
export function frameOf({ width, height }, { left, top, right, bottom }) {
  return { width: left + width + right, height: top + height + bottom };
}

/**
 * A step is `{ kind: "brush" | "eraser", size, soft, points: [[x, y], …] }`, with `soft` from 0 to 1, `{ kind: "lasso", points }`,
 * `{ kind: "rectangle", from, to }`, `{ kind: "invert" }` or `{ kind: "clear" }`, in pixels of the picture: 0, 0 is its corner.
 * `view` is `{ x, y, scale }`: which of its points the canvas begins with, and how many pixels of the canvas one of the picture
 * has. Of a line, the first `from` points are drawn already.
 */
export function drawStep(canvas, view, step, from = 0) {
  const context = canvas.getContext("2d");
  context.save();
  context.fillStyle = context.strokeStyle = COLOUR;
  if (step.kind !== "invert" && step.kind !== "clear") context.setTransform(view.scale, 0, 0, view.scale, -view.x * view.scale, -view.y * view.scale);
  STEPS[step.kind](context, step, from);
  context.restore();
}

/** Paint what lies beside the picture, which is made in any case. */
export function drawSides(canvas, view, { width, height }, sides) {
  if (!isWidened(sides)) return;
  const { left, top, right, bottom } = sides;
  const box = (x, y, wide, tall) => wide > 0 && tall > 0 && drawStep(canvas, view, { kind: "rectangle", from: [x, y], to: [x + wide, y + tall] });
  box(-left, -top, left + width + right, top);
  box(-left, height, left + width + right, bottom);
  box(-left, 0, left, height);
  box(width, 0, right, height);
}

/**
 * Return the mask of a picture, as large as that is with its sides, as a PNG: white is made again, black is kept, and what is
 * painted softly is grey. Null where nothing is white.
 */
export async function maskFile(image, sides, steps) {
  const { width, height } = frameOf(image, sides);
  const isSoft = steps.some(({ soft }) => soft > 0);
  const canvas = Object.assign(document.createElement("canvas"), { width, height: Math.min(ROWS, height) });
  const context = canvas.getContext("2d", READ);
  const packing = new CompressionStream("deflate");
  const packed = new Response(packing.readable).arrayBuffer();
  const writer = packing.writable.getWriter();
  let isPainted = false;
  for (let top = 0; top < height; top += ROWS) {
    const view = { x: -sides.left, y: top - sides.top, scale: 1 };
    const rows = Math.min(ROWS, height - top);
    context.clearRect(0, 0, width, ROWS);
    for (const step of steps) drawStep(canvas, view, step);
    drawSides(canvas, view, image, sides);
    const { data } = context.getImageData(0, 0, width, rows);
    const lines = new Uint8Array(rows * (width + 1)); // each begins with its filter, none
    for (let row = 0, from = 3; row < rows; row += 1) {
      for (let to = row * (width + 1) + 1, end = to + width; to < end; to += 1, from += 4) {
        const grey = isSoft ? data[from] : data[from] >= OPAQUE ? 255 : 0;
        lines[to] = grey;
        isPainted ||= grey > 0;
      }
    }
    await writer.write(lines);
  }
  await writer.close();
  return isPainted ? greyPng(width, height, new Uint8Array(await packed)) : null;
}

/** Return a file of the picture with its sides, which have its colours at their place, blurred. */
export async function widenedFile(image, sides) {
  const answer = await fetch(image.image_url, { credentials: "same-origin" }).catch(() => null);
  if (!answer) throw new ApiError(t("problem.unreachable"));
  if (!answer.ok) throw new ApiError(t("editor.gone"), { status: answer.status });
  const picture = await createImageBitmap(await answer.blob());
  const { width, height } = frameOf(image, sides);
  const [canvas, few] = [[width, height], [16, 16]].map(([wide, tall]) => Object.assign(document.createElement("canvas"), { width: wide, height: tall }));
  few.getContext("2d").drawImage(picture, 0, 0, 16, 16);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(few, 0, 0, width, height);
  context.clearRect(sides.left, sides.top, image.width, image.height); // where the picture is transparent it stays so
  context.drawImage(picture, sides.left, sides.top, image.width, image.height);
  picture.close();
  const type = width * height > MAX_LOSSLESS ? "image/jpeg" : "image/png";
  const file = await new Promise((resolve) => canvas.toBlob(resolve, type, 0.95));
  if (!file) throw new ApiError(t("editor.too_large"), { status: 400 });
  return file;
}

const STEPS = {
  brush: line,
  eraser(context, step, from) {
    context.globalCompositeOperation = "destination-out";
    line(context, step, from);
  },
  lasso(context, { points }) {
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.fill();
  },
  rectangle(context, { from: [left, top], to: [right, bottom] }) {
    context.fillRect(Math.min(left, right), Math.min(top, bottom), Math.abs(right - left), Math.abs(bottom - top));
  },
  invert(context) {
    context.globalCompositeOperation = "source-out"; // paint is left where there was none
    context.fillRect(0, 0, context.canvas.width, context.canvas.height);
  },
  clear(context) {
    context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  },
};

function line(context, { size, soft = 0, points }, from) {
  if (soft > 0) {
    stamp(context, size / 2, soft, points, from);
    return;
  }
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = size;
  context.beginPath();
  context.arc(...points[Math.max(0, from - 1)], size / 2, 0, 2 * Math.PI); // a line of no length would leave nothing
  context.fill();
  context.beginPath();
  for (const point of points.slice(Math.max(0, from - 1))) context.lineTo(...point);
  context.stroke();
}

/** Draw a soft line as round stamps; where they are depends on the points alone, not on how many are drawn at a time. */
function stamp(context, radius, soft, points, from) {
  const fade = context.createRadialGradient(0, 0, radius * (1 - soft), 0, 0, radius);
  fade.addColorStop(0, COLOUR);
  fade.addColorStop(1, `${COLOUR}00`);
  context.fillStyle = fade;
  const put = (x, y) => {
    context.translate(x, y);
    context.fillRect(-radius, -radius, 2 * radius, 2 * radius);
    context.translate(-x, -y);
  };
  if (from === 0) put(...points[0]);
  for (let at = Math.max(1, from); at < points.length; at += 1) {
    const [[x, y], [next_x, next_y]] = [points[at - 1], points[at]];
    const count = Math.max(1, Math.ceil((Math.hypot(next_x - x, next_y - y) * STAMPS) / (2 * radius)));
    for (let n = 1; n <= count; n += 1) put(x + ((next_x - x) * n) / count, y + ((next_y - y) * n) / count);
  }
}

/** Return a PNG of 8-bit grey from its packed lines. */
function greyPng(width, height, packed) {
  const head = new Uint8Array(13);
  const numbers = new DataView(head.buffer);
  numbers.setUint32(0, width);
  numbers.setUint32(4, height);
  head[8] = 8; // bits of a pixel; all else is 0: grey, no interlacing
  const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
  return new Blob([signature, chunk("IHDR", head), chunk("IDAT", packed), chunk("IEND", new Uint8Array())], { type: "image/png" });
}

function chunk(name, data) {
  const all = new Uint8Array(data.length + 12);
  const numbers = new DataView(all.buffer);
  numbers.setUint32(0, data.length);
  all.set(new TextEncoder().encode(name), 4);
  all.set(data, 8);
  let sum = -1;
  for (const byte of all.subarray(4, data.length + 8)) sum = (sum >>> 8) ^ CHECKS[(sum ^ byte) & 255];
  numbers.setUint32(data.length + 8, ~sum);
  return all;
}

/** The CRC-32 of each byte. */
const CHECKS = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  return sum;
});

// A mask as what was done to make it: so that each step can be undone, and the mask drawn at any time.

const COLOUR = "#ff3d7f"; // of the painted part over the picture; the mask itself is black and white
const ROWS = 256; // of the mask that are made black and white at a time
const READ = { willReadFrequently: true };
const OPAQUE = 128; // from here on a pixel at an edge is painted

/**
 * A step is `{ kind: "brush" | "eraser", size, points: [[x, y], …] }`, `{ kind: "rectangle", from, to }`,
 * `{ kind: "invert" }` or `{ kind: "clear" }`, in pixels of the picture.
 */
export function drawStep(canvas, step) {
  const context = canvas.getContext("2d", READ);
  context.save();
  context.fillStyle = context.strokeStyle = COLOUR;
  STEPS[step.kind](context, step, canvas);
  context.restore();
}

/** Draw the mask of these steps and nothing else. */
export function drawSteps(canvas, steps) {
  canvas.getContext("2d", READ).clearRect(0, 0, canvas.width, canvas.height);
  for (const step of steps) drawStep(canvas, step);
}

/** Return the share of the picture that is painted, 0 to 1, to a thousandth or so. */
export function paintedShare(canvas) {
  const small = new OffscreenCanvas(Math.min(canvas.width, 256), Math.min(canvas.height, 256));
  const context = small.getContext("2d", READ);
  context.drawImage(canvas, 0, 0, small.width, small.height);
  const { data } = context.getImageData(0, 0, small.width, small.height);
  let sum = 0;
  for (let place = 3; place < data.length; place += 4) sum += data[place];
  return sum / 255 / (small.width * small.height);
}

/** Return the mask as a PNG of the picture's size: white is repainted, black is kept. */
export async function maskFile(canvas) {
  const { width, height } = canvas;
  const mask = Object.assign(document.createElement("canvas"), { width, height });
  const from = canvas.getContext("2d", READ);
  const to = mask.getContext("2d", { alpha: false });
  for (let top = 0; top < height; top += ROWS) {
    const rows = from.getImageData(0, top, width, Math.min(ROWS, height - top));
    const { data } = rows;
    for (let place = 0; place < data.length; place += 4) {
      data[place] = data[place + 1] = data[place + 2] = data[place + 3] >= OPAQUE ? 255 : 0;
      data[place + 3] = 255;
    }
    to.putImageData(rows, 0, top);
  }
  return new Promise((resolve) => mask.toBlob(resolve, "image/png"));
}

const STEPS = {
  brush: line,
  eraser(context, step) {
    context.globalCompositeOperation = "destination-out";
    line(context, step);
  },
  rectangle(context, { from: [left, top], to: [right, bottom] }) {
    context.fillRect(Math.min(left, right), Math.min(top, bottom), Math.abs(right - left), Math.abs(bottom - top));
  },
  invert(context, _, { width, height }) {
    context.globalCompositeOperation = "source-out"; // paint is left where there was none
    context.fillRect(0, 0, width, height);
  },
  clear(context, _, { width, height }) {
    context.clearRect(0, 0, width, height);
  },
};

function line(context, { size, points }) {
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = size;
  context.beginPath();
  context.arc(...points[0], size / 2, 0, 2 * Math.PI); // a line of no length would leave nothing
  context.fill();
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

// A picture that can be painted on, with a pointer, a finger or the keyboard.

import { drawStep, drawSteps } from "./mask.js";
import { shortened } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/index.js";

const MAX_SCALE = 8;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * `steps` are those of parts/mask.js; `onStep` is called with each that is finished. `canvas` is a ref to the canvas
 * of the picture's size. Two fingers move the picture, and make it larger or smaller, instead of painting: `onZoom` is called
 * with its new scale, or with "fit".
 */
export function MaskCanvas({ image, tool, size, steps, zoom, canvas, onStep, onZoom }) {
  const room = useRef(null);
  const current = useRef(null); // the step that is being made
  const fingers = useRef(new Map());
  const aim = useRef(null); // the point of the picture between two fingers, where it is to be, and at which scale
  const [cursor, setCursor] = useState(null);
  const [fit, setFit] = useState(1);
  const scale = zoom === "fit" ? fit : zoom;

  useLayoutEffect(() => drawSteps(canvas.current, steps), [steps]);
  const meet = () => {
    if (!aim.current) return;
    const { point, x, y } = aim.current;
    const { left, top } = canvas.current.getBoundingClientRect();
    room.current.scrollBy(left + point[0] * scale - x, top + point[1] * scale - y);
    aim.current = null;
  };
  useLayoutEffect(meet, [scale]);
  useEffect(() => {
    const easel = room.current; // which the ref forgets before the observer ends
    const measure = () => setFit(Math.min(easel.clientWidth / image.width, easel.clientHeight / image.height, 1) || 1);
    const observer = new ResizeObserver(measure);
    observer.observe(easel);
    return () => observer.disconnect();
  }, [image]);

  const at = ({ clientX, clientY }) => {
    const { left, top } = canvas.current.getBoundingClientRect();
    return [Math.round((clientX - left) / scale), Math.round((clientY - top) / scale)];
  };
  const begin = (point) => (tool === "rectangle" ? { kind: tool, from: point, to: point } : { kind: tool, size, points: [point] });
  const extend = (step, point) => (step.kind === "rectangle" ? (step.to = point) : step.points.push(point));
  const show = () => {
    if (current.current?.kind === "rectangle") drawSteps(canvas.current, steps);
    if (current.current) drawStep(canvas.current, current.current);
  };

  const pinch = (event) => {
    const before = between(fingers.current);
    fingers.current.set(event.pointerId, event);
    const { x, y, distance } = between(fingers.current);
    const { left, top } = canvas.current.getBoundingClientRect();
    const point = aim.current?.point ?? [(before.x - left) / scale, (before.y - top) / scale];
    const next = Math.min(MAX_SCALE, Math.max(fit, ((aim.current?.scale ?? scale) * distance) / Math.max(1, before.distance)));
    aim.current = { point, x, y, scale: next };
    if (next === scale) meet();
    else onZoom(next > fit ? next : "fit");
  };
  const down = (event) => {
    if (event.button !== 0) return;
    fingers.current.set(event.pointerId, event);
    event.currentTarget.setPointerCapture(event.pointerId);
    if (fingers.current.size > 1) {
      current.current = null;
      drawSteps(canvas.current, steps);
      return;
    }
    current.current = begin(at(event));
    show();
  };
  const move = (event) => {
    if (event.pointerType !== "touch") setCursor(tool === "rectangle" ? null : at(event)); // the pointer is a cross-hair
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    if (fingers.current.size > 1) {
      pinch(event);
      return;
    }
    if (!current.current) return;
    const path = event.getCoalescedEvents?.() ?? [];
    for (const each of path.length ? path : [event]) extend(current.current, at(each));
    show();
  };
  const up = (event) => {
    fingers.current.delete(event.pointerId);
    const step = current.current;
    current.current = null;
    if (step) onStep(step);
  };
  const give = (event) => {
    fingers.current.delete(event.pointerId);
    current.current = null;
    drawSteps(canvas.current, steps);
  };
  const press = (event) => {
    const [x, y] = cursor ?? [Math.round(image.width / 2), Math.round(image.height / 2)];
    if (MOVES[event.key]) {
      event.preventDefault();
      const [dx, dy] = MOVES[event.key];
      const stride = Math.max(1, Math.round(event.shiftKey ? size * 2 : size / 2));
      const to = [clamp(x + dx * stride, image.width), clamp(y + dy * stride, image.height)];
      setCursor(to);
    } else if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      const half = Math.round(size / 2);
      onStep(tool === "rectangle" ? { kind: tool, from: [x - half, y - half], to: [x + half, y + half] } : { kind: tool, size, points: [[x, y]] });
    }
  };

  const box = { width: `${image.width * scale}px`, height: `${image.height * scale}px` };
  return html`<div class="easel" ref=${room}>
    <div class="sheet" style=${box}>
      <img src=${image.image_url} alt=${shortened(image.prompt) || t("images.unnamed", { id: image.id })} draggable=${false} />
      <canvas ref=${canvas} width=${image.width} height=${image.height} tabindex="0" role="application" aria-label=${t("editor.canvas")}
        onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${give} onPointerLeave=${() => setCursor(null)}
        onKeyDown=${press} onFocus=${({ target }) => target.matches(":focus-visible") && setCursor(cursor ?? [Math.round(image.width / 2), Math.round(image.height / 2)])} onBlur=${() => setCursor(null)}></canvas>
      ${cursor && html`<span class=${`cursor ${tool}`} style=${{ left: `${cursor[0] * scale}px`, top: `${cursor[1] * scale}px`, width: `${size * scale}px`, height: `${size * scale}px` }}></span>`}
    </div>
  </div>`;
}

/** Return the middle of two fingers, and how far they are from each other. */
function between(fingers) {
  const [one, other] = fingers.values();
  return {
    x: (one.clientX + other.clientX) / 2,
    y: (one.clientY + other.clientY) / 2,
    distance: Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY),
  };
}

function clamp(value, maximum) {
  return Math.min(Math.max(value, 0), maximum);
}

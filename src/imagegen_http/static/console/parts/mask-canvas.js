// A picture that can be painted on, with a pointer, fingers or the keyboard.

import { drawSides, drawStep, frameOf } from "./mask.js";
import { shortened } from "../lib/format.js";
import { t } from "../lib/i18n.js";
import { isTyping } from "../lib/router.js";
import { html, useEffect, useLayoutEffect, useRef, useState } from "../vendor/index.js";

const MAX_SCALE = 8;
const MAX_PIXELS = 4_000_000; // of the canvas, however large the picture is
const NEAR = 16; // parts of a brush's width that points are apart at least
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const LINES = ["brush", "eraser"];

/**
 * `steps` are those of parts/mask.js; `onStep` is called with each that is finished. The tool `widen` paints nothing: its handles
 * change `sides`, of which `onSides` is told. The wheel and two fingers make the picture larger or smaller where they are, `onZoom`
 * is called with its new scale, or with "fit"; two fingers, the middle button, and the space bar with a drag move it.
 */
export function MaskCanvas({ image, sides, tool, size, soft, steps, zoom, veil, onStep, onZoom, onSides }) {
  const room = useRef(null);
  const canvas = useRef(null);
  const drawn = useRef([]); // the steps that the canvas shows
  const current = useRef(null); // the line that is being painted, and how many of its points are drawn
  const fingers = useRef(new Map());
  const pan = useRef({ key: false, moved: false, from: null });
  const aim = useRef(null); // the point of the frame that is to be at a place of the screen, and at which scale
  const byKey = useRef(false); // whether the cursor is moved by keys
  const [shape, setShape] = useState(null); // what is drawn of a lasso or a rectangle that is not finished
  const [cursor, setCursor] = useState(null);
  const [fit, setFit] = useState(1);
  const frame = frameOf(image, sides);
  const scale = zoom === "fit" ? fit : zoom;
  const density = Math.min(1, Math.sqrt(MAX_PIXELS / (frame.width * frame.height)));
  const view = { x: -sides.left, y: -sides.top, scale: density };
  const pixels = [frame.width, frame.height].map((side) => Math.max(1, Math.round(side * density)));

  /** Have the canvas show the steps; those that it shows already are not drawn again. */
  const draw = (afresh = false) => {
    const goesOn = !afresh && drawn.current.every((step, at) => step === steps[at]);
    if (!goesOn) canvas.current.getContext("2d").clearRect(0, 0, ...pixels);
    for (const step of steps.slice(goesOn ? drawn.current.length : 0)) drawStep(canvas.current, view, step);
    drawSides(canvas.current, view, image, sides);
    drawn.current = steps;
  };
  useLayoutEffect(() => draw(), [steps]);
  useLayoutEffect(() => draw(true), [image, sides]);
  useLayoutEffect(() => setShape(null), [tool]);
  useLayoutEffect(() => {
    if (byKey.current) room.current.querySelector(".cursor")?.scrollIntoView({ block: "nearest", inline: "nearest", behavior: "instant" });
  }, [cursor, scale]);
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
    const measure = () => setFit(Math.min(easel.clientWidth / frame.width, easel.clientHeight / frame.height, 1) || 1);
    const observer = new ResizeObserver(measure);
    observer.observe(easel);
    return () => observer.disconnect();
  }, [frame.width, frame.height]);

  const at = ({ clientX, clientY }) => {
    const { left, top } = canvas.current.getBoundingClientRect();
    return [Math.round((clientX - left) / scale) - sides.left, Math.round((clientY - top) / scale) - sides.top];
  };
  /** Zoom so that the point of the screen, or what was at `before` of it, is there. */
  const zoomAt = (factor, { x, y }, before = { x, y }) => {
    const { left, top } = canvas.current.getBoundingClientRect();
    const point = aim.current?.point ?? [(before.x - left) / scale, (before.y - top) / scale];
    const next = Math.min(MAX_SCALE, Math.max(fit, (aim.current?.scale ?? scale) * factor));
    aim.current = { point, x, y, scale: next };
    if (next === scale) meet();
    else onZoom(next > fit ? next : "fit");
  };
  const latest = useRef();
  latest.current = { zoomAt, fitted: scale <= fit };
  useEffect(() => {
    const easel = room.current;
    const wheel = (event) => {
      if (event.shiftKey || (latest.current.fitted && event.deltaY > 0 && !event.ctrlKey)) return; // it scrolls
      event.preventDefault();
      latest.current.zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), { x: event.clientX, y: event.clientY });
    };
    easel.addEventListener("wheel", wheel, { passive: false });
    return () => easel.removeEventListener("wheel", wheel);
  }, []);

  const begin = (point) => {
    if (tool === "rectangle") setShape({ kind: tool, from: point, to: point });
    else if (tool === "lasso") setShape({ kind: tool, points: [point] });
    else if (LINES.includes(tool)) {
      current.current = { step: { kind: tool, size, soft, points: [point] }, count: 0 };
      paint();
    }
  };
  const extend = (points) => {
    if (shape?.kind === "rectangle") setShape({ ...shape, to: points.at(-1) });
    else if (shape) setShape({ ...shape, points: [...shape.points, ...points] });
    else if (current.current) {
      const line = current.current.step.points;
      for (const point of points) if (distance(point, line.at(-1)) >= Math.max(1, size / NEAR)) line.push(point);
      paint();
    }
  };
  const paint = () => {
    const { step, count } = current.current;
    if (count < step.points.length) drawStep(canvas.current, view, step, count);
    current.current.count = step.points.length;
    drawSides(canvas.current, view, image, sides);
  };
  const finish = (step) => {
    setShape(null);
    if (step.kind === "lasso" && step.points.length < 3) return;
    if (step.kind !== "rectangle" || (step.from[0] !== step.to[0] && step.from[1] !== step.to[1])) onStep(step);
  };
  /** Forget what is not finished. */
  const drop = () => {
    setShape(null);
    if (current.current) draw(true);
    current.current = null;
  };

  const down = (event) => {
    const isPan = event.button === 1 || pan.current.key || tool === "widen";
    if (event.button > 1 || (event.button === 1 && event.pointerType !== "mouse")) return;
    byKey.current = false;
    fingers.current.set(event.pointerId, event);
    event.currentTarget.setPointerCapture(event.pointerId);
    if (fingers.current.size > 1) drop();
    else if (isPan) pan.current = { ...pan.current, moved: true, from: event };
    else begin(at(event));
  };
  const move = (event) => {
    if (event.pointerType !== "touch") {
      byKey.current = false;
      setCursor(LINES.includes(tool) && !pan.current.key ? at(event) : null); // else the pointer is a cross-hair
    }
    const before = fingers.current.get(event.pointerId);
    if (!before) return;
    if (fingers.current.size > 1) {
      const was = between(fingers.current);
      fingers.current.set(event.pointerId, event);
      const is = between(fingers.current);
      zoomAt(is.distance / Math.max(1, was.distance), is, was);
    } else if (pan.current.from) {
      room.current.scrollBy(pan.current.from.clientX - event.clientX, pan.current.from.clientY - event.clientY);
      pan.current.from = event;
    } else {
      const path = event.getCoalescedEvents?.() ?? [];
      extend((path.length ? path : [event]).map(at));
    }
  };
  const up = (event) => {
    fingers.current.delete(event.pointerId);
    pan.current.from = null;
    const step = current.current?.step;
    current.current = null;
    if (step) {
      drawn.current = [...drawn.current, step];
      onStep(step);
    } else if (shape && !byKey.current) finish(shape);
  };
  const give = (event) => {
    fingers.current.delete(event.pointerId);
    pan.current.from = null;
    drop();
  };

  const middle = () => [Math.round(image.width / 2), Math.round(image.height / 2)];
  /** Do with the tool what a press of the pointer does, where the cursor is. */
  const dab = () => {
    const [x, y] = cursor ?? middle();
    const half = Math.round(size / 2);
    if (tool === "lasso") setShape({ kind: tool, points: [...(shape?.points ?? []), [x, y]] });
    else if (tool === "rectangle") onStep({ kind: tool, from: [x - half, y - half], to: [x + half, y + half] });
    else if (LINES.includes(tool)) onStep({ kind: tool, size, soft, points: [[x, y]] });
  };
  const press = (event) => {
    const [x, y] = cursor ?? middle();
    if (MOVES[event.key]) {
      event.preventDefault();
      byKey.current = true;
      const [dx, dy] = MOVES[event.key];
      const stride = Math.max(1, Math.round(event.shiftKey ? size * 2 : size / 2));
      setCursor([clamp(x + dx * stride, -sides.left, image.width + sides.right), clamp(y + dy * stride, -sides.top, image.height + sides.bottom)]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (tool === "lasso" && shape?.points.length > 2) finish(shape);
      else dab();
    } else if (event.key === "Escape" && shape) {
      event.preventDefault();
      drop();
    }
  };
  useLayoutEffect(() => {
    const hold = (event) => {
      if (event.key !== " " || isTyping(event.target) || event.target.closest?.("button, a, input, select, summary, dialog")) return;
      event.preventDefault(); // the page does not scroll
      if (!event.repeat) pan.current = { ...pan.current, key: true, moved: false };
    };
    const release = (event) => {
      if (event.key !== " " || !pan.current.key) return;
      const isDab = !pan.current.moved && event.target === canvas.current && byKey.current;
      pan.current = { ...pan.current, key: false };
      if (isDab) dab();
    };
    addEventListener("keydown", hold);
    addEventListener("keyup", release);
    return () => {
      removeEventListener("keydown", hold);
      removeEventListener("keyup", release);
    };
  });
  const arrive = ({ target }) => {
    if (!target.matches(":focus-visible")) return;
    byKey.current = true;
    setCursor(cursor ?? middle());
  };

  const box = { width: `${frame.width * scale}px`, height: `${frame.height * scale}px` };
  const place = (x, y, wide, tall) => ({ left: `${(x + sides.left) * scale}px`, top: `${(y + sides.top) * scale}px`, width: `${wide * scale}px`, height: `${tall * scale}px` });
  const corners = shape?.points ?? (shape && [shape.from, [shape.to[0], shape.from[1]], shape.to, [shape.from[0], shape.to[1]]]);
  return html`<div class="easel" ref=${room}>
    <div class=${`sheet ${tool}`} style=${box}>
      <img src=${image.image_url} alt=${shortened(image.prompt) || t("images.unnamed", { id: image.id })} draggable=${false} style=${place(0, 0, image.width, image.height)} />
      <canvas ref=${canvas} width=${pixels[0]} height=${pixels[1]} tabindex="0" role="application" aria-label=${t("editor.canvas")} style=${{ opacity: veil }}
        onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${give} onPointerLeave=${() => byKey.current || setCursor(null)}
        onMouseDown=${(event) => event.button === 1 && event.preventDefault()} onKeyDown=${press} onFocus=${arrive} onBlur=${() => setCursor(null)}></canvas>
      ${corners && html`<svg class="shape" viewBox=${`${-sides.left} ${-sides.top} ${frame.width} ${frame.height}`} aria-hidden="true"><polygon points=${corners.join(" ")} /></svg>`}
      ${cursor && html`<span class=${`cursor ${tool}`} style=${place(...cursor, size, size)}></span>`}
      ${tool === "widen" && Object.keys(sides).map((side) => html`<${Handle} key=${side} side=${side} sides=${sides} scale=${scale} onSides=${onSides} />`)}
    </div>
  </div>`;
}

/** The edge of the frame, to be drawn outwards; the fields beside the picture do the same. */
function Handle({ side, sides, scale, onSides }) {
  const from = useRef(null); // where it was taken, and what the side was then, and a pixel of the picture
  const isAcross = side === "left" || side === "right";
  const sign = side === "left" || side === "top" ? -1 : 1;
  const place = ({ clientX, clientY }) => (isAcross ? clientX : clientY);
  const down = (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.currentTarget.setPointerCapture(event.pointerId);
    from.current = { at: place(event), value: sides[side], scale };
  };
  const move = (event) => {
    if (!from.current) return;
    const { at, value, scale: before } = from.current;
    onSides(side, value + (sign * (place(event) - at)) / before);
  };
  const up = () => {
    from.current = null;
  };
  return html`<i class=${`handle at-${side}`} aria-hidden="true" onPointerDown=${down} onPointerMove=${move} onPointerUp=${up} onPointerCancel=${up}></i>`;
}

/** Return the middle of two fingers, and how far they are from each other. */
function between(fingers) {
  const [one, other] = [...fingers.values()].map(({ clientX, clientY }) => [clientX, clientY]);
  return { x: (one[0] + other[0]) / 2, y: (one[1] + other[1]) / 2, distance: distance(one, other) };
}

function distance([x, y], [other_x, other_y]) {
  return Math.hypot(x - other_x, y - other_y);
}

function clamp(value, minimum, maximum) {
  return Math.min(Math.max(value, minimum), maximum);
}

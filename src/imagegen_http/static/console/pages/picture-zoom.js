// How an image lies on its stage: fitted, at its own size, or anywhere between, by wheel, fingers, mouse, keys and buttons.

import { useEffect, useLayoutEffect, useRef, useSignal, useState } from "../vendor/index.js";

const MAX_SCALE = 8;
const STEP = 1.5;
const STRIDE = 0.25; // of the stage that a key moves the image
const SWIPE = 56; // pixels that a finger must travel

/**
 * Return `{ style, scale, isFitted, fit, actual, zoomIn, zoomOut, arrows }`; `arrows` are keys that move an image larger than its stage; `key` names the image, `width` and `height` are its own, and
 * `onSwipe` is called with 1 or -1 for a finger that goes to the left or to the right over a fitted image. Images that are given
 * the same `view`, a signal of `{ zoom, x, y }` or null while they are fitted, show the same part of themselves.
 */
export function useZoom(stage, { key, width, height, onSwipe, view: shared = null }) {
  const own = useSignal(null);
  const view = shared ?? own;
  const [room, setRoom] = useState({ width: 0, height: 0 });
  const fitting = fittingScale(room, width, height);
  const now = placed(view.value, { fitting, room, width, height });
  const state = useRef();
  state.current = { now, fitting, room, width, height, onSwipe };

  useLayoutEffect(() => {
    const look = () => setRoom({ width: stage.current.clientWidth, height: stage.current.clientHeight });
    look();
    const observer = new ResizeObserver(look);
    observer.observe(stage.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    own.value = null;
  }, [key]);

  const put = (next) => {
    const { fitting: least, width: w, height: h } = state.current;
    const scale = Math.min(MAX_SCALE, next.scale);
    const { x, y } = placed({ zoom: scale / least, x: next.x / (w * scale), y: next.y / (h * scale) }, state.current);
    view.value = scale <= least * 1.001 ? null : { zoom: scale / least, x: x / (w * scale), y: y / (h * scale) };
  };
  /** Zoom so that what is at the point, from the middle of the stage, stays there. */
  const zoomAt = (factor, x = 0, y = 0) => {
    const { now: { scale, x: left, y: top }, fitting: least } = state.current;
    const next = Math.min(MAX_SCALE, Math.max(least, scale * factor));
    put({ scale: next, x: x - ((x - left) * next) / scale, y: y - ((y - top) * next) / scale });
  };
  const move = (across, along) => put({ scale: now.scale, x: now.x + across * STRIDE * room.width, y: now.y + along * STRIDE * room.height });
  useGestures(stage, state, { put, zoomAt });

  return {
    isFitted: view.value === null,
    scale: now.scale,
    style: { width: `${width}px`, height: `${height}px`, transform: `translate(-50%, -50%) translate(${now.x}px, ${now.y}px) scale(${now.scale})` },
    fit: () => (view.value = null),
    actual: () => put({ scale: 1, x: 0, y: 0 }),
    zoomIn: () => zoomAt(STEP),
    zoomOut: () => zoomAt(1 / STEP),
    arrows: view.value && { ArrowLeft: () => move(1, 0), ArrowRight: () => move(-1, 0), ArrowUp: () => move(0, 1), ArrowDown: () => move(0, -1) },
  };
}

/** Return `{ scale, x, y }` in pixels from the middle of the stage; `view` is in fitted sizes and in sizes of the image. */
function placed(view, { fitting, room, width, height }) {
  if (!view) return { scale: fitting, x: 0, y: 0 };
  const scale = fitting * view.zoom;
  const [w, h] = [width * scale, height * scale];
  return { scale, x: bounded(view.x * w, w - room.width), y: bounded(view.y * h, h - room.height) };
}

function useGestures(stage, state, { put, zoomAt }) {
  useEffect(() => {
    const element = stage.current;
    const fingers = new Map();
    let start = null; // { x, y } of a single finger, and where it began
    const at = ({ clientX, clientY }) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      return { x: clientX - left - width / 2, y: clientY - top - height / 2 };
    };
    const wheel = (event) => {
      const isFitted = state.current.now.scale === state.current.fitting;
      if (!event.ctrlKey && isFitted && (event.deltaY > 0 || isScrolled(element))) return; // the page goes on, or back
      event.preventDefault();
      const { x, y } = at(event);
      zoomAt(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), x, y);
    };
    const down = (event) => {
      if (event.button !== 0 || event.target.closest("button, a")) return;
      fingers.set(event.pointerId, at(event));
      start = fingers.size === 1 ? at(event) : null;
      element.setPointerCapture(event.pointerId);
    };
    const move = (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      const here = at(event);
      const { scale, x, y } = state.current.now;
      if (fingers.size === 2) {
        const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
        zoomAt(distance(here, other) / Math.max(1, distance(before, other)), (here.x + other.x) / 2, (here.y + other.y) / 2);
      } else if (scale > state.current.fitting) put({ scale, x: x + here.x - before.x, y: y + here.y - before.y });
      fingers.set(event.pointerId, here);
    };
    const up = (event) => {
      if (!fingers.delete(event.pointerId)) return;
      const here = at(event);
      const { now, fitting, onSwipe } = state.current;
      const [across, along] = start ? [here.x - start.x, here.y - start.y] : [0, 0];
      if (event.pointerType !== "mouse" && now.scale <= fitting && Math.abs(across) > SWIPE && Math.abs(across) > 2 * Math.abs(along)) onSwipe(across < 0 ? 1 : -1);
      start = null;
    };
    const cancel = (event) => fingers.delete(event.pointerId);
    const twice = (event) => {
      if (event.target.closest("button, a")) return;
      const { now, fitting } = state.current;
      const { x, y } = at(event);
      if (now.scale > fitting) put({ scale: fitting, x: 0, y: 0 });
      else zoomAt((fitting < 1 ? 1 : 2) / now.scale, x, y);
    };
    const listeners = { pointerdown: down, pointermove: move, pointerup: up, pointercancel: cancel, dblclick: twice };
    for (const [name, listener] of Object.entries(listeners)) element.addEventListener(name, listener);
    element.addEventListener("wheel", wheel, { passive: false });
    return () => {
      for (const [name, listener] of Object.entries(listeners)) element.removeEventListener(name, listener);
      element.removeEventListener("wheel", wheel);
    };
  }, []);
}

/** Whether what the stage lies in has been scrolled down. */
function isScrolled(element) {
  const { scrollTop } = element.closest("dialog .body") ?? document.scrollingElement;
  return scrollTop > 0;
}

function fittingScale(room, width, height) {
  return room.width && width ? Math.min(1, room.width / width, room.height / height) : 1;
}

/** Keep an image that is larger than the stage over it, and a smaller one in its middle. */
function bounded(value, over) {
  const most = Math.max(0, over) / 2;
  return Math.min(most, Math.max(-most, value));
}

function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

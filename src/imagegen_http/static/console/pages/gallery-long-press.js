// A finger that stays on an image: what a phone has for a press with a key.

import { useEffect, useRef } from "../vendor/index.js";

const LONG = 500; // milliseconds
const MAX_TREMBLE = 10; // pixels that a resting finger may move

/** Call `act` with the element under a finger that has rested on it; the press is then no click and opens no menu. */
export function useLongPress(element, act) {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    const room = element.current;
    let start = null; // { x, y, timer } of the finger that is down
    let wasLong = false;
    const stop = () => {
      clearTimeout(start?.timer);
      start = null;
    };
    const down = (event) => {
      stop();
      wasLong = false;
      if (event.pointerType === "mouse" || !event.isPrimary) return;
      const long = () => {
        stop();
        wasLong = true;
        latest.current(event.target);
      };
      start = { x: event.clientX, y: event.clientY, timer: setTimeout(long, LONG) };
    };
    const move = ({ clientX, clientY }) => {
      if (start && Math.hypot(clientX - start.x, clientY - start.y) > MAX_TREMBLE) stop();
    };
    const swallow = (event) => {
      if (!wasLong) return;
      wasLong = false;
      event.preventDefault();
      event.stopPropagation();
    };
    const menu = (event) => (start || wasLong) && event.preventDefault();
    const listeners = [["pointerdown", down], ["pointermove", move], ["pointerup", stop], ["pointercancel", stop], ["contextmenu", menu], ["dragstart", menu]];
    for (const [name, listener] of listeners) room.addEventListener(name, listener);
    room.addEventListener("click", swallow, true);
    return () => {
      stop();
      for (const [name, listener] of listeners) room.removeEventListener(name, listener);
      room.removeEventListener("click", swallow, true);
    };
  }, []);
}

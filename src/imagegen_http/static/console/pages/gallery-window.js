// What of a long page can be seen, and a screen above and below it: only that is on the page.

import { useEffect, useLayoutEffect, useRef, useState } from "../vendor/index.js";

let lastWidth = 0; // so that coming back needs no second look

/** Return the width of the element in whole pixels, 0 until it is known. */
export function useWidth(element) {
  const [width, setWidth] = useState(lastWidth);
  useLayoutEffect(() => {
    const look = () => {
      lastWidth = Math.floor(element.current.clientWidth);
      setWidth(lastWidth);
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return width;
}

/** Return `{ from, to }` in pixels below the element's upper edge, in steps of half a screen; call `moved` at each move. */
export function useWindow(element, moved) {
  const [seen, setSeen] = useState(() => around(scrollY));
  const latest = useRef(moved);
  latest.current = moved;
  useEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      if (!element.current) return;
      const next = around(depthOf(element.current));
      setSeen((before) => (before.from === next.from && before.to === next.to ? before : next));
      latest.current();
    };
    const soon = () => {
      asked ||= requestAnimationFrame(look);
    };
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    look();
    return () => {
      cancelAnimationFrame(asked);
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
    };
  }, []);
  return seen;
}

/** Return how much of the element is above the screen, in pixels; less than 0 while all of it is below. */
export function depthOf(element) {
  return -element.getBoundingClientRect().top;
}

function around(depth) {
  const step = Math.max(200, Math.round(innerHeight / 2));
  const first = Math.floor(depth / step) * step;
  return { from: first - innerHeight, to: first + step + 2 * innerHeight };
}

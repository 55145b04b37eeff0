// A button with a panel below it: it closes with Escape, by a press beside it, and when the focus leaves.

import { Icon } from "./basics.js";
import { html, useEffect, useId, useRef, useState } from "../vendor/index.js";

const EDGE = 12; // pixels between the panel and the edge of the screen

/** `children` is a function that gets `close`. `opened` is called at each opening. */
export function Menu({ name, label = name, icon = "", className = "chip", active = false, opened = null, children }) {
  const [open, setOpen] = useState(false);
  const [aside, setAside] = useState(0);
  const room = useRef(null);
  const button = useRef(null);
  const id = useId();
  const close = () => {
    setOpen(false);
    if (room.current?.contains(document.activeElement)) button.current.focus();
  };
  useEffect(() => {
    if (!open) return undefined;
    opened?.();
    const panel = room.current.querySelector(".panel");
    const measure = () => {
      const right = room.current.getBoundingClientRect().left + panel.offsetWidth; // wider once its choices are there
      setAside(Math.min(0, document.documentElement.clientWidth - EDGE - right));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(panel);
    measure();
    const beside = ({ target }) => room.current.contains(target) || setOpen(false);
    document.addEventListener("pointerdown", beside);
    return () => {
      observer.disconnect();
      document.removeEventListener("pointerdown", beside);
      setAside(0);
    };
  }, [open]);
  const press = (event) => {
    if (!open) return;
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") step(event, room.current);
  };
  const left = ({ relatedTarget }) => relatedTarget && !room.current.contains(relatedTarget) && setOpen(false);
  return html`<span class="menu" ref=${room} onKeyDown=${press} onFocusOut=${left}>
    <button type="button" class=${className} ref=${button} aria-expanded=${open} aria-controls=${open ? id : undefined} aria-current=${active ? "true" : undefined}
      aria-label=${label} onClick=${() => setOpen(!open)}>${icon && html`<${Icon} name=${icon} />`}<bdi>${name}</bdi><${Icon} name="down" /></button>
    ${open && html`<div class="panel" id=${id} style=${{ translate: `${aside}px 0` }}>${children(close)}</div>`}
  </span>`;
}

/** One of the choices of a menu. */
export function Choice({ chosen = false, count = null, onClick, children }) {
  return html`<button type="button" class="choice" aria-pressed=${chosen} onClick=${onClick}>
    <bdi>${children}</bdi>${count !== null && html`<span class="muted">${count}</span>`}${chosen && html`<${Icon} name="check" />`}
  </button>`;
}

function step(event, room) {
  if (event.target.matches("input[type=date]")) return;
  const stops = [...room.querySelectorAll("button, input")];
  const next = stops[stops.indexOf(event.target) + (event.key === "ArrowDown" ? 1 : -1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

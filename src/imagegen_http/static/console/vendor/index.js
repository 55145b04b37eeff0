// All that the console takes from its libraries; the files beside this one come from tools/vendor_console.py.
import htm from "./htm.js";
import { h } from "./preact.js";

export const html = htm.bind(h);
export { h, render, Fragment, createContext, createPortal, createRef } from "./preact.js";
export {
  useCallback, useContext, useEffect, useErrorBoundary, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "./hooks.js";
export {
  batch, computed, effect, signal, untracked, useComputed, useSignal, useSignalEffect,
} from "./signals.js";

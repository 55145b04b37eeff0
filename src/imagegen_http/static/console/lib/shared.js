// A value that all tabs have in common: a change in one keeps what the others have changed, and shows in them.

import { keepShared, onShared, recallShared } from "./kept.js";
import { signal } from "../vendor/index.js";

export class Shared {
  #name;
  #value;
  #isKept = true; // else the browser has an older one than this tab

  /** `otherwise` is the value where none is kept. */
  constructor(name, otherwise) {
    this.#name = name;
    this.#value = signal(recallShared(name) ?? otherwise);
    onShared(name, () => {
      if (this.#isKept) this.#value.value = recallShared(name) ?? otherwise;
    });
  }

  get value() {
    return this.#value.value;
  }

  /** Change the value by a function of it; return whether the browser keeps it. A tab that lives does in any case. */
  update(change) {
    const before = (this.#isKept && recallShared(this.#name)) || this.#value.peek();
    const after = change(before);
    this.#isKept = after === before && this.#isKept ? true : keepShared(this.#name, after);
    this.#value.value = after;
    return this.#isKept;
  }
}

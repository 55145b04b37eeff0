// What the page is about, for the tab's title: the words of a search, or of an image.

import { signal, useEffect } from "../vendor/index.js";

const MAX_CHARACTERS = 60;

export const subject = signal("");

/** Let the page be about this while the component is shown. */
export function useSubject(text) {
  useEffect(() => {
    subject.value = [...(text ?? "")].slice(0, MAX_CHARACTERS).join("");
    return () => {
      subject.value = "";
    };
  }, [text]);
}

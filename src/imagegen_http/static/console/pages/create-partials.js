// What images of a running task look like so far, where its request asked for that.

import { useEffect, useState } from "../vendor/index.js";

const MAX_STREAMS = 2; // a browser has six connections to a host

let streams = 0;

/** Return data URLs of the latest partial images by their place, and a function that forgets the one of a place. */
export function usePartialImages({ task_id, status, params }) {
  const [partials, setPartials] = useState({});
  const wanted = status === "processing" && Number(params.partial_images) > 0;
  useEffect(() => {
    if (!wanted || streams >= MAX_STREAMS) return undefined;
    streams += 1;
    const source = new EventSource(`/api/v1/tasks/${task_id}/events`);
    source.addEventListener("partial_image", ({ data }) => {
      const { image_index, mime_type, b64_json } = JSON.parse(data);
      setPartials((before) => ({ ...before, [image_index]: `data:${mime_type};base64,${b64_json}` }));
    });
    return () => {
      source.close();
      streams -= 1;
    };
  }, [task_id, wanted]);
  return [partials, (at) => setPartials(({ [at]: _, ...others }) => others)];
}

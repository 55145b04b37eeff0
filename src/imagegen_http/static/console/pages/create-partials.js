// What images of a running task look like so far, where its request asked for that.

import { useEffect, useState } from "../vendor/index.js";

const MAX_STREAMS = 2; // a browser has six connections to a host

let streams = 0;

/** Return a data URL of the latest partial image; null while there is none. */
export function usePartialImage({ task_id, status, params }) {
  const [partial, setPartial] = useState(null);
  const wanted = status === "processing" && Number(params?.partial_images) > 0;
  useEffect(() => {
    if (!wanted || streams >= MAX_STREAMS) return undefined;
    streams += 1;
    const source = new EventSource(`/api/v1/tasks/${task_id}/events`);
    source.addEventListener("partial_image", ({ data }) => {
      const { mime_type, b64_json } = JSON.parse(data);
      setPartial(`data:${mime_type};base64,${b64_json}`);
    });
    return () => {
      source.close();
      streams -= 1;
    };
  }, [task_id, wanted]);
  return partial;
}

// A component whose module is fetched when it is first shown.

import { t } from "../lib/i18n.js";
import { Problem } from "./problem.js";
import { html, useEffect, useState } from "../vendor/index.js";

/** `load` resolves to the component, which gets all other properties. */
export function Lazy({ load, ...properties }) {
  const [{ Content, failed }, set] = useState({ Content: null, failed: false });
  useEffect(() => {
    let shown = true;
    load().then(
      (component) => shown && set({ Content: component, failed: false }),
      () => shown && set({ Content: null, failed: true }),
    );
    return () => {
      shown = false;
    };
  }, []);
  if (failed) return html`<${Problem} error=${{ message: t("problem.page") }} again=${() => location.reload()} />`;
  return Content && html`<${Content} ...${properties} />`;
}
